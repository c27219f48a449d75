"""A study's labels, /datasets/{slug}/labels/: searched and sorted, each with the report's figures.

The figures (R13) are kept with the report, so that a page reads those of its rows alone.
"""

from dataclasses import dataclass

from django.db import connection
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from annotation.drawn.picture import Drawn
from annotation.explorer.frame import framed
from annotation.explorer.reported import Reported, reported, some_pictures
from annotation.rights import VIEW
from annotation.rights.pages import needs
from imagesets.models import Dataset, Label
from tasks.models import LabelResult

LISTED, STRIP = 50, 3
COUNTED = 1000  # images of a label counted where no report says how many there are
SORTS = {
    "key": "by key",
    "sf": "lowest selection frequency",
    "agreement": "least agreement",
    "accuracy": "hardest for classifiers",
}


@dataclass(frozen=True)
class Row:
    """A label in the list."""

    label: Label
    images: str
    result: LabelResult | None
    pictures: list[Drawn]
    besides: str  # what workers name most on its images besides


@needs(VIEW, Dataset)
@require_safe
@never_cache
def labels(request: HttpRequest, dataset: Dataset) -> HttpResponse:
    """The list: `?q=` searches names and keys, `?sort=` as in SORTS, `?after=` goes on."""
    study = reported(request, dataset)
    query = request.GET.get("q", "").replace("\0", "").strip()[:200]
    sort = _sort(study, request.GET.get("sort", ""), query)
    found = _listed(study, query, sort, request.GET.get("after", "").replace("\0", ""))
    rows = found[:LISTED]
    last = rows[-1] if len(found) > LISTED else None
    pictures = some_pictures((label.pk for label, _ in rows), STRIP)
    counts = counted([label.pk for label, result in rows if result is None])
    asked = ({"q": query} if query else {}) | {"sort": sort}
    besides = _besides(study, [result for _, result in rows if result is not None])
    context = framed(request, dataset, "explorer-labels", study=study.campaigns) | {
        "study": study,
        "campaign_query": study.query(),
        "rows": [
            Row(
                label,
                f"{result.images:,}" if result else counts.get(label.pk, "0"),
                result,
                pictures.get(label.pk, []),
                besides.get(label.pk, ""),
            )
            for label, result in rows
        ],
        "query": query,
        "sort": sort,
        "sorts": SORTS,
        "more": study.query(**asked, after=_mark(*last, sort)) if last else "",
        "first": study.query(**asked) if request.GET.get("after") else "",
        "all": study.query(sort="key"),
        "any": dataset.labels.exists(),
    }
    return TemplateResponse(request, "explorer/labels.html", context)


def _sort(study: Reported, asked: str, query: str) -> str:
    """The order asked for; else, of a study, the doubtful ones first; a search looks at all."""
    if study.report is None or study.nothing:
        return "key"
    if asked in SORTS:
        return asked
    if query:
        return "key"
    return "sf" if study.contains is not None else "agreement"


def _listed(
    study: Reported, query: str, sort: str, after: str
) -> list[tuple[Label, LabelResult | None]]:
    """One more than a page of labels with their results, from the mark `after` on."""
    value, _, key = after.partition(" ") if sort != "key" else ("", "", after)
    if sort == "key":
        named = study.dataset.labels.filter(_matches(query)).filter(key__gt=key)
        found = list(named.order_by("key")[: LISTED + 1])
        results = {}
        if study.report is not None:
            kept = study.report.label_results.filter(label__in=found)
            results = {result.label_id: result for result in kept}
        return [(label, results.get(label.pk)) for label in found]
    assert study.report is not None
    rows = study.report.label_results.filter(_matches(query, "label__")).exclude(**{sort: None})
    if after:
        try:
            least = float(value)
        except ValueError:
            raise Http404 from None
        rows = rows.filter(Q(**{f"{sort}__gt": least}) | Q(**{sort: least, "label__key__gt": key}))
    ordered = rows.select_related("label").order_by(sort, "label__key")[: LISTED + 1]
    return [(result.label, result) for result in ordered]


def _matches(query: str, of: str = "") -> Q:
    words = [
        Q(**{f"{of}names__icontains": word}) | Q(**{f"{of}key__icontains": word})
        for word in query.split()
    ]
    every = Q()
    for word in words:
        every &= word
    return every


def _mark(label: Label, result: LabelResult | None, sort: str) -> str:
    """Where the next page goes on."""
    return label.key if sort == "key" else f"{getattr(result, sort)!r} {label.key}"


_COUNTS = """
    SELECT l.id, (SELECT count(*) FROM (
      SELECT FROM imagesets_image i
      WHERE i.dataset_label_id = l.id AND i.withdrawn_at IS NULL LIMIT %s) i)
    FROM unnest(%s::bigint[]) AS l (id)
"""


def counted(labels: list[int]) -> dict[int, str]:
    """How many images each label has, counted as far as COUNTED."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, [COUNTED + 1, labels])
        return {
            label: f"{number:,}" if number <= COUNTED else f"over {COUNTED:,}"
            for label, number in cursor.fetchall()
        }


def _besides(study: Reported, results: list[LabelResult]) -> dict[int, str]:
    """By label's id, the other label that workers name most on its images, with counts."""
    first = {result.label_id: result.others[0] for result in results if result.others}
    keys = {other["label"] for other in first.values()}
    named = study.dataset.labels.filter(key__in=keys).values_list("key", "names")
    names = {key: names[0] for key, names in named}
    told = {}
    for result in results:
        if (other := first.get(result.label_id)) is None:
            continue
        votes, of, what = other.get("main_votes", 0), result.responses, "answers"
        if not votes:
            votes, of, what = other.get("selected", 0), other.get("shown", 0), "judgments"
        name = names.get(other["label"], other["label"])
        told[result.label_id] = f"{name}: {votes:,} of {of:,} {what}"
    return told
