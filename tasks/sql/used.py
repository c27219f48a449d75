"""Conditions on assignments in SQL, made from the models' own: what is used (rule P12)."""

from tasks.models.assignment import HANDED_IN, USED_FACTS


def used(assignment: str = "a") -> str:
    """The condition, for an assignment under this name in the query."""
    tests = (f"{assignment}.{fact} = {_literal(value)}" for fact, value in USED_FACTS.items())
    return f"({' AND '.join(tests)})"


def status(assignment: str = "a") -> str:
    """What became of the answer, in one word: its outcome or, before review, its state."""
    return f"coalesce(nullif({assignment}.outcome, ''), {assignment}.state)"


def handed_in(assignment: str = "a") -> str:
    """The condition that the marketplace has the answer."""
    states = ", ".join(_literal(state.value) for state in HANDED_IN)
    return f"{assignment}.market_state IN ({states})"


def _literal(value: str | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else f"'{value}'"
