"""The answer as MTurk keeps it: JSON in one field of a form, under the page's opaque ids.

It says the same as the stored assignment and can replace it: "form" is the assignment's token, from
which the ids of its items and labels follow (tasks/models/opaque.py).
"""

import json
from typing import Any
from xml.etree import ElementTree

from tasks.models import HIT, Assignment, HITItem, Pair
from tasks.models.campaign import Kind
from tasks.models.opaque import opaque

FIELD = "answer"
MARKS = ("selected", "maybe", "unseen")
LONGEST = 200_000  # characters


def as_json(assignment: Assignment) -> str:
    """The stored answer of an assignment, for the form's field."""
    token = assignment.token or ""

    def items(positions: list[int]) -> list[str]:
        return [opaque(token, "item", position) for position in positions]

    answer: dict[str, Any] = {"form": token, "shown": items(assignment.shown)}
    if assignment.campaign.kind == Kind.CONTAINS:
        answer |= {mark: items(getattr(assignment, mark)) for mark in MARKS}
    else:
        answer["unseen"] = items(assignment.unseen)
        answer["answers"] = [
            {
                "offered": _labels(token, position, given["offered"]),
                "selected": _labels(token, position, given["selected"]),
                "main": next(iter(_labels(token, position, [given["main"]])), None),
                "other": given.get("other", ""),
            }
            for position, given in zip(assignment.shown, assignment.answers or [], strict=False)
        ]
    answer |= {"comment": assignment.comment, "active_seconds": assignment.active_seconds}
    return json.dumps(answer, ensure_ascii=False)


def _labels(token: str, position: int, ids: list[int | None]) -> list[str]:
    return [opaque(token, "label", position, label) for label in ids if label is not None]


def from_xml(hit: HIT, text: str, worker: str = "") -> dict[str, Any] | None:
    """The answer in MTurk's QuestionFormAnswers, as `submit` takes it, with `shown`.

    None if the form carried no answer to this HIT, or if the site gave that form to somebody other
    than `worker` (MTurk's id; "": anybody). Nothing is guessed.
    """
    if not text or len(text) > LONGEST:
        return None
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError:
        return None
    fields = {}
    for answer in root.iterfind(".//{*}Answer"):
        fields[answer.findtext("{*}QuestionIdentifier", "")] = answer.findtext("{*}FreeText", "")
    try:
        given = json.loads(fields.get(FIELD, ""))
        form = Assignment.objects.filter(token=given["form"]).select_related("worker").first()
        if form and (form.hit_id != hit.pk or worker not in ("", form.worker.external_id)):
            return None
        return _from_json(hit, given)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _from_json(hit: HIT, given: dict[str, Any]) -> dict[str, Any] | None:
    """Raises KeyError, TypeError or ValueError for anything that this HIT's form does not have."""
    token = given["form"]
    known = {
        opaque(token, "item", position): (position, image)
        for position, image in HITItem.objects.filter(hit=hit).values_list("position", "image_id")
    }
    shown = [known[name][0] for name in given["shown"]]
    if sorted(shown) != sorted(position for position, _ in known.values()):
        raise ValueError("not every item was shown once")
    answer: dict[str, Any] = {"shown": shown}
    if hit.campaign.kind == Kind.CONTAINS:
        answer |= {mark: [known[name][0] for name in given[mark]] for mark in MARKS}
        marked = [position for mark in MARKS for position in answer[mark]]
        if len(marked) != len(set(marked)):
            raise ValueError("an item has two answers")
    else:
        images = [known[name][1] for name in given["shown"]]
        answer["answers"] = _classified(hit, token, shown, images, given["answers"])
        answer["unseen"] = [known[name][0] for name in given.get("unseen", [])]
        said = {p for p, one in zip(shown, answer["answers"], strict=True) if one["selected"]}
        if said & set(answer["unseen"]):
            raise ValueError("an image has labels and was not seen")
    answer["comment"] = str(given.get("comment") or "").replace("\0", "")[:2000]
    seconds = given.get("active_seconds")
    answer["active_seconds"] = float(seconds) if seconds is not None else None
    return answer


def _classified(
    hit: HIT, token: str, shown: list[int], images: list[int], given: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    pairs: dict[int, list[int]] = {}
    rows = Pair.objects.filter(campaign=hit.campaign, image_id__in=images)
    for image, label in rows.values_list("image_id", "label_id"):
        pairs.setdefault(image, []).append(label)
    answers = []
    for position, image, choice in zip(shown, images, given, strict=True):
        labels = {opaque(token, "label", position, label): label for label in pairs.get(image, [])}
        selected = [labels[name] for name in choice["selected"]]
        main = labels[choice["main"]] if choice["main"] is not None else None
        if (main is None) != (not selected) or (selected and main not in selected):
            raise ValueError("the main object is not one of the labels selected")
        answers.append(
            {
                "offered": [labels[name] for name in choice["offered"]],
                "selected": selected,
                "main": main,
                "other": str(choice.get("other") or "").replace("\0", "")[:200],
            }
        )
    return answers
