"""What a worker did, what they are owed, and what became of it: all that one tells them."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from django.db.models import Count, Q, Sum
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from imagesets.clock import Now
from tasks.models import Assignment, Campaign, Payment, PracticeTry, Session, Stop, Worker
from tasks.models.assignment import AssignmentState, Outcome
from tasks.models.payment import PaymentKind, PaymentState
from tasks.pages.money import in_words


class Fate(NamedTuple):
    """What became of some sets, as words that follow their number."""

    words: Promise
    which: Q


NOT_EARNED = (PaymentKind.FEE, PaymentKind.VAT)
OPEN = Q(state=AssignmentState.OPEN)
OVER = Q(expires_at__lte=Now())
REJECTED = Q(outcome=Outcome.REJECTED)
DONE = Q(state=AssignmentState.SUBMITTED)
LATE = Q(state=AssignmentState.EXPIRED, submitted_at__isnull=False, outcome=Outcome.NONE)
# Whether review took an answer out of the results (set_aside) is not told: it changes no pay.
FATES = {
    "open": Fate(_("open now"), OPEN & ~OVER),
    "accepted": Fate(_("accepted"), Q(outcome=Outcome.ACCEPTED)),
    "waiting": Fate(
        _("waiting for review"), Q(state=AssignmentState.SUBMITTED, outcome=Outcome.NONE)
    ),
    "rejected": Fate(_("rejected"), REJECTED),
    "late": Fate(_("sent too late: somebody else had done them, so they are not paid"), LATE),
    "expired": Fate(
        _("not sent in time"),
        (Q(state=AssignmentState.EXPIRED) | OPEN & OVER) & Q(submitted_at=None),
    ),
    "returned": Fate(_("given back"), Q(state=AssignmentState.RETURNED, submitted_at=None)),
}


@dataclass
class OwnWork:
    """One worker's work in one campaign: numbers of sets (HITs), and money."""

    counts: dict[str, int] = field(default_factory=dict)  # by FATES' keys
    done: int = 0
    practised: int = 0  # tries
    owed: Decimal = Decimal(0)
    paid: Decimal = Decimal(0)
    rejections: list[tuple[str, int]] = field(
        default_factory=list
    )  # what they were told, how often
    currency: str = "USD"
    stopped: bool = False  # they get no more work

    @property
    def fates(self) -> list[tuple[int, Promise]]:
        """(number of sets, what became of them), those that there are."""
        return [(self.counts[k], fate.words) for k, fate in FATES.items() if self.counts.get(k)]

    @property
    def owed_text(self) -> str:
        return in_words(self.owed, self.currency) if self.owed else ""

    @property
    def paid_text(self) -> str:
        return in_words(self.paid, self.currency) if self.paid else ""


def own_work(
    workers: Collection[Worker], campaign: Campaign | None = None
) -> defaultdict[int, OwnWork]:
    """The workers' work by campaign id, in five queries; only what is theirs is read."""
    work: defaultdict[int, OwnWork] = defaultdict(OwnWork)
    if not workers:
        return work
    of = {"worker__in": workers} | ({"campaign": campaign} if campaign is not None else {})
    theirs = Assignment.objects.filter(**of).order_by()
    numbers = {"done": Count("pk", filter=DONE)}
    numbers |= {name: Count("pk", filter=fate.which) for name, fate in FATES.items()}
    for campaign_id, done, *counts in theirs.values_list("campaign").annotate(**numbers):
        entry = work[campaign_id]
        entry.done, entry.counts = done, dict(zip(FATES, counts, strict=True))
    told = theirs.filter(REJECTED).values_list("campaign", "feedback").annotate(Count("pk"))
    for campaign_id, feedback, number in told.order_by("feedback"):
        work[campaign_id].rejections.append((feedback, number))
    tries = PracticeTry.objects.filter(worker__in=workers, submitted_at__isnull=False).order_by()
    if campaign is not None:
        tries = tries.filter(hit__campaign=campaign)
    by_campaign = tries.values_list("hit__campaign", "hit__campaign__practice__tries")
    judged = by_campaign.annotate(Count("pk"), passes=Count("pk", filter=Q(passed=True)))
    for campaign_id, allowed, number, passes in judged:
        work[campaign_id].practised = number
        work[campaign_id].stopped = not passes and number >= allowed
    sessions = Session.objects.filter(**of)
    earned = Q(assignment__in=theirs) | Q(practice__in=tries) | Q(session__in=sessions)
    money = Payment.objects.filter(earned).exclude(kind__in=NOT_EARNED).order_by()
    by_state = money.values_list("campaign", "campaign__currency", "state")
    for campaign_id, currency, state, amount in by_state.annotate(Sum("amount")):
        work[campaign_id].currency = currency or "USD"
        if state == PaymentState.PAID:
            work[campaign_id].paid = amount
        else:
            work[campaign_id].owed = amount
    for campaign_id in Stop.objects.filter(**of).values_list("campaign", flat=True):
        work[campaign_id].stopped = True
    return work
