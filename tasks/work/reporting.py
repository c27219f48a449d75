"""Pictures that a worker reports: kept at once, and hidden from them from then on (rule V8)."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from django.contrib.postgres.aggregates import ArrayAgg
from django.db import transaction
from django.db.models import Count, Exists, Max, OuterRef, Q, Value

from imagesets.clock import Now
from imagesets.models import Image
from tasks.models import Assignment, Campaign, PictureReport, Work
from tasks.models.picture_report import LONGEST_REASON

MOST = 100  # pictures that one worker may report ...
WITHIN = timedelta(hours=1)


def is_reported(worker: int | None) -> Exists:
    """Of an item: whether that worker (an id) has reported its picture, in whatever study.

    The same file under another key is the same picture.
    """
    same = PictureReport.objects.filter(worker=worker, image__sha256=OuterRef("image__sha256"))
    return Exists(same)


def reasons_of(work: Work) -> dict[int, str]:
    """What a worker reported in a piece of work, and may take back: {image id: their words}."""
    return dict(work.picture_reports.values_list("image", "reason"))


def room_for(work: Work) -> int:
    """How many more pictures its worker may report at present."""
    lately = PictureReport.objects.filter(worker=work.worker_id, at__gt=Now() - WITHIN)
    return max(0, MOST - lately.count())


def keep_reports(
    work: Work,
    reasons: Mapping[int, str],
    take_back: bool = True,
    revision: int | None = None,
) -> None:
    """Make the reports of a piece of work those of its page: `reasons` {position: their words}.

    Whatever became of the work, they stand; the same ones again change nothing. Without `take_back`
    none is taken back. `revision`: of the draft that says so; a newer one prevails. Of new ones the
    site keeps as many as there is room for. Raises DoesNotExist.
    """
    items = work.hit.items.filter(position__in=list(reasons))
    asked = {position: row for position, *row in items.values_list("position", "image", "label")}
    wanted = {}
    for position, reason in reasons.items():
        image, label = asked[position]
        wanted[image] = (label, reason.replace("\0", "")[:LONGEST_REASON])
    with transaction.atomic():
        rows = type(work)._default_manager.filter(pk=work.pk)
        rows.select_for_update(no_key=True).get()
        if revision and rows.filter(draft__revision__gt=revision).exists():
            return
        kept = work.picture_reports.all()
        before = reasons_of(work)
        if take_back and before.keys() - wanted.keys():
            # A picture that was withdrawn is on no page, so that nobody takes its report back.
            kept.exclude(image__in=wanted).filter(image__withdrawn_at=None).delete()
        for image, (_, reason) in wanted.items():
            if image in before and before[image] != reason:
                kept.filter(image=image).update(reason=reason)
        if new := [image for image in wanted if image not in before]:
            PictureReport.objects.bulk_create(
                (
                    PictureReport(
                        campaign_id=work.campaign.pk,
                        worker_id=work.worker_id,
                        assignment=work if isinstance(work, Assignment) else None,
                        image_id=image,
                        label_id=wanted[image][0],
                        reason=wanted[image][1],
                    )
                    for image in new[: room_for(work)]
                ),
                ignore_conflicts=True,
            )


class OpenPicture(NamedTuple):
    """A picture of a campaign whose reports nobody has resolved."""

    image: Image
    reports: int
    latest: datetime
    reasons: list[str]  # those that were given


def open_pictures(campaign: Campaign) -> list[OpenPicture]:
    """The campaign's pictures with open reports, those with most of them first."""
    reports = PictureReport.objects.filter(campaign=campaign, resolved_at=None)
    counted = (
        reports.order_by()
        .values("image")
        .annotate(
            number=Count("pk"),
            latest=Max("at"),
            reasons=ArrayAgg("reason", filter=~Q(reason=""), order_by="pk", default=Value([])),
        )
        .order_by("-number", "-latest")
    )
    images = Image.objects.in_bulk([row["image"] for row in counted])
    return [
        OpenPicture(images[row["image"]], row["number"], row["latest"], row["reasons"])
        for row in counted
    ]


def resolve(campaign: int, image: int, who: str) -> int:
    """Mark a picture's open reports in a campaign (their ids) as resolved; returns how many."""
    reports = PictureReport.objects.filter(campaign=campaign, image=image, resolved_at=None)
    return reports.update(resolved_at=Now(), resolved_by=who)
