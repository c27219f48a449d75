"""Reads a submitted form: an answer, or what is wrong with it; nothing is ever repaired.

The form's choices are written on the sheet, so that a page sent back to the worker shows them
again. Fields: see `read`. Fields of other names are ignored; a value that stands for nothing on
this page (an item of another HIT) is refused.
"""

import hashlib
import math
from collections.abc import Collection
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from tasks.models.campaign import Kind
from tasks.models.picture_report import LONGEST_REASON
from tasks.pages.conditions import read_conditions
from tasks.pages.hand import read_hand
from tasks.pages.sheets import AnyPicture, Choice, Picture, Section, Sheet
from tasks.work.reporting import room_for

LONGEST_OTHER = 200  # characters
LONGEST_COMMENT = 2000
LONGEST_STAY = 24 * 3600  # seconds; more than that is a wrong clock
MOST_UNSEEN = 4  # one item in so many may be unseen (rule L11)
ITEM_FIELDS = ("labels-", "main-", "none-", "other-", "unseen-", "report-")
TILE_FIELDS = ("selected", "maybe", "unseen", "none", "report")
WHY = "why-"  # before an item's id, in both kinds: the reason of a report

STRANGE = gettext_lazy(
    "The form contained something that is not on this page; perhaps it came from an older page."
    " Check your choices below and submit again."
)
TOO_MANY_REPORTS = gettext_lazy(
    "You have reported as many pictures as we take within an hour. Undo {number} of those on this"
    " page, or give this work back."
)
TOO_MANY_UNSEEN = gettext_lazy(
    "{unseen} of the {all} pictures did not load: too many for an answer. Try again to load them,"
    " or give this work back."
)


def read(sheet: Sheet, form: QueryDict) -> dict[str, Any] | None:
    """The form's answer, for `tasks.work.submitting.submit`; None: see `sheet.problems`.

    CONTAINS: `selected`, `maybe`, `unseen`, `report` = item ids; `none` = section ids.
    CLASSIFY: `labels-ITEM`, `main-ITEM` = label ids; `none-ITEM`, `unseen-ITEM`, `report-ITEM` =
    "1"; `other-ITEM` = text. Both: `why-ITEM` = text, for a report; `comment`, `active_seconds`,
    `hand`, `conditions`. A report takes back what was chosen for its picture, which it covers.
    """
    reported_before = {item.position for item in sheet.at.values() if item.reported}
    if sheet.campaign.kind == Kind.CONTAINS:
        answer = _read_contains(sheet, form)
    else:
        answer = _read_classify(sheet, form)
    items = list(sheet.at.values())
    unseen = sum(item.unseen and item.is_shown for item in items)
    if unseen * MOST_UNSEEN > len(items):
        sheet.errors.append(TOO_MANY_UNSEEN.format(unseen=unseen, all=len(items)))
    if too_many := _too_many(sheet, reported_before):
        sheet.errors.append(TOO_MANY_REPORTS.format(number=too_many))
    sheet.active_seconds = form.get("active_seconds", "")[:20]
    sheet.conditions = form.get("conditions", "")
    sheet.comment = form.get("comment", "").strip()
    if error := _text_error(_("Your comment"), sheet.comment, LONGEST_COMMENT):
        sheet.errors.append(error)
    if sheet.problems:
        return None
    told: dict[str, Any] = {
        "comment": sheet.comment,
        "hand": read_hand(form.get("hand", "")),
        "active_seconds": _seconds(sheet.active_seconds),
    }
    if (reports := reports_on(sheet)) or reported_before:
        told["reports"] = reports
    return answer | read_conditions(sheet.conditions, sheet) | told


def reports_on(sheet: Sheet) -> dict[int, str]:
    """The reports that `read` wrote on the sheet: {position: the worker's words}."""
    return {position: item.reason for position, item in sheet.at.items() if item.reported}


