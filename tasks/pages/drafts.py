"""Drafts of a HIT's form: what its page sends as the worker goes, and shows when they come back."""

import json

from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tasks.models import PracticeTry, Work
from tasks.models.draft import AnyDraft
from tasks.pages.form_reading import (
    ITEM_FIELDS,
    TILE_FIELDS,
    WHY,
    choices_on,
    read,
    reports_on,
)
from tasks.pages.hit_pages import iso, refuse
from tasks.pages.sheets import Sheet, sheet_of
from tasks.work import practice
from tasks.work.claiming import renew
from tasks.work.drafts import Saved, save
from tasks.work.reporting import keep_reports

CHOICES = (*TILE_FIELDS, *(name for name in ITEM_FIELDS if name != "other-"))
BESIDE = ("comment", "active_seconds", "conditions")
LONGEST = 100_000  # characters of JSON: more than the largest form that a page can have
LAST_REVISION = 2**53 - 1  # JavaScript counts no further

ANSWERED = gettext_lazy("This work is answered already: nothing is left to be saved.")
OVER = gettext_lazy("This work is no longer yours, so nothing more of it is saved.")


def take_draft(request: HttpRequest, work: Work) -> HttpResponse:
    """Keep a posted draft: 204, also where a newer one is kept already.

    One that changes a choice renews the worker's time (rule P5); X-Expires then tells the new one.
    """
    revision = _revision(request.POST)
    if revision is None:
        return refuse(request, 422, _("A draft needs a revision: a whole number from 1."))
    fields = as_json(request.POST)
    if len(fields) > LONGEST:
        return refuse(request, 413, _("This draft is longer than any form of this page."))
    saved = save(work, fields, revision)
    if saved == Saved.ANSWERED:
        return refuse(request, 409, str(ANSWERED))
    if saved == Saved.OVER:
        keep_reports_of_ended(work, request.POST)
        return refuse(request, 410, str(OVER))
    response = HttpResponse(status=204)
    renewed = saved == Saved.STORED and _renewed(work, request.POST, revision)
    if renewed and work.expires_at is not None:
        response["X-Expires"] = iso(work.expires_at)
    return response


def keep(work: Work, form: QueryDict, sheet: Sheet) -> None:
    """Keep a form that was sent and is no answer, as the newest draft; `sheet`: as it was read."""
    fields = as_json(form)
    if len(fields) > LONGEST:
        fields = "{}"
    saved = save(work, fields, _revision(form) or 0, anyway=True)
    if saved != Saved.ANSWERED:
        keep_reports(work, reports_on(sheet), take_back=saved == Saved.STORED)
    if saved == Saved.STORED:
        _renew(work, choices_on(sheet))


def keep_reports_of_ended(work: Work, form: QueryDict) -> None:
    """Keep what a page reports although its work is over: the worker has seen those pictures."""
    if any(name.startswith("report") for name in form):
        sheet = sheet_of(work)
        read(sheet, form)
        keep_reports(work, reports_on(sheet), take_back=False)


def draft_of(work: Work) -> AnyDraft | None:
    """The stored draft; no query where it was selected with the work."""
    return getattr(work, "draft", None)


def fill_in(sheet: Sheet, draft: AnyDraft, problems: bool = False) -> None:
    """Show a draft's choices and texts on the sheet, and if wanted what keeps it from an answer."""
    read(sheet, _form_of(draft))
    sheet.revision = draft.revision
    if not problems:
        sheet.forget_problems()


def _form_of(draft: AnyDraft) -> QueryDict:
    """The draft's fields as its page's form had them."""
    form = QueryDict(mutable=True)
    for name, values in json.loads(draft.fields).items():
        form.setlist(name, values)
    return form


def must_ask(request: HttpRequest, draft: AnyDraft | None) -> bool:
    """Whether the worker gives back what they have begun to answer, and was not asked yet."""
    if draft is None or "sure" in request.POST:
        return False
    return any(name.startswith(CHOICES) for name in json.loads(draft.fields))


def as_json(form: QueryDict) -> str:
    """The fields that a draft keeps: {name: [values]}."""
    kept = {
        name: values
        for name, values in form.lists()
        if name in (*TILE_FIELDS, *BESIDE) or name.startswith((*ITEM_FIELDS, WHY))
    }
    return json.dumps(kept, ensure_ascii=False)


def _renewed(work: Work, form: QueryDict, revision: int) -> bool:
    """Take what a stored draft says: its reports, and the worker's time. Whether that is longer."""
    sheet = sheet_of(work)
    before = reports_on(sheet)
    read(sheet, form)
    if (reports := reports_on(sheet)) != before:
        keep_reports(work, reports, revision=revision)
    choices = choices_on(sheet)
    return choices != work.choices_seen and _renew(work, choices)


def _renew(work: Work, choices: str) -> bool:
    if isinstance(work, PracticeTry):
        return practice.renew(work, choices)
    return renew(work, choices)


def _revision(form: QueryDict) -> int | None:
    text = form.get("revision", "")
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(LAST_REVISION))):
        return None
    revision = int(text)
    return revision if 1 <= revision <= LAST_REVISION else None
