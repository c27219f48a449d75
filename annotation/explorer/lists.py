"""A view as a table, images.csv, and as the list of its keys, images.json; in the view's order."""

import io
import json
from collections.abc import Iterator
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from annotation.explorer.columns import GROUPS
from annotation.explorer.filters import BadFilter, refuse_unknown
from annotation.explorer.frame import explorer_page
from annotation.explorer.masks import models_right
from annotation.explorer.view import View
from annotation.exports.cell_formats import Column
from annotation.exports.stream import FORMATS, copy_statement
from annotation.exports.table import Table
from annotation.rights import VIEW
from annotation.rights.pages import needs
from imagesets.models import Dataset, Image
from tasks.responses.spreadsheets import SPREADSHEET

AT_ONCE = 5_000  # images
OTHERS = ("campaign", "for")  # parameters that are no filters
ROWS = """
    FROM unnest(%(ids)s::bigint[], %(groups)s::text[], %(disagreements)s::float8[],
                %(rights)s::int[], %(predicteds)s::int[])
      WITH ORDINALITY AS k (id, "group", disagreement, right_, predicted, place)
    JOIN imagesets_image im ON im.id = k.id
    LEFT JOIN imagesets_label d ON d.id = im.dataset_label_id
    LEFT JOIN tasks_pair p ON p.campaign_id = %(contains)s AND p.image_id = im.id
      AND p.label_id = im.dataset_label_id
    LEFT JOIN tasks_pairresult r ON r.pair_id = p.id
    LEFT JOIN tasks_imageresult o ON o.campaign_id = %(classify)s AND o.image_id = im.id
      AND o.workers > 0
    ORDER BY k.place
"""
TABLE = Table(
    keys="",
    rows=ROWS,
    columns=(
        Column("image", "im.key"),
        Column("dataset_label", "d.key"),
        Column("group", """nullif(k."group", '')"""),
        Column("disagreement", "k.disagreement", "number"),
        *(
            Column(name, f"r.{name}", "number")
            for name in ("selected", "maybe", "shown", "sf", "sf_low", "sf_high", "posterior")
        ),
        Column("main_label", "o.main_label"),
        Column("main_votes", "o.main_votes", "json"),
        Column("num_objects", "o.num_objects", "number"),
        Column("objects", "coalesce(o.objects_found, '[]')", "json"),
        Column("workers", "coalesce(o.workers, 0)", "number"),
        Column("classifiers_right", "k.right_", "number"),
        Column("classifiers", "k.predicted", "number"),
    ),
)


@needs(VIEW, Dataset)
@require_safe
@never_cache
@explorer_page
def table(request: HttpRequest, dataset: Dataset) -> HttpResponse:
    """The view as CSV, streamed; `for=spreadsheets`: no text begins as a formula does."""
    view = view_listed(request, dataset)
    purpose = request.GET.get("for", "")
    if purpose not in ("", "spreadsheets"):
        raise BadFilter("for", f"for is spreadsheets or nothing, not “{purpose[:60]}”.")
    response = StreamingHttpResponse(_csv(view, bool(purpose)), content_type=FORMATS["csv"])
    return _named(response, f"{dataset.slug}-images{SPREADSHEET if purpose else '.csv'}")


@needs(VIEW, Dataset)
@require_safe
@never_cache
@explorer_page
def keys(request: HttpRequest, dataset: Dataset) -> HttpResponse:
    """The keys of the view's images as a JSON list, as a campaign's setting `images` takes it."""
    text = json.dumps(keys_of(view_listed(request, dataset)), ensure_ascii=False, indent=0)
    return _named(HttpResponse(text, content_type="application/json"), f"{dataset.slug}-keys.json")


def keys_of(view: View) -> list[str]:
    """The keys of the view's images, in order."""
    ids = view.ids.tolist()
    keys: list[str] = []
    for at in range(0, len(ids), AT_ONCE):
        some = ids[at : at + AT_ONCE]
        key = dict(Image.objects.filter(pk__in=some).values_list("pk", "key"))
        keys += [key[pk] for pk in some if pk in key]
    return keys


def view_listed(request: HttpRequest, dataset: Dataset) -> View:
    """The view that a request's query asks for, all of it. Raises as View.asked_for does."""
    refuse_unknown(request.GET, OTHERS)
    if "withdrawn" in request.GET:
        raise BadFilter("withdrawn", "Withdrawn images are in no list to take away.")
    return View.asked_for(request.user, dataset, request.GET)


def _named(response: Any, name: str) -> Any:
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _csv(view: View, for_spreadsheets: bool) -> Iterator[bytes]:
    yield (",".join(column.name for column in TABLE.columns) + "\n").encode()
    statement = copy_statement(TABLE, TABLE.columns, "csv", for_spreadsheets)
    right, predicted = models_right(view.columns)
    image, group, disagreement = view.columns.read(["image", "group", "disagreement"])
    for at in range(0, len(view), AT_ONCE):
        places = view.places[at : at + AT_ONCE]
        parameters = {
            "ids": image[places].tolist(),
            "groups": [GROUPS[number] for number in group[places].tolist()],
            "disagreements": [
                None if share != share else share for share in disagreement[places].tolist()
            ],
            "rights": right[places].tolist(),
            "predicteds": predicted[places].tolist(),
            "contains": view.contains.pk if view.contains else 0,
            "classify": view.classify.pk if view.classify else 0,
        }
        with connection.cursor() as cursor:
            buffer = io.BytesIO()
            cursor.copy_expert(cursor.mogrify(statement, parameters), buffer)
        yield buffer.getvalue()
