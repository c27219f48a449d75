"""Campaigns to be filled by import, and files of judgments made of plain rows."""

import csv
import io
import json
from collections.abc import Callable
from typing import Any

from annotation.exports import Export
from imagesets.models import Dataset
from tasks.models import Campaign
from tasks.responses import ImportedResponses, import_responses

Import = Callable[..., ImportedResponses]


def make_draft(dataset: Dataset, kind: str = "contains", **settings: Any) -> Campaign:
    """A draft that was never published."""
    settings = {"slug": f"given-{kind}", "maybe": True} | settings
    return Campaign.objects.create(name="Given", dataset=dataset, kind=kind, **settings)


def as_csv(rows: list[dict[str, Any]]) -> bytes:
    """Rows as a CSV of the columns of the first one; lists as JSON."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({k: json.dumps(v) if isinstance(v, list) else v for k, v in row.items()})
    return out.getvalue().encode()


def as_jsonl(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def as_list(rows: list[dict[str, Any]]) -> bytes:
    return json.dumps(rows, indent=1).encode()


def give(campaign: Campaign, data: bytes | list[dict[str, Any]]) -> ImportedResponses:
    """Import bytes, or rows as CSV."""
    data = data if isinstance(data, bytes) else as_csv(data)
    return import_responses(campaign, io.BytesIO(data), "a test")


def exported(
    campaign: Campaign, table: str = "judgments", raw_workers: bool = False
) -> list[dict[str, Any]]:
    """The rows of an export, without the campaign's name."""
    export = Export(campaign, table, "jsonl", raw_workers=raw_workers)
    lines = b"".join(export).decode().splitlines()
    return [
        {name: value for name, value in json.loads(line).items() if name != "campaign"}
        for line in lines
    ]


def on(**fields: Any) -> dict[str, Any]:
    """A row of a CONTAINS file: worker w sees n0 in a.jpg, unless `fields` say otherwise."""
    return {"worker": "w", "image": "a.jpg", "label": "n0", "selected": "true"} | fields


def form(**fields: Any) -> dict[str, Any]:
    """A row of a CLASSIFY file: worker w sees n0 in a.jpg, unless `fields` say otherwise."""
    return {"worker": "w", "image": "a.jpg", "selected": ["n0"], "main": "n0"} | fields
