"""An answer as its worker saw it, and beside each item what the others said and what is known."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from annotation.drawn.picture import Drawn
from tasks.models import Assignment, CampaignLabel, HITItem
from tasks.models.assignment import USED
from tasks.models.campaign import Kind

AGREED = 3  # others, before their majority says anything (rule K8)


@dataclass(frozen=True)
class Tile:
    """CONTAINS: `said`: selected, maybe, not selected, not seen; "7 of 8" others selected it."""

    picture: Drawn
    said: str
    others: str
    known: str  # of a control: present, absent; else ""
    odd: bool  # not as known, or not as nearly all others said


@dataclass(frozen=True)
class Section:
    """CONTAINS: a label and its tiles, in the order shown."""

    name: str
    definition: str
    tiles: list[Tile]


@dataclass(frozen=True)
class Choice:
    """CLASSIFY: a label as offered, what the worker said of it and how many others did."""

    name: str
    selected: bool
    main: bool
    others: str


@dataclass(frozen=True)
class Form:
    """CLASSIFY: a picture with its labels in the order shown; `said` where none was selected."""

    picture: Drawn
    choices: list[Choice]
    said: str
    known: bool  # whether it is a control
    odd: bool  # its main label is not what most others chose


@dataclass(frozen=True)
class Answer:
    """A whole answer; `sections` or `forms`, by the kind of its campaign."""

    assignment: Assignment
    others: int  # used answers of other workers to the same HIT
    sections: list[Section] = field(default_factory=list)
    forms: list[Form] = field(default_factory=list)

    @property
    def odd(self) -> int:
        """Items on which it differs from what is known or from nearly all others."""
        tiles = [tile.odd for section in self.sections for tile in section.tiles]
        return sum(tiles) + sum(form.odd for form in self.forms)


def draw(assignment: Assignment) -> Answer:
    """An answer that has been handed in, drawn; a fixed number of queries."""
    items = {
        item.position: item
        for item in HITItem.objects.filter(hit=assignment.hit_id).select_related("image")
    }
    shown = [items[position] for position in assignment.shown if position in items]
    others = list(Assignment.objects.filter(USED, hit=assignment.hit_id).exclude(pk=assignment.pk))
    names = {
        label.label_id: label
        for label in CampaignLabel.objects.filter(campaign=assignment.campaign_id).filter(
            label__in=_labels_of(assignment, shown)
        )
    }
    if assignment.campaign.kind == Kind.CONTAINS:
        return Answer(assignment, len(others), sections=_sections(assignment, shown, others, names))
    return Answer(assignment, len(others), forms=_forms(assignment, shown, others, names))


def _labels_of(assignment: Assignment, shown: list[HITItem]) -> set[int]:
    offered = {label for answer in assignment.answers or [] for label in answer.get("offered", [])}
    return offered | {item.label_id for item in shown if item.label_id is not None}


def _sections(
    assignment: Assignment,
    shown: list[HITItem],
    others: list[Assignment],
    names: dict[int, CampaignLabel],
) -> list[Section]:
    selected = Counter(position for other in others for position in other.selected)
    unseen = Counter(position for other in others for position in other.unseen)
    sections = []
    for label, items in groupby(shown, key=lambda item: item.label_id):
        tiles = []
        for item in items:
            said, saw = _said(assignment, item.position), len(others) - unseen[item.position]
            votes = selected[item.position]
            tiles.append(
                Tile(
                    picture=Drawn.of(item.image),
                    said=said,
                    others=f"{votes} of {saw}" if saw else "",
                    known={True: "present", False: "absent", None: ""}[item.known],
                    odd=_is_odd(said, item.known, votes, saw),
                )
            )
        text = names.get(label) if label is not None else None
        sections.append(Section(str(text or label), text.definition if text else "", tiles))
    return sections


def _said(assignment: Assignment, position: int) -> str:
    for word, positions in (
        ("selected", assignment.selected),
        ("maybe", assignment.maybe),
        ("not seen", assignment.unseen),
    ):
        if position in positions:
            return word
    return "not selected"


def _is_odd(said: str, known: bool | None, votes: int, saw: int) -> bool:
    if said in ("not seen", "maybe"):
        return False
    selected = said == "selected"
    if known is not None:
        return selected != known
    return saw >= AGREED and votes in (0, saw) and selected != bool(votes)


def _forms(
    assignment: Assignment,
    shown: list[HITItem],
    others: list[Assignment],
    names: dict[int, CampaignLabel],
) -> list[Form]:
    answers = dict(zip(assignment.shown, assignment.answers or [], strict=False))
    selected, mains, saw = _votes(others)
    forms = []
    for item in shown:
        answer = {} if item.position in assignment.unseen else answers.get(item.position) or {}
        chosen, main = answer.get("selected", []), answer.get("main")
        theirs = mains[item.position]
        forms.append(
            Form(
                picture=Drawn.of(item.image),
                choices=[
                    Choice(
                        name=str(names.get(label, label)),
                        selected=label in chosen,
                        main=label == main,
                        others=_of_others(selected, mains, saw, item.position, label),
                    )
                    for label in answer.get("offered", [])
                ],
                said=_nothing_selected(answer),
                known=item.role == "control",
                odd=bool(chosen)
                and theirs.total() >= AGREED
                and theirs.most_common(1)[0][1] == theirs.total()
                and main not in theirs,
            )
        )
    return forms


Votes = defaultdict[int, Counter[int]]


def _votes(others: list[Assignment]) -> tuple[Votes, Votes, Counter[int]]:
    """By position: how often each label was selected and was main, and how many saw the picture."""
    selected: Votes = defaultdict(Counter)
    mains: Votes = defaultdict(Counter)
    saw: Counter[int] = Counter()
    for other in others:
        for position, answer in zip(other.shown, other.answers or [], strict=False):
            if position in other.unseen or not answer:
                continue
            saw[position] += 1
            selected[position].update(answer.get("selected", []))
            if answer.get("main") is not None:
                mains[position][answer["main"]] += 1
    return selected, mains, saw


def _of_others(selected: Votes, mains: Votes, saw: Counter[int], position: int, label: int) -> str:
    if not saw[position]:
        return ""
    text = f"{selected[position][label]} of {saw[position]}"
    main = mains[position][label]
    return f"{text}, main for {main}" if main else text


def _nothing_selected(answer: dict[str, Any]) -> str:
    if not answer:
        return "not seen"
    if answer.get("selected"):
        return ""
    other = answer.get("other")
    return f"none of these: {other}" if other else "none of these"
