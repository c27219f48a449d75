"""Reads MTurk's batch results of this site's own HITs: the page's JSON back into judgments."""

from typing import Any
from xml.sax.saxutils import escape

from tasks.crowds.mturk.form_data import FIELD, from_xml
from tasks.crowds.mturk.models import Listing
from tasks.models import HIT, Assignment, Campaign, HITItem
from tasks.models.campaign import Kind

_XML = (
    "<QuestionFormAnswers><Answer><QuestionIdentifier>{}</QuestionIdentifier>"
    "<FreeText>{}</FreeText></Answer></QuestionFormAnswers>"
)
_MARKS: dict[str, bool | str | None] = {"selected": True, "maybe": "maybe", "unseen": None}


def own_hit(campaign: Campaign, name: str) -> HIT | None:
    """The campaign's HIT by MTurk's id or by its key; None if there is no such HIT."""
    listing = Listing.objects.filter(hit__campaign=campaign, market_id=name).first()
    return listing.hit if listing else HIT.objects.filter(campaign=campaign, key=name).first()


def is_answered(campaign: Campaign, key: str) -> bool:
    """Whether the assignment of that key is stored with its answer."""
    known = Assignment.objects.filter(campaign=campaign, key=key, submitted_at__isnull=False)
    return known.exists()


def judgments_of(hit: HIT, answer: str) -> list[dict[str, Any]] | None:
    """The judgments that a page of this HIT handed in, in the order shown; None: not its JSON.

    CONTAINS: image, label, selected, position; CLASSIFY: image, offered, selected, main; both:
    seconds.
    """
    read = from_xml(hit, _XML.format(FIELD, escape(answer)))
    if read is None:
        return None
    items = {
        position: (image, label)
        for position, image, label in HITItem.objects.filter(hit=hit).values_list(
            "position", "image__key", "label__key"
        )
    }
    rows: list[dict[str, Any]] = []
    if hit.campaign.kind == Kind.CONTAINS:
        marks = {p: value for name, value in _MARKS.items() for p in read[name]}
        for number, position in enumerate(read["shown"]):
            image, label = items[position]
            rows.append(
                {
                    "image": image,
                    "label": label,
                    "selected": marks.get(position, False),
                    "position": number,
                }
            )
    else:
        keys = dict(hit.campaign.dataset.labels.values_list("pk", "key"))
        for position, given in zip(read["shown"], read["answers"], strict=True):
            row = {"image": items[position][0], "offered": None, "selected": None, "main": None}
            if position not in read["unseen"]:
                row["offered"] = [keys[label] for label in given["offered"]]
                row["selected"] = [keys[label] for label in given["selected"]]
                row["main"] = keys.get(given["main"])
            rows.append(row)
    return [row | {"seconds": read["active_seconds"]} for row in rows]
