"""Changes of results as pages show them: how often, and the largest ones with their pictures."""

from dataclasses import dataclass, field

from annotation.drawn.picture import Drawn

SHOWN = 12  # of each kind of change


@dataclass(frozen=True)
class Change:
    """What would change of a picture: "6 of 9" to "5 of 8", fu to easy, 2 objects to 1."""

    picture: Drawn
    what: str  # the label; "" where it is the whole picture
    before: str
    after: str
    note: str = ""


@dataclass(frozen=True)
class Changes:
    """A kind of change: how often, of how many, and the largest ones."""

    title: str
    number: int
    of: int
    unit: str
    first: list[Change] = field(default_factory=list)
    detail: str = ""
