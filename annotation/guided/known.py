"""Known answers in the step "Quality": picked from a grid of pictures, or brought as a table."""

import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST
from unfold.widgets import UnfoldAdminFileFieldWidget

from annotation.drawn.picture import Drawn
from annotation.guided.steps import PUBLISHED
from annotation.rights import RESEARCH, need
from annotation.rights.pages import needs
from imagesets.errors import ImportRefused
from imagesets.models import Dataset, Image, Label
from tasks.campaigns.asked import labels_of_draft
from tasks.campaigns.known_answers import import_known_answers
from tasks.campaigns.pickable import KNOWN, OTHER, Pickable, pickable
from tasks.models import Campaign, KnownAnswer
from tasks.models.campaign import State
from tasks.models.refused import Refused

ON_A_PAGE = 24
CHANGED = "known"  # the event after which what the draft would ask is counted again
WRONG = "image and label must be of the dataset, and answer yes, no or undo."
ANSWERS = {"yes": True, "no": False}


class Table(forms.Form):
    """A table of known answers."""

    file = forms.FileField(
        label="Or bring a table",
        help_text="CSV of image,label,present (yes or no) and, if you like, explanation.",
        error_messages={"required": "Choose a file first."},
        widget=UnfoldAdminFileFieldWidget,
    )


@dataclass(frozen=True)
class Choice:
    """A label that can be chosen, with how many answers to it are known.

    `has_twin`: another one has the same name.
    """

    label: Label
    present: int
    absent: int
    has_twin: bool

    @property
    def title(self) -> str:
        """Its name, with its key where that alone tells it, and what is known of it."""
        name = f"{self.label.names[0]} ({self.label.key})" if self.has_twin else self.label.names[0]
        known = f": {self.present:,} show it, {self.absent:,} do not"
        return f"{name}{known if self.present + self.absent else ''}"


def choices_of(draft: Campaign) -> list[Choice]:
    """The labels that a draft asks about, those of which least is known first."""
    known = KnownAnswer.objects.filter(dataset=draft.dataset_id).order_by()
    counted = Counter(known.values_list("label_id", "present"))
    labels = list(labels_of_draft(draft))
    called = Counter(label.names[0] for label in labels)
    choices = [
        Choice(
            label,
            counted[label.pk, True],
            counted[label.pk, False],
            called[label.names[0]] > 1,
        )
        for label in labels
    ]
    return sorted(
        choices,
        key=lambda each: (
            each.present + each.absent,
            each.label.names[0].casefold(),
            each.label.key,
        ),
    )


def context_of(draft: Campaign, label: Label | None = None, after: str = "") -> dict[str, Any]:
    """What the grid shows: the labels, and pictures under one of them."""
    table = {"table": Table()}
    try:
        choices = choices_of(draft)
        if not choices:
            return table | {"refused": "There is nothing to ask yet."}
        label = label or choices[0].label
        rank, _, public_id = after.partition("-")
        since = (int(rank), public_id) if rank.isdecimal() and len(rank) == 1 else (KNOWN, "")
        rows = pickable(draft, label, ON_A_PAGE + 1, since)
    except (Refused, ValueError) as error:
        return table | {"refused": str(error)}
    shown = rows[:ON_A_PAGE]
    more = len(rows) > ON_A_PAGE
    return table | {
        "choices": choices,
        "label": label,
        "tiles": [_tile(row) for row in shown],
        "more": f"{shown[-1].rank}-{shown[-1].image.public_id}" if more else "",
        "is_first": not after,
        "none_named": not after and all(row.rank == OTHER for row in shown),
    }


def _tile(row: Pickable) -> dict[str, Any]:
    return {"id": row.image.public_id, "picture": Drawn.of(row.image), "present": row.present}


