"""A label, /datasets/{slug}/labels/{key}/: its images at a glance, its texts, its rivals.

What workers say on its images besides, and how often classifiers know them, is kept with the report
(annotation/report/label_tables.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from annotation.drawn.picture import Drawn
from annotation.explorer.filters import Filters
from annotation.explorer.frame import explorer_page, framed
from annotation.explorer.images import image_of
from annotation.explorer.labels import COUNTED
from annotation.explorer.pairs import Shown, shown_pairs
from annotation.explorer.reported import Reported, label_named, reported, some_pictures
from annotation.explorer.view import View
from annotation.rights import VIEW
from annotation.rights.pages import needs
from imagesets.models import Dataset, Image, Label
from tasks.aggregation.intervals import wilson
from tasks.models import ImageResult, LabelResult, PairKind, PairResult

PAIRS = 6  # shown of those in which it stands


@dataclass(frozen=True)
class Picture:
    """An image of the label, with how workers took it."""

    drawn: Drawn
    address: str
    sf: str  # "6 of 9"
    main: str  # its main label, where it is another one
    odd: bool  # fewer than half selected the label, or the main label is another one


@dataclass(frozen=True)
class Rival:
    """Another label that workers name on the label's images: counts with their n, as texts."""

    label: Label
    picture: Drawn | None
    votes: str
    mains: str
    mains_at: str  # the address of these images, if there are any
    both: str
    both_at: str
    selected: str


@dataclass(frozen=True)
class Accuracy:
    """A classifier's top 1 on the label's images, with its 95 % interval (Wilson's)."""

    name: str
    right: int
    of: int
    low: float
    high: float

    @property
    def share(self) -> float:
        return self.right / self.of


@needs(VIEW, Dataset)
@require_safe
@never_cache
@explorer_page
def label_page(request: HttpRequest, dataset: Dataset, key: str) -> HttpResponse:
    """One label; `?after=` and `?before=` an image's id show others of its images."""
    label = label_named(dataset, key)
    study = reported(request, dataset)
    filters = Filters(label=(label.key,))
    view = View.of_study(dataset, study.campaigns, filters, study.slug or None)
    page = view.page(
        after=image_of(request.GET, "after", dataset),
        before=image_of(request.GET, "before", dataset),
    )
    images = view.images(page.ids)
    result = None
    if study.report is not None:
        result = study.report.label_results.filter(label=label).first()
    by_key = dataset.labels.order_by("key")
    context = framed(request, dataset, "explorer-labels", view) | {
        "title": label.names[0],
        "study": study,
        "campaign_query": study.query(),
        "pairs_query": study.query(label=label.key),
        "label": label,
        "result": result,
        "own": f"{result.own_votes:,} of {result.responses:,}" if result else "",
        "pictures": _pictures(study, view, label, images),
        "page": page,
        "earlier": images[0].public_id if page.before and images else "",
        "later": images[-1].public_id if page.after and images else "",
        "in_view": _at(view, view.filters),
        "rivals": _rivals(study, view, label, result) if result else [],
        "accuracies": accuracies(label, result),
        "sampled": COUNTED if result is None and len(view) > COUNTED else None,
        "pairs": _pairs_with(study, label),
        "next": by_key.filter(key__gt=label.key).first(),
        "previous": by_key.filter(key__lt=label.key).last(),
    }
    return TemplateResponse(request, "explorer/label.html", context)


def _pictures(study: Reported, view: View, label: Label, images: Sequence[Image]) -> list[Picture]:
    shown: dict[int, tuple[int, int]] = {}
    mains: dict[int, str | None] = {}
    if study.contains is not None:
        rows = PairResult.objects.filter(
            pair__campaign=study.contains, pair__label=label, pair__image__in=images
        )
        for image, selected, number in rows.values_list("pair__image", "selected", "shown"):
            shown[image] = selected, number
    if study.classify is not None:
        found = ImageResult.objects.filter(campaign=study.classify, image__in=images)
        mains = dict(found.values_list("image", "main_label"))
    named = study.dataset.labels.filter(key__in={main for main in mains.values() if main})
    names = {key: names[0] for key, names in named.values_list("key", "names")}
    pictures = []
    for each in images:
        selected, number = shown.get(each.pk, (0, 0))
        main = mains.get(each.pk)
        other = names.get(main, main) if main and main != label.key else ""
        address = reverse("explorer-image", args=[study.dataset.slug, each.public_id])
        pictures.append(
            Picture(
                Drawn.of(each),
                f"{address}?{view.query()}",
                f"{selected} of {number}" if number else "",
                other,
                bool(other) or bool(number and 2 * selected < number),
            )
        )
    return pictures


def _rivals(study: Reported, view: View, own: Label, result: LabelResult) -> list[Rival]:
    keys = [other["label"] for other in result.others]
    labels = {each.key: each for each in study.dataset.labels.filter(key__in=keys)}
    pictures = some_pictures((each.pk for each in labels.values()), 1)

    def told(other: dict[str, Any], name: str, of: int | None) -> str:
        number = other.get(name)
        return "" if number is None or not of else f"{number:,} of {of:,}"

    return [
        Rival(
            label,
            next(iter(pictures.get(label.pk, [])), None),
            told(other, "main_votes", result.responses),
            told(other, "main_images", result.answered),
            _at(view, Filters(label=(own.key,), main=(label.key,)))
            if other.get("main_images")
            else "",
            told(other, "both", result.images),
            _at(view, Filters(label=(own.key,), shows=(own.key, label.key)))
            if other.get("both")
            else "",
            told(other, "selected", other.get("shown")),
        )
        for other in result.others
        if (label := labels.get(other["label"])) is not None
    ]


def _at(view: View, filters: Filters) -> str:
    here = reverse("explorer-images", args=[view.dataset.slug])
    return f"{here}?{view.query(filters)}"


_ACCURACY = """
    SELECT c.name, count(*) FILTER (WHERE p.labels[1] = %(label)s), count(*)
    FROM (SELECT id FROM imagesets_image
          WHERE dataset_label_id = %(label)s AND withdrawn_at IS NULL LIMIT %(most)s) i
    CROSS JOIN models_inference_classifier c
    JOIN models_inference_prediction p ON p.classifier_id = c.id AND p.image_id = i.id
    WHERE c.dataset_id = %(dataset)s
    GROUP BY c.name
"""


def accuracies(label: Label, result: LabelResult | None) -> list[Accuracy]:
    """Of the classifiers in the report; without a report, over COUNTED of its images at most."""
    if result is not None:
        rows = [(name, row["right"], row["of"]) for name, row in result.classifiers.items()]
    else:
        with connection.cursor() as cursor:
            params = {"label": label.pk, "dataset": label.dataset_id, "most": COUNTED}
            cursor.execute(_ACCURACY, params)
            rows = cursor.fetchall()
    rows = [row for row in rows if row[2]]
    low, high = wilson([right for _, right, _ in rows], [of for *_, of in rows])
    every = [
        Accuracy(*row, *ends) for row, *ends in zip(rows, low.tolist(), high.tolist(), strict=True)
    ]
    return sorted(every, key=lambda each: (-each.share, each.name))


def _pairs_with(study: Reported, label: Label) -> list[Shown]:
    """The first pairs of labels in which it stands."""
    if study.report is None:
        return []
    of_label = study.report.label_pairs.filter(Q(a=label) | Q(b=label)).exclude(
        kind=PairKind.ACCEPTED  # which hold the confused ones again
    )
    return shown_pairs(study, list(of_label.select_related("a", "b").order_by("rank")[:PAIRS]))
