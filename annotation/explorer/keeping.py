"""Keeps a study's columns in the database, and knows whether they are still current."""

import logging
from typing import Any

from django.core.cache import cache
from django.db.models import Exists, Max, OuterRef
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from annotation.explorer.building import columns_of
from annotation.report.campaigns import Campaigns
from imagesets.locks import Lock, alone
from imagesets.models import Comparison, Dataset
from models_inference.models import Classifier, Prediction
from tasks.models import Campaign, CampaignImage, KeptColumn, KeptStudy, Transition
from tasks.results import last_failure, record_failure
from tasks.sql.snapshots import on_one_snapshot

log = logging.getLogger(__name__)
SUBJECT = "explorer"  # of a failure in the campaign's log
SMALL = 5_000  # images that a visitor waits for
AGAIN = 120  # seconds before the same study is queued again
VERSION = 2  # raised when a column comes to mean something else: kept ones are then made again


class NotReady(Exception):
    """A large study's images are still being laid out: try again soon."""


class Failed(Exception):
    """A study's images could not be laid out; the message says why."""


def kept_or_made(dataset: Dataset, campaigns: Campaigns) -> tuple[KeptStudy, bool]:
    """The study in columns, and whether it is current; made now where that takes a moment.

    Raises NotReady and Failed.
    """
    kept = kept_study(dataset, campaigns)
    if kept is not None and is_current(kept, dataset, campaigns):
        return kept, True
    if not is_small(dataset, campaigns) and queue(dataset, campaigns):
        if kept is None and (failure := failure_of(campaigns)):
            raise Failed(failure.why)
        if kept is None:
            raise NotReady
        return kept, False
    try:
        return keep(dataset, campaigns), True
    except Exception as error:
        keep_failure(dataset, campaigns, error)
        if kept is None:
            raise Failed(f"{type(error).__name__}: {error}") from error
        return kept, False


def kept_study(dataset: Dataset, campaigns: Campaigns) -> KeptStudy | None:
    """What is kept of the study, current or not."""
    return KeptStudy.objects.filter(dataset=dataset, campaign=_last(campaigns)).first()


def is_current(kept: KeptStudy, dataset: Dataset, campaigns: Campaigns) -> bool:
    """Whether nothing that it was made of has changed since."""
    return kept.made_of == made_of(dataset, campaigns)


def is_small(dataset: Dataset, campaigns: Campaigns) -> bool:
    """Whether the columns are made in about a second."""
    of_study = CampaignImage.objects.filter(campaign__in=[each for each in campaigns if each])
    return len(of_study.values_list("pk")[: SMALL + 1]) <= SMALL and (
        of_study.exists() or len(dataset.images.values_list("pk")[: SMALL + 1]) <= SMALL
    )


def made_of(dataset: Dataset, campaigns: Campaigns) -> dict[str, Any]:
    """What tells whether columns are current: runs, classifiers, imports.

    `predicted` changes with predictions for any dataset: to ask for this one's would walk them.
    """
    newest = Prediction.objects.aggregate(pk=Max("pk"))["pk"]
    imported = Comparison.objects.filter(dataset=dataset).values_list("images", flat=True).first()
    return {
        "version": VERSION,
        "runs": [
            campaign.runs.values_list("pk", flat=True).first() for campaign in campaigns if campaign
        ],
        "published": [str(campaign.published_at) for campaign in campaigns if campaign],
        "classifiers": [each.pk for each in _predicting(dataset)],
        "predicted": newest,
        "imported": imported,
    }


def keep(dataset: Dataset, campaigns: Campaigns) -> KeptStudy:
    """Make the study's columns, unless they are current, and keep them in place of older ones."""
    with alone(Lock.KEPT_STUDY, dataset.pk), on_one_snapshot() as cursor:
        made = made_of(dataset, campaigns)
        kept = kept_study(dataset, campaigns)
        if kept is not None and kept.made_of == made:  # made while this one waited
            return kept
        columns = columns_of(cursor, dataset, campaigns, _predicting(dataset))
        KeptStudy.objects.filter(dataset=dataset, campaign=_last(campaigns)).delete()
        kept = KeptStudy.objects.create(
            dataset=dataset,
            campaign=_last(campaigns),
            images=columns["image"].size,
            made_of=made,
        )
        for name, column in columns.items():
            KeptColumn.objects.create(study=kept, name=name, content=column.tobytes())
        kept.refresh_from_db(fields=["at"])
    return kept


def queue(dataset: Dataset, campaigns: Campaigns) -> bool:
    """Queue it, unless that was done a moment ago; whether there is a queue."""
    from annotation.explorer.celery_tasks import keep_study

    last = _last(campaigns)
    try:
        if cache.add(f"keep-study-{dataset.pk}-{last and last.pk}", True, AGAIN):
            keep_study.delay(dataset.pk, last and last.pk)
    except (OperationalError, RedisError, OSError) as error:
        log.warning("The images of %s were not queued: %s", dataset.slug, error)
        return False
    return True


def keep_failure(dataset: Dataset, campaigns: Campaigns, error: Exception) -> None:
    """Log that the columns could not be made; the kept ones stay."""
    log.exception("The images of %s could not be laid out; the kept ones stay.", dataset.slug)
    if (last := _last(campaigns)) is not None:
        record_failure(last, error, SUBJECT)


def failure_of(campaigns: Campaigns) -> Transition | None:
    """Why the study's columns could not be made, if no aggregation has followed since."""
    last = _last(campaigns)
    return None if last is None else last_failure(last, SUBJECT)


def _last(campaigns: Campaigns) -> Campaign | None:
    contains, classify = campaigns
    return classify or contains


def _predicting(dataset: Dataset) -> list[Classifier]:
    """The dataset's classifiers with predictions, by name."""
    predicted = Exists(Prediction.objects.filter(classifier=OuterRef("pk")))
    return list(Classifier.objects.filter(predicted, dataset=dataset).order_by("name"))
