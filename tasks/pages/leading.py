"""What a worker who may work does next: the practice, where it is due, or a HIT."""

from tasks.models import Campaign, Worker
from tasks.pages.addresses import hit_address, practice_address
from tasks.work.claiming import next_assignment
from tasks.work.practice import next_try


def next_address(campaign: Campaign, worker: Worker) -> str:
    """The page of the worker's next work, which is theirs from now on; "": there is none."""
    if (attempt := next_try(campaign, worker)) is not None:
        return practice_address(attempt)
    assignment = next_assignment(campaign, worker)
    return hit_address(assignment) if assignment is not None else ""
