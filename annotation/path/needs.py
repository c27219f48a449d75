"""What needs a person, over everything that they may see: the top of the home page."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, OuterRef
from django.urls import reverse

from annotation.path.findings import findings_at_hand
from annotation.path.next_step import Urgency, next_step
from annotation.path.standing import Standing
from annotation.rights import RESEARCH, REVIEW, allowed, may, visible
from imagesets.models import ImportJob
from models_inference.jobs import SILENT, state_of
from models_inference.models import InferenceJob
from models_inference.networks.timm_hub import INSTEAD
from tasks.models import Campaign, PictureReport
from tasks.models.campaign import State

LOOKED_AT = 20  # of the newest jobs
DRAFTS = 3  # whose findings are looked up, the newest


@dataclass(frozen=True)
class Need:
    """Something that waits for a person: what, of which study, and the button to see to it."""

    what: str
    of: str
    button: str
    address: str
    urgency: Urgency = Urgency.NOW


def needs_of(standings: Iterable[Standing], user: Any) -> list[Need]:
    """What waits for this person, the most urgent first."""
    standings = list(standings)
    findings = dict(_findings(standings, user))
    needs = [
        Need(step.sentence, _named(standing.campaign), step.button, step.address, step.urgency)
        for standing in standings
        if (step := next_step(standing, user)).urgency
        and step.button
        and standing.campaign.pk not in findings  # which say that it is a draft
    ]
    needs += findings.values()
    needs += [*_troubled(user), *_reported(user), *_failed_imports(user), *_failed_inference(user)]
    return sorted(needs, key=lambda need: -need.urgency)


def _named(campaign: Campaign) -> str:
    return f"{campaign.name}, {campaign.kind.upper()}"


def _findings(standings: Iterable[Standing], user: Any) -> Iterator[tuple[int, Need]]:
    """Drafts (by id) with something to look at before they are published."""
    asks_nobody = [each for each in standings if each.news is None]
    drafts = [each.campaign for each in asks_nobody if each.campaign.state == State.DRAFT]
    for draft in [each for each in drafts if may(user, RESEARCH, each)][:DRAFTS]:
        if found := findings_at_hand(draft):
            first = "one finding" if len(found) == 1 else f"the first of {len(found)} findings"
            address = reverse("campaign-step", args=[draft.slug, "publish"])
            what = f"It is a draft, with {first} before publishing: {found[0]}"
            yield draft.pk, Need(what, _named(draft), "Look", address, Urgency.SOON)


def _troubled(user: Any) -> Iterator[Need]:
    """Campaigns whose last sync with their marketplace did not go through."""
    for campaign in allowed(user, RESEARCH, Campaign.objects.exclude(troubles=[])):
        more = f" (and {len(campaign.troubles) - 1} more)" if len(campaign.troubles) > 1 else ""
        what = f"The last sync did not go through: {campaign.troubles[0]}{more}"
        address = reverse("campaign-progress", args=[campaign.slug]) + "#troubles"
        yield Need(what, _named(campaign), "See it", address)


def _reported(user: Any) -> Iterator[Need]:
    """Campaigns with pictures that workers reported, and that nobody has looked at."""
    open_reports = allowed(user, REVIEW, PictureReport.objects.filter(resolved_at=None))
    counted = open_reports.order_by().values("campaign").annotate(n=Count("image", distinct=True))
    numbers = dict(counted.values_list("campaign", "n"))
    for campaign in Campaign.objects.filter(pk__in=numbers):
        number = numbers[campaign.pk]
        what = "1 picture was" if number == 1 else f"{number:,} pictures were"
        address = reverse("campaign-progress", args=[campaign.slug]) + "#reported"
        yield Need(f"{what} reported by workers.", _named(campaign), "Look", address)


def _failed_imports(user: Any) -> Iterator[Need]:
    """Imports that failed, unless the same dataset has been imported since."""
    later = ImportJob.objects.filter(slug=OuterRef("slug"), pk__gt=OuterRef("pk"))
    failed = ImportJob.objects.filter(~Exists(later), state=ImportJob.State.FAILED)
    for job in visible(user, failed)[:LOOKED_AT]:
        address = reverse("import-job", args=[job.pk])
        yield Need(f"An import failed: {job.error}", job.slug, "See why", address)


def _failed_inference(user: Any) -> Iterator[Need]:
    """Jobs that failed, or whose workers have gone silent."""
    jobs = InferenceJob.objects.filter(finished_at=None, stopped_at=None) | (
        InferenceJob.objects.exclude(error="")
    )
    for job in visible(user, jobs).select_related("dataset")[:LOOKED_AT]:
        if state_of(job) not in ("failed", "silent"):
            continue
        minutes = int(SILENT.total_seconds() // 60)
        what = (
            f"Inference failed: {job.error.partition(INSTEAD)[0]}"
            if job.error
            else f"Inference has made no progress for {minutes} minutes: no worker runs it."
        )
        address = reverse("classifiers-job", args=[job.dataset.slug, job.pk])
        yield Need(what, job.dataset.name, "See why", address)
