"""Pairs of labels, /datasets/{slug}/pairs/: mixed up, or together in a picture, both with pictures.

They are kept with the report, in its order (annotation/report/label_tables.py).
"""

from dataclasses import dataclass

from django.db.models import Q, Subquery
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from annotation.drawn.picture import Drawn
from annotation.explorer.filters import Filters
from annotation.explorer.frame import framed
from annotation.explorer.reported import Reported, label_named, reported, some_pictures
from annotation.rights import VIEW
from annotation.rights.pages import needs
from imagesets.models import Dataset, Image, Label
from tasks.models import KeptReport, LabelPair, PairKind
from tasks.models.label_results import FEW_IMAGES, MOST_PAIRS

PAGE, SIDE = 12, 4  # pairs, and pictures of each side

# The title of each kind, and what its numbers are.
KINDS = {
    PairKind.CONFUSED: (
        "Confused",
        "At least half of the workers selected each of the two on the same picture, of all images"
        " of either label, and CLASSIFY mostly saw one object there: two names for one thing.",
    ),
    PairKind.RENAMED: (
        "Called something else",
        "The dataset label says the first, the crowd's main label is the second, of all images of"
        " the first that CLASSIFY answered.",
    ),
    PairKind.BESIDE: (
        "Side by side",
        "Beside the first label's object stands another one, named the second, of all settled"
        " images of the first (the report's R2).",
    ),
    PairKind.ACCEPTED: (
        "Both accepted",
        "At least half of the workers selected each of the two on the same picture, of all images"
        " of either label (the report's R9), whether as one object or as several.",
    ),
}


@dataclass(frozen=True)
class Side:
    """A label of a pair with pictures; `only_typical`: of the label, not of the pair."""

    label: Label
    pictures: list[Drawn]
    only_typical: bool


@dataclass(frozen=True)
class Shown:
    """A pair with both sides, in a sentence, and the address of its images."""

    pair: LabelPair
    sides: list[Side]
    sentence: str
    images: str


@needs(VIEW, Dataset)
@require_safe
@never_cache
def pairs(request: HttpRequest, dataset: Dataset) -> HttpResponse:
    """The gallery: `?kind=` one of KINDS, `?label=` one label's pairs, `?after=` a rank."""
    study = reported(request, dataset)
    there = _numbers(study)
    asked = request.GET.get("kind", "")
    kind = PairKind(asked) if asked in PairKind.values else next(iter(there), PairKind.CONFUSED)
    key = request.GET.get("label", "")
    label = label_named(dataset, key) if key else None
    after = request.GET.get("after", "")
    rank = int(after) if after.isdecimal() and len(after) < 9 else 0
    found: list[LabelPair] = []
    if study.report is not None:
        rows = study.report.label_pairs.filter(kind=kind, rank__gt=rank)
        if label is not None:
            rows = rows.filter(Q(a=label) | Q(b=label))
        found = list(rows.select_related("a", "b").order_by("rank")[: PAGE + 1])
    narrowed = {"label": label.key} if label is not None else {}
    context = framed(request, dataset, "explorer-pairs", study=study.campaigns) | {
        "study": study,
        "campaign_query": study.query(),
        "kinds": [
            (title, study.query(kind=each, **narrowed), there.get(each, 0), each == kind)
            for each, (title, _) in KINDS.items()
        ],
        "told": KINDS[kind][1],
        "few": FEW_IMAGES,
        "most": MOST_PAIRS,
        "label": label,
        "all": study.query(kind=kind),
        "pairs": shown_pairs(study, found[:PAGE]),
        "more": study.query(kind=kind, after=found[PAGE - 1].rank, **narrowed)
        if len(found) > PAGE
        else "",
        "first": study.query(kind=kind, **narrowed) if rank else "",
    }
    return TemplateResponse(request, "explorer/pairs.html", context)


def _numbers(study: Reported) -> dict[PairKind, int]:
    """How many pairs of each kind are kept, by kind; kinds without any are missing."""
    if study.report is None:
        return {}
    last = {
        kind: study.report.label_pairs.filter(kind=kind).order_by("-rank").values("rank")[:1]
        for kind in KINDS
    }
    kept = KeptReport.objects.filter(pk=study.report.pk)
    ranks = kept.values_list(*(Subquery(rank) for rank in last.values()))[0]
    return {kind: rank for kind, rank in zip(KINDS, ranks, strict=True) if rank}


def shown_pairs(study: Reported, rows: list[LabelPair]) -> list[Shown]:
    """Pairs with their pictures; a fixed number of queries."""
    keys = {key for pair in rows for _, some in _sides(pair) for key in some}
    images = Image.objects.filter(dataset=study.dataset, key__in=keys, withdrawn_at=None)
    drawn = {image.key: Drawn.of(image) for image in images}
    pictures = [
        [(label, [drawn[key] for key in some if key in drawn]) for label, some in _sides(pair)]
        for pair in rows
    ]
    lonely = {label.pk for sides in pictures for label, own in sides if not own}
    typical = some_pictures(lonely, SIDE)
    return [
        Shown(
            pair,
            [Side(label, own or typical.get(label.pk, []), not own) for label, own in sides],
            _sentence(pair),
            images_of(study, pair),
        )
        for pair, sides in zip(rows, pictures, strict=True)
    ]


def _sides(pair: LabelPair) -> list[tuple[Label, list[str]]]:
    """Its labels, each with the keys of some of its pictures."""
    return [(pair.a, pair.pictures_a[:SIDE]), (pair.b, pair.pictures_b[:SIDE])]


def _sentence(pair: LabelPair) -> str:
    a, b = pair.a.names[0], pair.b.names[0]
    number = f"{pair.images:,} of {pair.of:,} images ({pair.images / pair.of:.0%})"
    match pair.kind:
        case PairKind.CONFUSED | PairKind.ACCEPTED:
            seen = "" if pair.one_object is None else f"; one object in {pair.one_object:.0%}"
            return f"both accepted on {number} of either{seen}"
        case PairKind.RENAMED:
            return f"{b} is the main label of {number} of {a}"
    return f"{b} stands beside {a} on {number}"


def images_of(study: Reported, pair: LabelPair) -> str:
    """The address of the images of a pair of labels."""
    a, b = pair.a.key, pair.b.key
    match pair.kind:
        case PairKind.CONFUSED | PairKind.ACCEPTED:
            filters = Filters(label=(a, b), shows=(a, b))
        case PairKind.RENAMED:
            filters = Filters(label=(a,), main=(b,))
        case _:
            filters = Filters(label=(a,), shows=(b,))
    here = reverse("explorer-images", args=[study.dataset.slug])
    return f"{here}?{filters.query(campaign=study.slug)}"
