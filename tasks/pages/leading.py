"""What a worker who may work does next: the practice, a HIT, or in a session the end of it."""

from tasks.models import Assignment, Campaign, Worker
from tasks.pages.addresses import hit_address, practice_address, session_address
from tasks.work.claiming import conclude, next_assignment
from tasks.work.practice import next_try
from tasks.work.sessions import running_session


def next_address(campaign: Campaign, worker: Worker) -> str:
    """The page of the worker's next work, which is theirs from now on; "": there is none.

    In a session that has no work left it is the session's page.
    """
    if (attempt := next_try(campaign, worker)) is not None:
        return practice_address(attempt)
    assignment = next_assignment(campaign, worker)
    return hit_address(assignment) if assignment is not None else end_address(campaign, worker)


def end_address(campaign: Campaign, worker: Worker, done: Assignment | None = None) -> str:
    """The page of the session of whoever gets no work in it now; "": they are in none.

    `done`: the work that they have just answered or given back; its session may have ended.
    """
    session = running_session(campaign, worker) or (done.session if done is not None else None)
    return session_address(conclude(campaign, session)) if session is not None else ""
