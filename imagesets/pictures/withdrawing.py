"""Withdraws images (rights, a face): from then on nobody is shown them; brings them back."""

from collections.abc import Sequence

from django.db import transaction

from imagesets.clock import Now
from imagesets.locks import Lock, take_until_commit
from imagesets.models import Dataset, Image, Withdrawal
from imagesets.pictures.derivatives import forget


def withdraw(image: Image, who: str, why: str) -> list[Image]:
    """Withdraw an image, and with it the same file under other keys of its dataset.

    Logged for each. Returns those that were not withdrawn before: none if nothing changes. Their
    pictures for pages are deleted once this is committed.
    """
    return _change(image, True, who, why)


def bring_back(image: Image, who: str, why: str) -> list[Image]:
    """Undo it, likewise; returns the images that were withdrawn before."""
    return _change(image, False, who, why)


@transaction.atomic
def _change(image: Image, withdrawn: bool, who: str, why: str) -> list[Image]:
    take_until_commit(Lock.WITHDRAWAL, image.dataset_id)
    same = Image.objects.filter(dataset=image.dataset_id, sha256=image.sha256)
    changed = list(same.filter(withdrawn_at__isnull=withdrawn).order_by("key"))
    facts = {
        "withdrawn_at": Now() if withdrawn else None,
        "withdrawn_by": who if withdrawn else "",
        "withdrawn_why": why if withdrawn else "",
    }
    Image.objects.filter(pk__in=[each.pk for each in changed]).update(**facts)
    Withdrawal.objects.bulk_create(
        Withdrawal(image=each, withdrawn=withdrawn, who=who, why=why) for each in changed
    )
    if withdrawn:
        transaction.on_commit(lambda: forget_pictures(changed), robust=True)
    return changed


def forget_pictures(images: Sequence[Image]) -> None:
    """Delete what pages were shown of images."""
    for image in images:
        forget(image)


def withdraw_new_twins(dataset: Dataset) -> list[str]:
    """Withdraw what an import brought in again under another key; returns these keys."""
    gone = Image.objects.filter(dataset=dataset, withdrawn_at__isnull=False)
    new = Image.objects.filter(dataset=dataset, withdrawn_at=None, sha256__in=gone.values("sha256"))
    keys = []
    for image in new.order_by("key"):
        before = gone.filter(sha256=image.sha256).order_by("withdrawn_at", "key").first()
        if before is not None:
            why = f"the same file as {before.key}, which was withdrawn: {before.withdrawn_why}"
            keys += [each.key for each in withdraw(image, before.withdrawn_by, why)]
    return keys
