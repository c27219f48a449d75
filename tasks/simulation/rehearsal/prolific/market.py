"""The stand-in for Prolific, in memory: its books, and the desks at which researchers use them."""

from tasks.simulation.rehearsal.prolific.books import Features
from tasks.simulation.rehearsal.prolific.errors import NotAllowed
from tasks.simulation.rehearsal.prolific.study_desk import StudyDesk
from tasks.simulation.rehearsal.prolific.submission_desk import SubmissionDesk

__all__ = ["Features", "NotAllowed", "ProlificMarket"]


class ProlificMarket(StudyDesk, SubmissionDesk):
    """All of a researcher's studies, and what participants may do with them. One lock makes each
    operation one step."""
