"""The argument SLUG of commands on one dataset."""

from django.core.management.base import CommandError

from imagesets.choices import meant
from imagesets.models import Dataset


def dataset_named(slug: str) -> Dataset:
    """The dataset of that slug. Raises CommandError, naming the one that was perhaps meant."""
    dataset = Dataset.objects.filter(slug=slug).first()
    if dataset is None:
        slugs = Dataset.objects.values_list("slug", flat=True)
        raise CommandError(
            f"There is no dataset {slug}: import_dataset makes one.{meant(slug, slugs)}"
        )
    return dataset
