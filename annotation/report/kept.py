"""The report of a study as it was last computed, kept with the run that it follows."""

import json
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now

from annotation.report.campaigns import Campaigns
from imagesets.models import Withdrawal
from models_inference.models import Classifier, Prediction
from tasks.models import Campaign, CampaignImage, KeptReport, Run, Transition
from tasks.results import last_failure, record_failure

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
def keep(text: str, campaigns: Campaigns) -> None:
    """Keep report.json with the last run of the study's last campaign, in place of an older one."""
    runs = Run.objects.filter(campaign=last_of(campaigns))
    run = runs.latest()
    KeptReport.objects.update_or_create(run=run, defaults={"document": text, "at": Now()})
    KeptReport.objects.filter(run__in=runs).exclude(run=run).delete()


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
