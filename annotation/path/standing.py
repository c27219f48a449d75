"""Where campaigns stand, in a fixed number of queries for all of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet

from imagesets.clock import database_now
from tasks import money
from tasks.models import Assignment, Campaign, Invitation, Run, Transition
from tasks.models.campaign import State
from tasks.results.failures import FAILED
from tasks.results.news import with_news
from tasks.work.progress import Completion, completion_of
from tasks.work.review import kept_for_a_person

LATELY = timedelta(minutes=15)  # of which the pace is taken, as long as somebody works
LONG = timedelta(hours=24)  # else of this
UNDER_WAY = (State.OPEN, State.PAUSED)


@dataclass(frozen=True)
class Pace:
    """Answers within LATELY and within LONG before `now`; `last`: when the last one came.

    Imported answers say nothing of how fast people work.
    """

    now: datetime
    lately: int = 0
    today: int = 0
    last: datetime | None = None

    @property
    def per_hour(self) -> float:
        """Answers an hour: of late if there are any, else over the last day."""
        if self.lately:
            return self.lately * timedelta(hours=1) / LATELY
        return self.today * timedelta(hours=1) / LONG

    def finish(self, missing: int) -> datetime | None:
        """When `missing` more answers will be there at this pace; None: without a pace."""
        if missing <= 0 or not self.per_hour:
            return None
        return self.now + timedelta(hours=1) * (missing / self.per_hour)


@dataclass(frozen=True)
class Standing:
    """A campaign with what its pages and the home page say of it; amounts in its currency."""

    campaign: Campaign
    completion: Completion
    spent: Decimal
    pace: Pace
    news: datetime | None  # when an answer was last sent or imported
    to_review: int  # answers that wait for a person
    run: Run | None  # the last aggregation
    failure: Transition | None  # an aggregation or report that failed since
    followers: int  # CLASSIFY campaigns that follow it
    invites: bool  # whether there are links to begin with, which were not revoked

    @property
    def missing(self) -> int:
        """Answers still to come from workers, as far as the budget carries them."""
        campaign = self.campaign
        wanted = campaign.target if campaign.out_of_money else campaign.workers_per_item
        return max(self.completion.hits * wanted - self.completion.done - self.to_review, 0)

    @property
    def finish(self) -> datetime | None:
        """When it will be finished at the present pace; None if nobody works on it."""
        return self.pace.finish(self.missing) if self.campaign.state == State.OPEN else None

    @property
    def is_short(self) -> bool:
        """Whether its budget carries fewer answers than it was to have."""
        campaign = self.campaign
        return campaign.out_of_money and campaign.target < campaign.workers_per_item

    @property
    def is_aggregated(self) -> bool:
        """Whether its results hold every answer that it has."""
        return self.run is not None and (self.news is None or self.run.started_at > self.news)


def standing_of(campaigns: Iterable[Campaign]) -> list[Standing]:
    """Where each campaign stands, in their order."""
    campaigns = list(campaigns)
    ids = [campaign.pk for campaign in campaigns]
    completion, spent = completion_of(campaigns), money.spent_by(campaigns)
    now = database_now()
    paces, to_review = _paces(ids, now), kept_for_a_person(ids)
    links = Invitation.objects.filter(campaign=OuterRef("pk"), revoked_at=None)
    rows = with_news(Campaign.objects.filter(pk__in=ids)).annotate(invites=Exists(links))
    known = {pk: (news, invites) for pk, news, invites in rows.values_list("pk", "news", "invites")}
    runs = _newest(Run.objects.all(), ids)
    failures = _newest(Transition.objects.filter(after=FAILED), ids)
    followers = dict(
        Campaign.objects.filter(source__in=ids)
        .order_by()
        .values_list("source")
        .annotate(Count("pk"))
    )
    return [
        Standing(
            campaign=campaign,
            completion=completion[campaign.pk],
            spent=spent.get(campaign.pk, Decimal(0)),
            pace=paces.get(campaign.pk, Pace(now)),
            news=known[campaign.pk][0],
            to_review=to_review.get(campaign.pk, 0),
            run=runs.get(campaign.pk),
            failure=_unless_repaired(failures.get(campaign.pk), runs.get(campaign.pk)),
            followers=followers.get(campaign.pk, 0),
            invites=known[campaign.pk][1],
        )
        for campaign in campaigns
    ]


def _paces(ids: list[int], now: datetime) -> dict[int, Pace]:
    answers = Assignment.objects.filter(
        campaign__in=ids, submitted_at__isnull=False, imported=False
    ).order_by()
    counted = answers.values("campaign").annotate(
        lately=Count("pk", filter=Q(submitted_at__gt=now - LATELY)),
        today=Count("pk", filter=Q(submitted_at__gt=now - LONG)),
        last=Max("submitted_at"),
    )
    return {row["campaign"]: Pace(now, row["lately"], row["today"], row["last"]) for row in counted}


def _newest(rows: QuerySet[Any], ids: list[int]) -> dict[int, Any]:
    """The newest row of each campaign."""
    newest = rows.filter(campaign__in=ids).order_by("campaign_id", "-pk").distinct("campaign_id")
    return {row.campaign_id: row for row in newest}


def _unless_repaired(failure: Transition | None, run: Run | None) -> Transition | None:
    return None if failure and run and run.started_at > failure.at else failure