@needs(RESEARCH, Campaign)
@require_http_methods(["GET", "POST"])
@never_cache
def known(request: HttpRequest, campaign: Campaign) -> HttpResponse:
    """GET: pictures under a label (?label=, ?after=). POST: what one of them shows, or undo."""
    if campaign.state != State.DRAFT:
        return HttpResponse(PUBLISHED, status=409, content_type="text/plain")
    need(request.user, RESEARCH, campaign.dataset)  # whose the known answers are
    labels, images = campaign.dataset.labels, campaign.dataset.images.filter(withdrawn_at=None)
    if request.method == "GET":
        key = request.GET.get("label")
        label = get_object_or_404(labels, key=key) if key else None
        context = context_of(campaign, label, request.GET.get("after", ""))
        return TemplateResponse(request, "guided/picks.html", context | {"campaign": campaign})
    posted = labels.filter(key=request.POST.get("label", "")).first()
    image = images.filter(public_id=request.POST.get("image", "")).first()
    answer = request.POST.get("answer", "")
    if posted is None or image is None or answer not in (*ANSWERS, "undo"):
        return HttpResponse(WRONG, status=400, content_type="text/plain")
    present = ANSWERS.get(answer)
    mark(campaign.dataset, image, posted, present)
    context = {
        "campaign": campaign,
        "label": posted,
        "tile": _tile(Pickable(image, KNOWN, present)),
    }
    reply: HttpResponse = TemplateResponse(request, "guided/pick.html", context)
    if not request.headers.get("HX-Request"):
        reply = HttpResponseRedirect(_step(campaign))
    reply["HX-Trigger"] = CHANGED
    return reply


def _step(campaign: Campaign) -> str:
    return reverse("campaign-step", args=[campaign.slug, "quality"]) + "#known"


@transaction.atomic
def mark(dataset: Dataset, image: Image, label: Label, present: bool | None) -> None:
    """Settle whether the image shows the label; None: nobody knows any more."""
    Dataset.objects.select_for_update().get(pk=dataset.pk)  # as an import does
    same = KnownAnswer.objects.filter(image=image, label=label)
    if present is None or same.exclude(present=present).exists():
        same.delete()  # with what explained the other answer
    if present is not None:
        KnownAnswer.objects.get_or_create(
            image=image, label=label, defaults={"dataset": dataset, "present": present}
        )


@needs(RESEARCH, Campaign)
@require_POST
@never_cache
def bring(request: HttpRequest, campaign: Campaign) -> HttpResponse:
    """Import a table of known answers, all of it or nothing."""
    if campaign.state != State.DRAFT:
        return HttpResponse(PUBLISHED, status=409, content_type="text/plain")
    need(request.user, RESEARCH, campaign.dataset)
    said, table = "", Table(request.POST, request.FILES)
    if table.is_valid():
        upload = table.cleaned_data["file"]
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / (Path(upload.name or "").name or "table.csv")
            with file.open("wb") as copy:
                copy.writelines(upload.chunks())
            try:
                done = import_known_answers(campaign.dataset, file)
            except ImportRefused as error:
                whose = str(error).replace(f"{file}", file.name)
                table.add_error("file", f"Nothing was imported: {whose}")
            else:
                kept = f" {done.unchanged:,} were known." if done.unchanged else ""
                said = " ".join([f"{done.added:,} known answers added.{kept}", *done.notes])
    if not request.headers.get("HX-Request"):
        wrong = " ".join(str(error) for error in table.errors.get("file", []))
        (messages.error if wrong else messages.success)(request, wrong or said)
        return HttpResponseRedirect(_step(campaign))
    context = context_of(campaign) | {"campaign": campaign, "table": table, "said": said}
    reply = TemplateResponse(request, "guided/known.html", context)
    if said:
        reply["HX-Trigger"] = CHANGED
    return reply


urlpatterns = [
    path("campaigns/<slug:slug>/steps/known/", known, name="campaign-known"),
    path("campaigns/<slug:slug>/steps/known/table/", bring, name="campaign-known-table"),
]
