"""What keeps a draft from having its settings: their own rules, and what the database knows."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from django.db.models import QuerySet

from imagesets.choices import meant
from imagesets.labels.lint import some
from imagesets.models import Dataset, Image
from models_inference.models import Classifier
from tasks.models import Campaign
from tasks.models.campaign import Kind
from tasks.models.campaign_settings import RULES
from tasks.models.setting_types import Problem, broken_rules

NEW = "new"  # /campaigns/new/ is the page that makes campaigns


def problems_of(
    values: Mapping[str, Any], campaigns: QuerySet[Campaign], draft: Campaign | None = None
) -> list[Problem]:
    """What is wrong with the settings of a draft, each of a valid type and within its bounds.

    `values`: all settings, `dataset` and `source` as rows; `campaigns`: those that they may name;
    `draft`: the campaign that is changed, if it exists. At most one problem of a setting, or of a
    part.
    """
    problems: dict[str, str] = {}
    unknown = _unknown_to_database(values, campaigns, draft)
    for name, sentence in [*broken_rules(values, RULES), *unknown]:
        problems.setdefault(name, sentence)
    return list(problems.items())


def slug_taken(slug: str) -> Problem:
    """What to say of a slug that another campaign has."""
    return "slug", f"There is a campaign {slug} already."


def _unknown_to_database(
    values: Mapping[str, Any], campaigns: QuerySet[Campaign], draft: Campaign | None
) -> Iterator[Problem]:
    slug, dataset, source = values["slug"], values["dataset"], values["source"]
    others = Campaign.objects.exclude(pk=draft.pk) if draft else Campaign.objects.all()
    if others.filter(slug=slug).exists():
        yield slug_taken(slug)
    if slug == NEW and (draft is None or draft.slug != NEW):
        yield "slug", f"{NEW} is the address at which campaigns are made: give another."
    if draft and draft.adds_to and draft.adds_to.dataset_id != dataset.pk:
        yield "dataset", f"It adds to {draft.adds_to.slug}: {draft.adds_to.dataset.slug}."
    if draft and draft.adds_to and values["kind"] != Kind.CONTAINS:
        yield "kind", f"It adds to {draft.adds_to.slug}: it must be contains."
    if source is not None and source.kind != Kind.CONTAINS:
        yield (
            "source",
            f"Campaign {source.slug} is of kind {source.kind}: it must be contains.",
        )
    elif source is not None and source.dataset_id != dataset.pk:
        yield "source", f"Campaign {source.slug} is of another dataset: {source.dataset.slug}."
    if isinstance(values["images"], list):
        unknown = list(_unknown_images(dataset, values["images"]))
        if unknown:
            yield "images", f"Not in dataset {dataset.slug}: {some(unknown)}."
    if unknown := _unknown_classifiers(dataset, (values["candidates"] or {}).get("classifiers")):
        known = dataset.classifiers.order_by("name").values_list("name", flat=True)
        yield (
            "candidates.classifiers",
            f"Not of dataset {dataset.slug}: {some(unknown)}. It has: {some(known) or 'none'}.",
        )
    for name in ("exclude_workers_of", "only_workers_of"):
        yield from _other_crowds(name, values[name], values["crowd"], campaigns)
    slugs = (values["controls"] or {}).get("campaigns", [])
    kept = (draft.controls or {}).get("campaigns", []) if draft else []
    known = {c.slug: c for c in campaigns.filter(slug__in=slugs).select_related("dataset")}
    for slug in slugs:
        if slug not in known:
            like = meant(slug, campaigns.values_list("slug", flat=True))
            yield "controls.campaigns", f"There is no campaign {slug}.{like}"
        elif known[slug].dataset_id != dataset.pk:
            other = known[slug].dataset.slug
            yield "controls.campaigns", f"Campaign {slug} is of another dataset: {other}."
        elif known[slug].kind != Kind.CONTAINS and slug not in kept:
            yield "controls.campaigns", f"Campaign {slug} settles no pairs: it must be contains."


def _other_crowds(
    name: str, slugs: Iterable[str], crowd: str, campaigns: QuerySet[Campaign]
) -> Iterator[Problem]:
    """Campaigns whose workers a setting names that do not exist, or that have other people."""
    crowds = dict(campaigns.filter(slug__in=slugs).values_list("slug", "crowd"))
    for slug in slugs:
        if slug not in crowds:
            like = meant(slug, campaigns.values_list("slug", flat=True))
            yield name, f"There is no campaign {slug}.{like}"
        elif crowds[slug] != crowd:
            yield name, f"Campaign {slug} is for the crowd {crowds[slug]}, whose people are others."


def _unknown_images(dataset: Dataset, keys: list[str]) -> Iterator[str]:
    """The keys that no image of the dataset has, in their order."""
    left = iter(keys)
    while chunk := list(islice(left, 10_000)):
        known = set(
            Image.objects.filter(dataset=dataset, key__in=chunk).values_list("key", flat=True)
        )
        yield from (key for key in chunk if key not in known)


def _unknown_classifiers(dataset: Dataset, names: list[str] | None) -> list[str]:
    """The classifiers named that the dataset does not have."""
    if not names:
        return []
    known = set(
        Classifier.objects.filter(dataset=dataset, name__in=names).values_list("name", flat=True)
    )
    return [name for name in names if name not in known]