def _too_many(sheet: Sheet, before: Collection[int]) -> int:
    """How many of the sheet's reports are too many at present, those `before` not counted."""
    new = len(reports_on(sheet).keys() - before)
    return max(0, new - room_for(sheet.work)) if new and sheet.work else 0


def _read_report(item: AnyPicture, reported: bool, form: QueryDict) -> str:
    """Write a report on the item. Returns what is wrong with its reason, if anything."""
    item.reported = reported and not item.hidden
    item.reason = form.get(f"{WHY}{item.id}", "").strip() if item.reported else ""
    if not item.reason:
        return ""
    what = _("Picture {number}: the reason of your report").format(number=item.number)
    return _text_error(what, item.reason, LONGEST_REASON)


def choices_on(sheet: Sheet) -> str:
    """A digest of the choices that `read` wrote on the sheet; "" if there are none."""
    chosen: list[tuple] = [
        (tile.id, tile.selected, tile.maybe, tile.unseen, tile.reported) for tile in sheet.tiles
    ]
    chosen += [(section.id, section.none) for section in sheet.sections]
    for picture in sheet.pictures:
        chosen.append((picture.id, picture.none, picture.unseen, picture.reported))
        chosen += [(choice.id, choice.selected, choice.main) for choice in picture.offered]
    made = sorted(choice for choice in chosen if any(choice[1:]))
    return hashlib.sha256(repr(made).encode()).hexdigest() if made else ""


def _read_contains(sheet: Sheet, form: QueryDict) -> dict[str, Any]:
    tiles = sheet.tiles
    chosen = {name: set(form.getlist(name)) for name in TILE_FIELDS}
    known = {tile.id for tile in tiles}
    strange = set().union(*(chosen[name] for name in TILE_FIELDS if name != "none")) - known
    strange |= chosen["none"] - {section.id for section in sheet.sections}
    if strange or any(name.startswith(ITEM_FIELDS) for name in form):
        sheet.errors.append(str(STRANGE))
    if chosen["maybe"] and not sheet.campaign.maybe:
        message = _("This study does not offer “maybe”: select the picture, or leave it.")
        sheet.errors.append(message)
    for tile in tiles:
        tile.error = _read_report(tile, tile.id in chosen["report"], form)
        picked = {name for name in ("selected", "maybe") if tile.id in chosen[name]}
        tile.selected = "selected" in picked and tile.is_shown
        tile.maybe = "maybe" in picked and tile.is_shown
        tile.chosen = bool(picked) and tile.item.is_withdrawn
        tile.unseen = tile.id in chosen["unseen"]
        if tile.unseen and (tile.selected or tile.maybe):
            error = _("Picture {number} is both chosen and “did not load”: undo one.")
            tile.error = error.format(number=tile.number)
        elif tile.selected and tile.maybe:
            error = _("Picture {number} is both selected and “maybe”: undo one.")
            tile.error = error.format(number=tile.number)
    for section in sheet.sections:
        section.none = section.id in chosen["none"]
        section.error = _section_error(section)
    fields = {"selected": "selected", "maybe": "maybe", "unseen": "is_unseen"}
    return {
        name: [tile.position for tile in tiles if getattr(tile, field)]
        for name, field in fields.items()
    }


def _section_error(section: Section) -> str:
    return _section_problem(section).format(name=section.label.name)


def _section_problem(section: Section) -> str:
    tiles = section.tiles
    selected = any(tile.selected for tile in tiles)
    maybe = any(tile.maybe for tile in tiles)
    if len(tiles) == 1:
        if section.none and (selected or maybe):
            return _("For “{name}” you gave two answers: choose one of them.")
        if not (section.none or selected or maybe or tiles[0].is_unseen):
            return _("For “{name}” there is no answer yet: say whether the picture contains it.")
        return ""
    if section.none and selected:
        return _("For “{name}” you selected pictures and also “none of these”: undo one.")
    chosen = any(tile.chosen for tile in tiles)  # and withdrawn since: it was an answer
    if not (section.none or selected or maybe or chosen or all(tile.is_unseen for tile in tiles)):
        return _("For “{name}” nothing is selected: select pictures, or confirm “none of these”.")
    return ""


