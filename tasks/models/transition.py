"""The changes of state allowed to campaigns and assignments, and the log of all changes.

What the worker did (`state`), what review decided (`outcome`), whether it counts (`set_aside`),
what was paid (Payment) and what the marketplace says (`market_state`) are separate facts. The
states of HITs and rounds follow from their places, see tasks/work/states.py.
"""

from django.db import models

from imagesets.clock import Now

# finished -> open: setting a worker aside frees places. draft -> finished: filled by import alone.
CAMPAIGN_MOVES = {
    "draft": {"open", "closed"},
    "open": {"paused", "finished", "closed"},
    "paused": {"open", "closed"},
    "finished": {"open", "closed"},
    "closed": set(),
}

# Why a campaign cannot move to a state, by that state.
CAMPAIGN_MOVE_NEEDS = {
    "open": "only a draft, or a paused campaign, can be opened",
    "paused": "only an open campaign, which gives out work, can be paused",
    "finished": "only an open campaign can finish",
}

# By fact: before -> after. returned, expired -> submitted: the answer came after all, and its place
# was still free. submitted -> returned, expired: the marketplace never received the submission, so
# the work is neither paid nor used. expired -> open: its worker took it up again.
ASSIGNMENT_MOVES: dict[str, dict[object, set]] = {
    "state": {
        "open": {"submitted", "returned", "expired"},
        "returned": {"submitted", "expired"},
        "expired": {"submitted", "returned", "open"},
        "submitted": {"returned", "expired"},
    },
    "outcome": {"": {"accepted", "rejected"}, "rejected": {"accepted"}, "accepted": set()},
    "set_aside": {False: {True}, True: set()},
}
NAMES = {
    ("outcome", ""): "not reviewed",
    ("set_aside", False): "counts",
    ("set_aside", True): "set aside",
}


class IllegalTransition(Exception):
    """A change of state that the tables above do not allow."""


def check(fact: str, before: object, after: object, what: object) -> None:
    """Raises IllegalTransition unless ASSIGNMENT_MOVES allows the change."""
    if after not in ASSIGNMENT_MOVES[fact].get(before, set()):
        raise IllegalTransition(
            f"{what} is {named(fact, before)} and cannot become {named(fact, after)}"
        )


def named(fact: str, value: object) -> str:
    """A fact's value in words."""
    return NAMES.get((fact, value), str(value))


class Transition(models.Model):
    """An entry of the log: what changed its state, when, who did it and why."""

    campaign = models.ForeignKey("Campaign", on_delete=models.CASCADE, related_name="transitions")
    assignment = models.ForeignKey(
        "Assignment", on_delete=models.CASCADE, null=True, blank=True, related_name="transitions"
    )
    subject = models.CharField(max_length=100, help_text="campaign, round, worker, assignment.")
    before = models.CharField(max_length=20, blank=True)
    after = models.CharField(max_length=20)
    who = models.CharField(max_length=200)
    why = models.TextField(blank=True)
    at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.subject}: {self.before} -> {self.after}"
