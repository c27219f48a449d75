"""Which answers wait for a person, in what order, and how decisions about many are taken."""

from collections.abc import Callable
from dataclasses import dataclass

from django.db.models import Case, OuterRef, Q, QuerySet, Subquery, When

from tasks.models import Assignment, Campaign, Transition
from tasks.models.assignment import Outcome
from tasks.models.refused import Refused
from tasks.work.review import to_review


@dataclass(frozen=True)
class Held:
    """A decision that the page still holds back: of one answer, or of all of its worker."""

    answer: Assignment | None = None
    whole_worker: bool = False

    def without(self, rows: QuerySet[Assignment]) -> QuerySet[Assignment]:
        """The rows that it says nothing about."""
        if self.answer is None:
            return rows
        if self.whole_worker:
            return rows.exclude(worker=self.answer.worker_id)
        return rows.exclude(pk=self.answer.pk)


def waiting(campaign: Campaign) -> QuerySet[Assignment]:
    """Answers that wait for a person, the oldest first."""
    rows = to_review(campaign).filter(for_person=True).select_related("worker", "hit", "campaign")
    return rows.order_by("pk")


def answer_named(campaign: Campaign, key: str | None) -> Assignment | None:
    """The answer with that key, if it has been handed in."""
    if not key:
        return None
    rows = Assignment.objects.filter(campaign=campaign, submitted_at__isnull=False, key=key)
    return rows.select_related("worker", "hit", "campaign").first()


def next_of(rows: QuerySet[Assignment], after: Assignment | None) -> Assignment | None:
    """The first of the rows behind `after`, else the first."""
    return (rows.filter(pk__gt=after.pk).first() if after else None) or rows.first()


def rejected(campaign: Campaign) -> QuerySet[Assignment]:
    """Answers whose rejection can be overturned, by whomever they were rejected."""
    return Assignment.objects.filter(campaign=campaign, outcome=Outcome.REJECTED, imported=False)


def decided(campaign: Campaign) -> QuerySet[Assignment]:
    """Those of the sample that a person has decided on, and all rejected, which come first.

    Of either, the latest decision first.
    """
    rows = Assignment.objects.filter(
        ~Q(outcome=Outcome.NONE),
        Q(for_person=True) | Q(outcome=Outcome.REJECTED),
        campaign=campaign,
        imported=False,
    )
    latest = Transition.objects.filter(assignment=OuterRef("pk")).order_by("-pk").values("pk")[:1]
    rows = rows.annotate(last=Subquery(latest)).select_related("worker")
    return rows.order_by(Case(When(outcome=Outcome.REJECTED, then=0), default=1), "-last")


def decide_all(
    rows: QuerySet[Assignment], take: Callable[[Assignment], object]
) -> tuple[int, list[str]]:
    """Take a decision on each of the answers.

    Each stands by itself, since somebody else may decide at the same time. Returns how many were
    decided, and why the others were not.
    """
    done, refusals = 0, []
    for answer in rows:
        try:
            take(answer)
            done += 1
        except Refused as refused:
            refusals.append(str(refused))
    return done, refusals
