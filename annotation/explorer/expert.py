"""The expert pass, /datasets/{slug}/images/expert/: a view gone through image by image, with keys.

Its query is the view; `at` names an image. Without it, it goes on where this person stopped.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils.text import capfirst
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from annotation.drawn.picture import Drawn
from annotation.explorer.candidates import additions_of, candidates_of
from annotation.explorer.experts import SAID, verdicts_on
from annotation.explorer.filters import BadFilter, refuse_unknown
from annotation.explorer.frame import explorer_page, framed
from annotation.explorer.images import image_of, in_use
from annotation.explorer.none_won import count_votes
from annotation.explorer.view import View
from annotation.rights import REVIEW
from annotation.rights.pages import needs
from imagesets.models import Dataset, Image
from imagesets.pictures.derivatives import image_urls
from tasks.models import ImageResult, Overrule
from tasks.models.overrule import Verdict
from tasks.models.refused import Refused
from tasks.work.overruling import Given, give_verdicts, judged_images

OTHERS = ("campaign", "at")  # parameters that are no filters
LONGEST = 2000  # characters of a reason
KEYS = {
    Verdict.PRESENT: "p",
    Verdict.ABSENT: "a",
    Verdict.MAIN: "m",
    Verdict.NOT_MAIN: "n",
    Verdict.SAME_OBJECT_AS: "s",
}
CHOICES = [(verdict.value, SAID[verdict], KEYS[verdict]) for verdict in Verdict]


@dataclass(frozen=True)
class Row:
    """A candidate label. crowd: whether at least half selected it, None if nobody was asked; main:
    whether it is the crowd's main label, None if that was not asked."""

    label: int
    name: str
    key: str
    definition: str
    of_dataset: bool
    told: str
    crowd: bool | None
    main: bool | None
    verdict: str = ""
    same_as: int | None = None

    def is_overruled(self, verdict: str) -> bool:
        """Whether a verdict goes against the crowd's."""
        says_present = verdict in (Verdict.PRESENT, Verdict.MAIN)
        return (
            (self.crowd is False and says_present)
            or (self.crowd is True and verdict == Verdict.ABSENT)
            or (self.main is False and verdict == Verdict.MAIN)
            or (self.main is True and verdict in (Verdict.NOT_MAIN, Verdict.ABSENT))
        )

    @property
    def overruling(self) -> str:
        """The verdicts that go against the crowd's, for the page's script."""
        return " ".join(verdict for verdict in Verdict.values if self.is_overruled(verdict))


@needs(REVIEW, Dataset)
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@explorer_page
def expert(request: HttpRequest, dataset: Dataset) -> HttpResponse:
    """An image of the view with its candidates; a POST takes the verdicts and leads on."""
    refuse_unknown(request.GET, OTHERS)
    view = View.asked_for(request.user, dataset, request.GET)
    who = request.user.get_username()
    judged = set(judged_images(dataset, who))
    if request.method == "POST":
        return _take(request, view, who, judged)
    at = image_of(request.GET, "at", dataset)
    if at is None:
        at = next_unjudged(view, judged)
    if at is None:
        return _no_image(request, view, judged)
    return _show(request, view, at, who, judged)


def next_unjudged(view: View, judged: set[int], after: int | None = None) -> int | None:
    """The next image of the view that a person has not judged, behind one and then from the first
    on; None: they have judged all."""
    ids = view.ids
    left = ids[~np.isin(ids, list(judged))]
    if not left.size:
        return None
    if after is not None and (found := np.flatnonzero(ids == after)).size:
        behind = ids[found[0] + 1 :]
        behind = behind[np.isin(behind, left)]
        if behind.size:
            return int(behind[0])
    return int(left[0])


def _context(request: HttpRequest, view: View, judged: set[int]) -> dict[str, Any]:
    return framed(request, view.dataset, "explorer-images", view) | {
        "title": f"{view.dataset.name}: expert pass",
        "query": view.query(),
        "in_use": in_use(view),
        "of": len(view),
        "done": int(np.isin(view.ids, list(judged)).sum()),
    }


def _no_image(request: HttpRequest, view: View, judged: set[int]) -> HttpResponse:
    """The view is empty, or finished."""
    first = view.images(view.ids[:1].tolist())
    context = _context(request, view, judged) | {"first": first[0] if first else None}
    return TemplateResponse(request, "explorer/expert_end.html", context)


def _show(
    request: HttpRequest,
    view: View,
    at: int,
    who: str,
    judged: set[int],
    error: str = "",
    sent: QueryDict | None = None,
) -> HttpResponse:
    image = get_object_or_404(Image.objects.select_related("dataset_label"), pk=at)
    if image.withdrawn_at is not None:
        raise BadFilter("at", f"{image.key} was withdrawn.")
    number, before, after = view.around(image.pk)
    mine = Overrule.objects.filter(image=image, who=who, replaced_at=None)
    said = {row.label_id: (row.verdict, row.same_as_id) for row in mine}
    why = next((row.why for row in mine if row.why), "")
    if sent is not None:
        said, why = _sent(sent), sent.get("why", "")
    others = view.images([pk for pk in (before, after) if pk is not None])
    by_id = {each.pk: each for each in others}
    context = _context(request, view, judged) | {
        "image": image,
        "picture": Drawn.of(image),
        "number": number,
        "before": by_id.get(before or 0),
        "after": by_id.get(after or 0),
        "next_picture": image_urls(by_id[after])[1] if after in by_id else "",
        "rows": rows_of(view, image, said),
        "choices": CHOICES,
        "why": why,
        "longest": LONGEST,
        "verdicts": verdicts_on(image, request.user, view.dataset),
        "judged": image.pk in judged,
        "who": who,
        "error": error,
    }
    status = 422 if error else 200
    return TemplateResponse(request, "explorer/expert.html", context, status=status)


