"""How complete campaigns are: used answers of those wanted, in two queries for all."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count

from tasks.models import HIT, Assignment, Campaign
from tasks.models.assignment import USED
from tasks.models.hit import ASKED


@dataclass(frozen=True)
class Completion:
    """Used answers so far, answers wanted in the end (R per HIT), and HITs.

    Of HITs that are asked: not of those given up, or whose images were all withdrawn.
    """

    done: int = 0
    total: int = 0
    hits: int = 0

    @property
    def percent(self) -> float:
        """How much of what is wanted is done; an import may bring more than that."""
        return min(100 * self.done / self.total, 100.0) if self.total else 0.0


def completion_of(campaigns: Iterable[Campaign]) -> dict[int, Completion]:
    """How complete each campaign is, by id."""
    campaigns = list(campaigns)
    wanted = [campaign.pk for campaign in campaigns]
    hits = _count(HIT.objects.filter(ASKED, campaign__in=wanted))
    left_out = HIT.objects.filter(~ASKED, campaign__in=wanted)
    done = _count(Assignment.objects.filter(USED, campaign__in=wanted).exclude(hit__in=left_out))
    return {
        campaign.pk: Completion(
            done=done.get(campaign.pk, 0),
            total=hits.get(campaign.pk, 0) * campaign.workers_per_item,
            hits=hits.get(campaign.pk, 0),
        )
        for campaign in campaigns
    }


def _count(rows) -> dict[int, int]:
    return dict(rows.order_by().values_list("campaign").annotate(Count("pk")))
