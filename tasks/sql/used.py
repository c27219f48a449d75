"""Which answers are used in results (rule P12), in SQL; made from the models' own definition."""

from tasks.models.assignment import USED_FACTS


def used(assignment: str = "a") -> str:
    """The condition, for an assignment under this name in the query."""
    tests = (f"{assignment}.{fact} = {_literal(value)}" for fact, value in USED_FACTS.items())
    return f"({' AND '.join(tests)})"


def status(assignment: str = "a") -> str:
    """What became of the answer, in one word: its outcome or, before review, its state."""
    return f"coalesce(nullif({assignment}.outcome, ''), {assignment}.state)"


def _literal(value: str | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else f"'{value}'"
