"""What a draft's workers will see, page by page, for the researcher who makes it.

Nothing here is stored: drafts are laid out on trial. One that cannot be laid out yet has the pages
of BEFORE_LAYOUT alone.
"""

import math
from decimal import Decimal

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from tasks.crowds import crowd_of
from tasks.models import HIT, Campaign, PracticeHIT
from tasks.pages.hit_pages import form, refuse
from tasks.pages.instructions import as_html
from tasks.pages.offers import offers
from tasks.pages.sheets import preview_of
from tasks.work.consent import version_asked
from tasks.work.rounds import open_round

PAGES = {
    "begin": "Before they begin",
    "consent": "Consent",
    "practice": "Practice",
    "hit": "A HIT",
}


def begin_of(request: HttpRequest, draft: Campaign) -> HttpResponse:
    """The page with "Begin", as a stranger sees it."""
    if crowd_of(draft).door is None:
        return refuse(request, 409, "The marketplace shows this work in a list of its own.")
    context = {
        "campaign": draft,
        "offer": offers([draft])[draft.pk],
        "instructions": as_html(draft.texts.instructions),
        "practises": bool(draft.practice),
    }
    return render(request, "tasks/begin.html", context)


def begin_laid_out(request: HttpRequest, laid_out: Campaign) -> HttpResponse:
    """The same, with what its HITs pay and take: the page reads that from the first places."""
    open_round(laid_out, after=0, who="a preview")
    return begin_of(request, laid_out)


def consent_of(request: HttpRequest, draft: Campaign) -> HttpResponse:
    """The text that workers agree to first."""
    if not draft.consent:
        return refuse(request, 409, "This draft has no text to agree to.")
    context = {
        "campaign": draft,
        "text": as_html(draft.texts.consent),
        "version": version_asked(draft),
        "framed": crowd_of(draft).door is None,
    }
    return render(request, "tasks/consent.html", context)


def practice_of(request: HttpRequest, laid_out: Campaign) -> HttpResponse:
    """The first try of the practice."""
    first = PracticeHIT.objects.filter(campaign=laid_out).order_by("number").first()
    if first is None:
        return refuse(request, 409, "This draft has no practice.")
    first.campaign = laid_out
    pictures = laid_out.practice["items"]
    told = {
        "pictures": pictures,
        "needed": math.ceil(Decimal(str(laid_out.practice["pass"])) * pictures),
        "number": 1,
        "tries": laid_out.practice["tries"],
        "pays": first.reward > 0,
    }
    return form(request, preview_of(first), None, {}, practice=told)


def hit_of(request: HttpRequest, laid_out: Campaign) -> HttpResponse:
    """The first HIT, as it looks to somebody who has not accepted it."""
    first = HIT.objects.filter(campaign=laid_out).order_by("pk").first()
    if first is None:
        return refuse(request, 409, "There is nothing to ask yet.")
    first.campaign = laid_out
    return form(request, preview_of(first), None, {})


BEFORE_LAYOUT = {"begin": begin_of, "consent": consent_of}
OF_LAYOUT = {"begin": begin_laid_out, "practice": practice_of, "hit": hit_of}