def rows_of(view: View, image: Image, said: Mapping[int, tuple[str, int | None]]) -> list[Row]:
    """The image's candidates with what the crowd says, and what this person has said of them."""
    candidates = candidates_of(view, image, additions_of(view))
    by_key = {each.row.key: each for each in reversed(candidates)}  # the study's own answers count
    ids = dict(view.dataset.labels.filter(key__in=by_key).values_list("key", "pk"))
    result = ImageResult.objects.filter(campaign=view.classify, image=image, workers__gt=0).first()
    if result is not None and view.classify is not None:
        count_votes(view.classify, [result])
    rows = []
    for key in dict.fromkeys(each.row.key for each in candidates):
        row = by_key[key].row
        verdict, same_as = said.get(ids[key], ("", None))
        rows.append(
            Row(
                label=ids[key],
                name=row.name,
                key=key,
                definition=by_key[key].definition,
                of_dataset=row.of_dataset,
                told=_crowd(row.selected, row.shown, result, key),
                crowd=2 * row.selected >= row.shown if row.shown else None,
                main=key == result.main_label if result and result.main_label else None,
                verdict=verdict,
                same_as=same_as,
            )
        )
    return rows


def _crowd(selected: int, shown: int, result: ImageResult | None, key: str) -> str:
    told = [f"{selected} of {shown} selected it"] if shown else []
    if result is not None and (votes := (result.main_votes or {}).get(key)):
        told.append(f"main for {votes} of {result.workers}")
    return ", ".join(told)


def _sent(form: QueryDict) -> dict[int, tuple[str, int | None]]:
    """What a form says of each label (ids)."""
    said: dict[int, tuple[str, int | None]] = {}
    for name in form:
        label, value = name.removeprefix("verdict-"), form.get(name, "")
        if label != name and value and _is_id(label):
            same = form.get(f"same-{label}", "")
            is_same = value == Verdict.SAME_OBJECT_AS and _is_id(same)
            said[int(label)] = (value, int(same) if is_same else None)
    return said


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 19


def _take(request: HttpRequest, view: View, who: str, judged: set[int]) -> HttpResponse:
    """Take the verdicts on an image, and lead to the next that has none of this person's."""
    form = request.POST
    at = image_of(form, "image", view.dataset)
    if at is None:
        raise BadFilter("image", "The form names no image.")
    image = view.dataset.images.get(pk=at)
    if "take_back" in form:
        give_verdicts(image, who, _all_labels(image, who), {}, "")
        return _go(request, view, at)
    said, why = _sent(form), form.get("why", "").strip()
    rows = rows_of(view, image, said)
    if problem := _problem(rows, said, why):
        return _show(request, view, at, who, judged, problem, form)
    given = {label: Given(Verdict(verdict), same) for label, (verdict, same) in said.items()}
    try:
        give_verdicts(image, who, [row.label for row in rows], given, why)
    except Refused as refused:
        return _show(request, view, at, who, judged, f"{capfirst(str(refused))}.", form)
    return _go(request, view, next_unjudged(view, judged | {at}, after=at))


def _all_labels(image: Image, who: str) -> list[int]:
    """Those on which a person has a verdict."""
    mine = Overrule.objects.filter(image=image, who=who, replaced_at=None)
    return list(mine.values_list("label", flat=True))


def _go(request: HttpRequest, view: View, image: int | None) -> HttpResponse:
    """To an image of the view; without one, to its end."""
    images = view.images([image]) if image is not None else []
    query = view.query(at=images[0].public_id if images else None)
    return HttpResponseRedirect(f"{request.path}?{query}" if query else request.path)


def _problem(rows: Sequence[Row], said: Mapping[int, tuple[str, int | None]], why: str) -> str:
    """What is wrong with a form, in a sentence; "": nothing."""
    if not said:
        return "Give a verdict on a label at least, or skip the image."
    known = {row.label: row for row in rows}
    if any(
        label not in known or verdict not in Verdict.values for label, (verdict, _) in said.items()
    ):
        return "The form names a label or a verdict that is not on this page: look again."
    if len(why) > LONGEST:
        return f"The reason has {len(why):,} characters; the most is {LONGEST:,}."
    overruled = [
        known[label].name
        for label, (verdict, _) in said.items()
        if known[label].is_overruled(verdict)
    ]
    if overruled and not why:
        return f"You overrule the crowd on {', '.join(overruled)}: say why."
    return ""