def _read_classify(sheet: Sheet, form: QueryDict) -> dict[str, Any]:
    known = {f"{name}{picture.id}" for picture in sheet.pictures for name in ITEM_FIELDS}
    strange = any(name.startswith(ITEM_FIELDS) and name not in known for name in form)
    strange |= any(name in form for name in TILE_FIELDS)
    answers = []
    for picture in sheet.pictures:
        labels = set(form.getlist(f"labels-{picture.id}"))
        mains = set(form.getlist(f"main-{picture.id}"))
        nones = set(form.getlist(f"none-{picture.id}"))
        unseen = set(form.getlist(f"unseen-{picture.id}"))
        strange |= bool((labels | mains) - {choice.id for choice in picture.offered})
        reports = set(form.getlist(f"report-{picture.id}"))
        strange |= bool((nones | unseen | reports) - {"1"})
        error = _read_report(picture, "1" in reports, form)
        for choice in picture.offered:
            choice.selected = choice.id in labels and picture.is_shown
            choice.main = choice.id in mains and picture.is_shown
        picture.none = "1" in nones and picture.is_shown
        picture.unseen = "1" in unseen
        picture.other = form.get(f"other-{picture.id}", "").strip() if picture.is_shown else ""
        picture.error = error or _picture_error(picture)
        selected = [c.label.label_id for c in picture.offered if c.selected]
        lone = selected[0] if len(selected) == 1 else None  # is the main one, said or not (Q2)
        answers.append(
            {
                "offered": [choice.label.label_id for choice in picture.offered],
                "selected": selected,
                "main": next((c.label.label_id for c in picture.offered if c.main), lone),
                "other": picture.other,
            }
        )
    if strange:
        sheet.errors.append(str(STRANGE))
    unseen_positions = [picture.position for picture in sheet.pictures if picture.is_unseen]
    return {"answers": answers, "unseen": unseen_positions}


def _picture_error(picture: Picture) -> str:
    selected = [choice for choice in picture.offered if choice.selected]
    mains = [choice for choice in picture.offered if choice.main]
    what = _("Picture {number}: what you typed").format(number=picture.number)
    if error := _text_error(what, picture.other, LONGEST_OTHER):
        return error
    return _picture_problem(picture, selected, mains).format(
        number=picture.number, mains=len(mains), main=mains[0].label.name if mains else ""
    )


def _picture_problem(picture: Picture, selected: list[Choice], mains: list[Choice]) -> str:
    if picture.unseen and (picture.none or selected or mains):
        return _("Picture {number} is both answered and “did not load”: undo one.")
    if picture.is_unseen:
        return ""
    if picture.none and (selected or mains):
        return _("Picture {number}: you chose labels and also “none of these labels”: undo one.")
    if picture.none:
        return ""
    if not selected:
        return _("Picture {number}: check at least one label, or “none of these labels”.")
    if len(mains) > 1:
        return _("Picture {number}: choose one main object, not {mains}.")
    if not mains and len(selected) > 1:
        return _("Picture {number}: say which of the labels you checked is the main object.")
    if mains and mains[0] not in selected:
        return _(
            "Picture {number}: the main object, “{main}”, is not among the labels you checked."
        )
    return ""


def _text_error(what: str, text: str, longest: int) -> str:
    """What is wrong with a typed text, in a sentence; `what`: its beginning."""
    if len(text) > longest:
        error = ngettext(
            "{what} is {length} character long; the limit is {longest}.",
            "{what} is {length} characters long; the limit is {longest}.",
            len(text),
        )
        return error.format(what=what, length=len(text), longest=longest)
    if "\0" in text:
        return _("{what} contains a character that cannot be stored.").format(what=what)
    return ""


def _seconds(text: str) -> float | None:
    """Active seconds as the page's script counted them; None if it did not, or for nonsense."""
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and 0 <= seconds <= LONGEST_STAY else None
