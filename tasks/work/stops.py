"""Sets workers aside: their answers leave the results and they get no more HITs (rule P7)."""

from django.db import transaction
from django.db.models import QuerySet

from tasks.models import Assignment, Campaign, Place, Stop, Transition, Worker
from tasks.models.assignment import AssignmentState, Outcome
from tasks.work.rounds import free


def set_aside(campaign: Campaign, worker: Worker, reason: str, who: str) -> int:
    """Take a worker's answers out of the campaign's results and give them no more of it (rule P7).

    Their places are free at once. They may finish the HIT they have open, which is set aside too.
    Returns how many answers were set aside.
    """
    with transaction.atomic():
        Worker.objects.select_for_update().get(pk=worker.pk)
        locked = Campaign.locked(campaign.pk)
        _, new = Stop.objects.get_or_create(
            campaign=locked, worker=worker, defaults={"reason": reason}
        )
        if not new:
            return 0
        Transition.objects.create(
            campaign=locked,
            subject=f"worker {worker.pseudonym}"[:100],
            before="working",
            after="set aside",
            who=who,
            why=reason,
        )
        answers = Assignment.objects.filter(campaign=locked, worker=worker)
        return set_answers_aside(locked, answers, reason, who)


def set_answers_aside(
    locked: Campaign, answers: QuerySet[Assignment], reason: str, who: str
) -> int:
    """Take these out of the campaign's results, as far as they are in them, and free their places.

    The caller has locked the worker and the campaign. Returns how many were set aside.
    """
    answers = answers.filter(state=AssignmentState.SUBMITTED, set_aside=False)
    answers = answers.exclude(outcome=Outcome.REJECTED)
    places = Place.objects.select_for_update().filter(holder__in=answers)
    held = [place.pk for place in places]
    count = 0
    for answer in answers.select_for_update(of=("self",)):
        answer.become(who, reason, set_aside=True)
        count += 1
    free(locked, Place.objects.filter(pk__in=held), who, reason)
    return count
