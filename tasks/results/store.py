"""Keeps the answers that aggregation has read in a file, so that it reads only changes again.

There is an Arrow file for each campaign under DATA_DIR/aggregation, memory-mapped, with a row per
answered assignment. It can be lost at any time: all of it follows from the database. It is used
only if it names this campaign in this database and a run that the database knows, and holds as many
answers as the database. Otherwise everything is read again.

Why a file and not a table: Dawid-Skene needs all judgments at once, as arrays. 1.3 million are a
file of 13 MB, mapped in no time; Postgres would store them twice and send them through a socket at
each run.
"""

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from django.conf import settings

from tasks.models import Campaign, Run
from tasks.models.campaign import Kind
from tasks.results.arrays import to_arrow, to_numpy
from tasks.results.snapshot import Snapshot
from tasks.results.stored_answers import SCHEMAS, read_answers

FORMAT = 2  # of the file


@dataclass(frozen=True)
class Answers:
    """A campaign's answers in the snapshot of a run."""

    path: Path
    batches: list[pa.RecordBatch]
    read: int
    """Number of assignments that were read from the database."""
    touched: set[int] | None
    """CLASSIFY: images with new, changed or deleted judgments; None: possibly all."""

    @property
    def number(self) -> int:
        return sum(batch.num_rows for batch in self.batches)

    @property
    def unchanged(self) -> bool:
        """Whether the last run saw the same answers."""
        return not self.read and self.touched is not None

    def forget_others(self) -> None:
        """Remove the campaign's other files; call after the run has committed, while no other run
        can write."""
        for path in self.path.parent.glob(f"{self.path.name.split('.')[0]}.*"):
            if path != self.path:
                path.unlink(missing_ok=True)


def current_answers(cursor, campaign: Campaign, run: Run, snapshot: Snapshot) -> Answers:
    """The answers in the cursor's snapshot: the file's, updated with later changes.

    `run` must hold the snapshot's watermark.
    """
    says = _identity(cursor, campaign) | _of_run(run) | {"snapshot": asdict(snapshot)}
    stored = _load(cursor, campaign)
    if stored is not None:
        path, since, batches = stored
        answers = _updated(cursor, campaign, says, since, path, batches)
        if answers.number == _in_database(cursor, campaign):
            return answers
    return _updated(cursor, campaign, says, None, None, [])


def forget_deleted() -> None:
    """Remove the files of deleted campaigns."""
    paths = list(
        _folder().glob("campaign-*.*")
    )  # listed first: a campaign may be created meanwhile
    existing = {str(pk) for pk in Campaign.objects.values_list("pk", flat=True)}
    for path in paths:
        if path.name.split(".")[0].removeprefix("campaign-") not in existing:
            path.unlink(missing_ok=True)


def _folder() -> Path:
    return settings.DATA_DIR / "aggregation"


def _in_database(cursor, campaign: Campaign) -> int:
    cursor.execute(
        "SELECT count(*) FROM tasks_assignment WHERE campaign_id = %s AND submitted_at IS NOT NULL",
        [campaign.pk],
    )
    return cursor.fetchone()[0]


def _identity(cursor, campaign: Campaign) -> dict[str, Any]:
    """What identifies the campaign's file: in another database its transaction ids mean nothing."""
    cursor.execute(
        "SELECT (SELECT system_identifier::text FROM pg_control_system()),"
        " (SELECT oid::bigint FROM pg_database WHERE datname = current_database())"
    )
    cluster, database = cursor.fetchone()
    return {
        "format": FORMAT,
        "cluster": cluster,
        "database": database,
        "campaign": campaign.pk,
        "kind": campaign.kind,
    }


def _of_run(run: Run) -> dict[str, Any]:
    return {"run": run.pk, "started_at": run.started_at.isoformat(), "watermark": run.watermark}


def _load(cursor, campaign: Campaign) -> tuple[Path, Snapshot, list[pa.RecordBatch]] | None:
    """The newest valid file, the snapshot of its run, and its answers."""
    identity = _identity(cursor, campaign)
    best, newest = None, 0
    for path in _folder().glob(f"campaign-{campaign.pk}.*"):
        try:
            file = pa.ipc.open_file(pa.memory_map(str(path)))
            says = json.loads(file.schema.metadata[b"aggregation"])
            if {name: says.get(name) for name in identity} != identity:
                continue
            run = Run.objects.filter(campaign=campaign, pk=says["run"]).first()
            if run is None or {name: says.get(name) for name in _of_run(run)} != _of_run(run):
                continue
            snapshot = Snapshot(**says["snapshot"])
            if best is None or newest < run.pk:
                batches = [file.get_batch(n) for n in range(file.num_record_batches)]
                best, newest = (path, snapshot, batches), run.pk
        except (OSError, ValueError, KeyError, TypeError, pa.ArrowException):
            continue  # incomplete, or not a file of aggregation
    return best


def _updated(
    cursor,
    campaign: Campaign,
    says: dict[str, Any],
    since: Snapshot | None,
    old_path: Path | None,
    old: list[pa.RecordBatch],
) -> Answers:
    """The old answers with changed ones replaced, in a new file; the old file if none changed."""
    fresh = read_answers(cursor, campaign, since)
    first = next(fresh, None)
    if first is None and old_path is not None:
        return Answers(old_path, old, 0, set())
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"campaign-{campaign.pk}.run-{says['run']}.arrow"
    schema = SCHEMAS[Kind(campaign.kind)].with_metadata({"aggregation": json.dumps(says)})
    ids: list[np.ndarray] = []
    touched: set[int] = set()
    unfinished = path.with_suffix(".part")
    try:
        with pa.OSFile(str(unfinished), "wb") as sink, pa.ipc.new_file(sink, schema) as file:
            for batch in _chained(first, fresh):
                ids.append(to_numpy(batch["assignment"]))
                touched.update(_images(batch))
                file.write_batch(batch.replace_schema_metadata(schema.metadata))
            changed = np.concatenate(ids) if ids else np.empty(0, np.int64)
            for batch in old:
                gone = np.isin(to_numpy(batch["assignment"]), changed)
                if gone.any():
                    touched.update(_images(batch.filter(to_arrow(gone))))
                    batch = batch.filter(to_arrow(~gone))
                if batch.num_rows:
                    file.write_batch(batch.replace_schema_metadata(schema.metadata))
        os.replace(unfinished, path)
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
    file = pa.ipc.open_file(pa.memory_map(str(path)))
    batches = [file.get_batch(n) for n in range(file.num_record_batches)]
    return Answers(path, batches, changed.size, None if old_path is None else touched)


def _chained(first: Any, rest: Iterator[Any]) -> Iterator[Any]:
    if first is not None:
        yield first
    yield from rest


def _images(batch: pa.RecordBatch) -> list[int]:
    if "image" not in batch.schema.names:
        return []
    return np.unique(to_numpy(batch["image"].flatten())).tolist()
