"""The report of a study as it was last computed, kept with the run that it follows."""

import json
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now

from annotation.report.campaigns import Campaigns
from imagesets.models import Label, Withdrawal
from models_inference.models import Classifier, Prediction
from tasks.models import (
    Campaign,
    CampaignImage,
    KeptReport,
    LabelPair,
    LabelResult,
    PairKind,
    Run,
    Transition,
)
from tasks.models.label_results import MOST_PAIRS
from tasks.results import last_failure, record_failure

if TYPE_CHECKING:
    from annotation.report.arrays import Study

SUBJECT = "report"  # of a failure in the campaign's log


def kept_report(campaigns: Campaigns) -> dict[str, Any] | None:
    """The study's report as report.json holds it; None if none is kept."""
    text = kept_text(campaigns)
    return None if text is None else json.loads(text)


def kept_text(campaigns: Campaigns) -> str | None:
    """The same as JSON text."""
    kept = _kept(campaigns).last()
    return None if kept is None else kept.document


def _kept(campaigns: Campaigns) -> QuerySet[KeptReport]:
    return KeptReport.objects.filter(run__campaign=last_of(campaigns)).order_by("run")


def classifiers_since(campaigns: Campaigns) -> list[str]:
    """Names of classifiers that came, with predictions, after the kept report was computed."""
    at = _kept(campaigns).values_list("at", flat=True).last()
    if at is None:
        return []
    classifiers = Classifier.objects.filter(dataset=last_of(campaigns).dataset, created_at__gt=at)
    predicted = Exists(Prediction.objects.filter(classifier=OuterRef("pk")))
    return list(classifiers.filter(predicted).order_by("name").values_list("name", flat=True))


def withdrawn_since(campaigns: Campaigns) -> int:
    """How many of the study's images were withdrawn, or brought back, after the kept report."""
    at = _kept(campaigns).values_list("at", flat=True).last()
    if at is None:
        return 0
    asked = CampaignImage.objects.filter(campaign__in=[each for each in campaigns if each])
    changed = Withdrawal.objects.filter(at__gt=at, image__in=asked.values("image"))
    return changed.order_by().values("image").distinct().count()


@transaction.atomic
def keep(text: str, campaigns: Campaigns, study: "Study | None" = None) -> None:
    """Keep report.json with the last run of the study's last campaign, in place of an older one.

    `study`: what it was computed from, whose labels and pairs of labels are kept with it.
    """
    last = last_of(campaigns)
    runs = Run.objects.filter(campaign=last)
    run = runs.latest()
    report, _ = KeptReport.objects.update_or_create(
        run=run, defaults={"document": text, "at": Now()}
    )
    KeptReport.objects.filter(run__in=runs).exclude(run=run).delete()
    report.label_results.all().delete()
    report.label_pairs.all().delete()
    if study is not None:
        _keep_labels(report, study, last.dataset_id)


def _keep_labels(report: KeptReport, study: "Study", dataset: int) -> None:
    from annotation.report import label_tables  # pages that read need no numpy

    ids = dict(Label.objects.filter(dataset=dataset).values_list("key", "pk"))
    LabelResult.objects.bulk_create(
        LabelResult(report=report, label_id=ids[row.label], **_others(row, "label"))
        for row in label_tables.label_rows(study)
    )
    for kind, rows in (
        (PairKind.CONFUSED, label_tables.confused_pairs(study)),
        (PairKind.RENAMED, label_tables.renamed_pairs(study)),
        (PairKind.BESIDE, label_tables.pairs_beside(study)),
        (PairKind.ACCEPTED, study.once(label_tables.accepted_pairs)),
    ):
        LabelPair.objects.bulk_create(
            (
                LabelPair(
                    report=report,
                    kind=kind,
                    rank=rank,
                    a_id=ids[row.a],
                    b_id=ids[row.b],
                    **_others(row, "a", "b"),
                )
                for rank, row in enumerate(rows[:MOST_PAIRS], start=1)
            ),
            batch_size=1000,
        )


def _others(row: Any, *names: str) -> dict[str, Any]:
    """A row's fields but these."""
    return {name: value for name, value in vars(row).items() if name not in names}


def report_row(campaigns: Campaigns) -> KeptReport | None:
    """The kept report, without its document."""
    return _kept(campaigns).defer("document").last()


def last_of(campaigns: Campaigns) -> Campaign:
    """The study's last campaign: CLASSIFY, or CONTAINS where none follows it."""
    contains, classify = campaigns
    last = classify or contains
    assert last is not None
    return last


def not_aggregated(campaigns: Campaigns) -> list[Campaign]:
    """The study's campaigns that no run has aggregated; the report waits for them."""
    return [each for each in campaigns if each is not None and not each.runs.exists()]


def keep_failure(campaigns: Campaigns, error: Exception) -> None:
    """Log with the study's last campaign that its report could not be computed."""
    record_failure(last_of(campaigns), error, SUBJECT)


def failure_of(campaigns: Campaigns) -> Transition | None:
    """Why the report could not be computed, if no run has followed since."""
    return last_failure(last_of(campaigns), SUBJECT)
