"""Which answers wait for a person, in what order, and how decisions about many are taken."""

from collections.abc import Callable

from django.db.models import QuerySet

from tasks.models import Assignment, Campaign, Worker
from tasks.models.assignment import Outcome
from tasks.models.refused import Refused
from tasks.work.review import to_review

DECIDED = 10  # shown below the queue


def waiting(campaign: Campaign) -> QuerySet[Assignment]:
    """Answers that wait for a person, the oldest first."""
    rows = to_review(campaign).filter(for_person=True).select_related("worker", "hit", "campaign")
    return rows.order_by("pk")


def next_to_review(
    campaign: Campaign, after: str | None = None, at: str | None = None
) -> Assignment | None:
    """The answer with the key `at` if it waits, else the first behind `after`, else the first."""
    rows = waiting(campaign)
    if at and (named := rows.filter(key=at).first()):
        return named
    if after and (last := Assignment.objects.filter(campaign=campaign, key=after).first()):
        return rows.filter(pk__gt=last.pk).first() or rows.first()
    return rows.first()


def decided(campaign: Campaign) -> QuerySet[Assignment]:
    """The sample's answers that a person has decided on, the newest first."""
    rows = Assignment.objects.filter(campaign=campaign, for_person=True)
    return rows.exclude(outcome=Outcome.NONE).select_related("worker").order_by("-pk")[:DECIDED]


def decide_all(
    campaign: Campaign, worker: Worker, take: Callable[[Assignment], object]
) -> tuple[int, list[str]]:
    """Take a decision on each answer of a worker that waits.

    Each stands by itself, since somebody else may decide at the same time. Returns how many were
    decided, and why the others were not.
    """
    done, refusals = 0, []
    for answer in waiting(campaign).filter(worker=worker):
        try:
            take(answer)
            done += 1
        except Refused as refused:
            refusals.append(str(refused))
    return done, refusals
