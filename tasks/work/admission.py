"""Whether the practice of a campaign has admitted a worker to its work (rule V7)."""

from enum import Enum

from tasks.models import Campaign, PracticeTry, Worker


class Admission(Enum):
    """Where a worker stands before a campaign's first HIT."""

    ADMITTED = "admitted"  # they passed, or the campaign has no practice
    DUE = "due"
    REFUSED = "refused"  # no try is left to them


def admission(campaign: Campaign, worker: Worker | None) -> Admission:
    """Where the worker stands; None: somebody who is still to come."""
    if not campaign.practice:
        return Admission.ADMITTED
    tries = PracticeTry.objects.filter(hit__campaign=campaign, worker=worker)
    passed = list(tries.values_list("passed", flat=True)) if worker is not None else []
    if True in passed:
        return Admission.ADMITTED
    failed = passed.count(False) >= campaign.practice["tries"]
    return Admission.REFUSED if failed else Admission.DUE
