"""Reads answered assignments from the database, a row each, with their used judgments as lists.

Of answers that are not used it keeps only the number of items, which runs count separately.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.models import Campaign
from tasks.models.campaign import Kind
from tasks.models.refused import Refused
from tasks.results.arrays import lengths, lists, to_arrow, to_numpy
from tasks.results.snapshot import UNSEEN, Snapshot
from tasks.sql import copying
from tasks.sql.judgments import (
    ANSWERED,
    ITEMS,
    OFFERED_ON_CONTROLS,
    RESPONSE,
    SETTLED,
    is_list,
    label_id,
)
from tasks.sql.used import used
from tasks.sql.withdrawn import WITHDRAWN, kept


class Status(IntEnum):
    """What became of an answer; only USED counts."""

    USED = 0
    SET_ASIDE = 1
    REJECTED = 2
    WAITING = 3  # for review
    RETURNED = 4
    LATE = 5  # after expiry, its place taken


_STATUS = f"""
    CASE WHEN {used()} THEN {Status.USED:d}
         WHEN a.state = 'returned' THEN {Status.RETURNED:d}
         WHEN a.state = 'expired' THEN {Status.LATE:d}
         WHEN a.outcome = 'rejected' THEN {Status.REJECTED:d}
         WHEN a.set_aside THEN {Status.SET_ASIDE:d}
         ELSE {Status.WAITING:d} END
"""

_ASSIGNMENT = [
    ("assignment", pa.int64()),
    ("worker", pa.int64()),
    ("status", pa.int8()),
    ("seconds", pa.float64()),  # active; NaN if not measured
    ("shown", pa.int32()),  # items, including unseen ones and controls; withdrawn ones are left out
    ("controls", pa.int32()),  # of these, seen
    # For controls whose answer is known: that answer (0, 1) and the worker's.
    ("known", pa.list_(pa.int8())),
    ("said", pa.list_(pa.int8())),
]
_PLAIN = _ASSIGNMENT[:5]
_PLAIN_SQL = f"""
    a.id, a.worker_id, {_STATUS}, coalesce(a.active_seconds, 'NaN'),
    cardinality(a.shown) - CASE WHEN g.positions IS NULL THEN 0 ELSE (
      SELECT count(*) FROM unnest(a.shown) AS s (position) WHERE s.position = ANY (g.positions)) END
"""
# The items of HITs whose images were withdrawn.
_GONE = f"""
    LEFT JOIN (
      SELECT i.hit_id, array_agg(i.position::int) AS positions FROM tasks_hititem i
      WHERE i.image_id = ANY (ARRAY({WITHDRAWN})) GROUP BY i.hit_id) g ON g.hit_id = a.hit_id
"""
SCHEMAS = {
    Kind.CONTAINS: pa.schema(
        [
            *_ASSIGNMENT,
            ("pair", pa.list_(pa.int64())),
            ("answer", pa.list_(pa.int8())),
        ]
    ),
    # `submitted`: microseconds; `main`: 0 for none; labels are ids.
    Kind.CLASSIFY: pa.schema(
        [
            *_ASSIGNMENT,
            ("submitted", pa.int64()),
            ("sequence", pa.int64()),
            ("image", pa.list_(pa.int64())),
            ("main", pa.list_(pa.int32())),
            ("selected", pa.list_(pa.list_(pa.int32()))),
        ]
    ),
}
LAST = 2**63 - 1  # an answer without a sequence comes last among those of the same moment


def read_answers(cursor, campaign: Campaign, since: Snapshot | None) -> Iterator[pa.RecordBatch]:
    """The answers whose last change `since` did not see (None: all), in the kind's schema.

    Raises Refused for a stored answer that is malformed.
    """
    where = "a.campaign_id = %(campaign)s AND a.submitted_at IS NOT NULL"
    params: dict[str, Any] = {"campaign": campaign.pk}
    if since is not None:
        where += f" AND {UNSEEN}"
        params |= asdict(since)
    source = _Source(cursor, where, params, "nestloop" if since is None else "seqscan")
    if campaign.kind == Kind.CONTAINS:
        yield from _contains(source)
        return
    try:
        yield from _classify(source)
    except pa.ArrowInvalid as error:
        raise malformed_answer(cursor, campaign) or error from error


@dataclass(frozen=True)
class _Source:
    """Which answers to read: a condition on `tasks_assignment a` with its parameters."""

    cursor: Any
    where: str
    params: dict[str, Any]
    avoided: copying.Plan

    def rows(self, query: str, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        return copying.rows(self.cursor, query, schema, self.params, self.avoided)

    def table(self, query: str, schema: pa.Schema) -> pa.Table:
        """All rows of a query."""
        return pa.Table.from_batches(self.rows(query, schema), schema).combine_chunks()


class _Items(NamedTuple):
    """The items of HITs: the item at position p in HIT h has index start[index of h] + p.

    The last entry, of no HIT and no pair, stands for items deleted, or whose image was withdrawn,
    since they were shown.
    """

    hits: NDArray[np.int64]
    size: NDArray[np.int64]
    start: NDArray[np.int64]
    pair: NDArray[np.int64]
    """-1 for a control."""
    is_control: NDArray[np.bool_]
    known: NDArray[np.int8]
    """A control's answer; -1 if it has none."""

    def numbers(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """The index of each HIT in `hits`; the last one for a HIT without items."""
        at = np.searchsorted(self.hits, ids)
        return np.where(self.hits[at] == ids, at, self.hits.size - 1)

    def slots(self, hit: NDArray[np.int64], position: NDArray[np.int64]) -> NDArray[np.int64]:
        """The index of the item at each HIT (an index in `hits`) and position."""
        exists = position < self.size[hit]
        return np.where(exists, self.start[hit] + position, self.pair.size - 1)


def _items(source: _Source) -> _Items:
    query = f"""
        SELECT i.hit_id, i.position, coalesce(i.pair_id, -1), (i.role = 'control')::int,
               coalesce(i.known::int, -1)
        FROM tasks_hititem i
        WHERE i.hit_id IN (SELECT a.hit_id FROM tasks_assignment a WHERE {source.where})
          AND {kept()}
    """
    types = (pa.int64(), pa.int32(), pa.int64(), pa.int8(), pa.int8())
    names = ("hit", "position", "pair", "control", "known")
    table = source.table(query, pa.schema(zip(names, types, strict=True)))
    hit, position, pair, control, known = (to_numpy(column) for column in table.columns)
    hits, index = np.unique(hit, return_inverse=True)
    size = np.zeros(hits.size, np.int64)
    np.maximum.at(size, index, position + 1)
    start = np.cumsum(size) - size
    slot = start[index] + position
    slots = int(size.sum()) + 1
    items = _Items(
        np.append(hits, LAST),
        np.append(size, 0),
        np.append(start, slots - 1),
        np.full(slots, -1),
        np.zeros(slots, bool),
        np.full(slots, -1, np.int8),
    )
    items.pair[slot], items.is_control[slot], items.known[slot] = pair, control == 1, known
    return items


def _contains(source: _Source) -> Iterator[pa.RecordBatch]:
    items = _items(source)
    arrays = ("shown", "selected", "maybe", "unseen")
    texts = ", ".join(f"array_to_string(a.{name}, ',')" for name in arrays)
    query = f"""
        SELECT {_PLAIN_SQL}, a.hit_id, {texts}
        FROM tasks_assignment a {_GONE} WHERE {source.where}
    """
    schema = pa.schema(
        [
            *_PLAIN,
            ("hit", pa.int64()),
            *((f"{name}_at", pa.string()) for name in arrays),
        ]
    )
    for batch in source.rows(query, schema):
        yield _judgments(batch, items)


def _judgments(batch: pa.RecordBatch, items: _Items) -> pa.RecordBatch:
    """A batch of answers (positions as texts) with their judgments of pairs and controls."""
    n = batch.num_rows
    row, position = _numbers(batch["shown_at"])
    most = int(position.max(initial=0)) + 1
    tile = row * most + position
    answer = np.zeros(tile.size, np.int8)
    for name, value in (("selected_at", 1), ("maybe_at", 2), ("unseen_at", -1)):
        at, where = _numbers(batch[name])
        answer[np.isin(tile, at * most + where)] = value
    slot = items.slots(items.numbers(to_numpy(batch["hit"]))[row], position)
    control = items.is_control[slot]
    counted = (answer >= 0) & (to_numpy(batch["status"]) == Status.USED)[row]
    study = counted & (items.pair[slot] >= 0)
    known = counted & control & (items.known[slot] >= 0)
    columns = {name: batch[name] for name, _ in _PLAIN}
    seen = np.bincount(row[control & (answer >= 0)], minlength=n)
    columns["controls"] = to_arrow(seen.astype(np.int32))
    for name, values, rows in (
        ("pair", items.pair[slot], study),
        ("answer", answer, study),
        ("known", items.known[slot], known),
        ("said", answer, known),
    ):
        columns[name] = lists(np.bincount(row[rows], minlength=n), values[rows])
    return pa.record_batch(columns, SCHEMAS[Kind.CONTAINS])


_RESPONSES = f"FROM tasks_assignment a {ITEMS} {RESPONSE}"
_USED_RESPONSE = f"{used()} AND {ANSWERED}"
# An unreadable value becomes a text that is no number, which Arrow refuses.
_MAIN = "coalesce(nullif((r.response -> 'main')::text, 'null'), '0')"
_SELECTED = f"""
    CASE WHEN {is_list("selected")}
         THEN left(substr(translate(r.response ->> 'selected', ' ', ''), 2), -1) ELSE '?' END
"""


def _classify(source: _Source) -> Iterator[pa.RecordBatch]:
    plain = [*_PLAIN, ("submitted", pa.int64()), ("sequence", pa.int64())]
    answers = source.table(
        f"""
        SELECT {_PLAIN_SQL},
               (extract(epoch FROM a.submitted_at) * 1000000)::bigint, coalesce(a.sequence, {LAST})
        FROM tasks_assignment a {_GONE} WHERE {source.where} ORDER BY a.id
        """,
        pa.schema(plain),
    )
    if not len(answers):
        return
    responses = source.table(
        f"""
        SELECT a.id, (i.role = 'control')::int, i.image_id, {_MAIN}, {_SELECTED}
        {_RESPONSES}
        WHERE {source.where} AND {_USED_RESPONSE}
        ORDER BY a.id, s.number
        """,
        pa.schema(
            [
                ("assignment", pa.int64()),
                ("control", pa.int8()),
                ("image", pa.int64()),
                ("main", pa.int32()),
                ("selected", pa.string()),
            ]
        ),
    )
    known = source.table(
        f"""
        SELECT a.id, k.present, k.said
        {_RESPONSES} {OFFERED_ON_CONTROLS}
        WHERE {source.where} AND {_USED_RESPONSE} AND {SETTLED}
        ORDER BY a.id
        """,
        pa.schema([("assignment", pa.int64()), ("known", pa.int8()), ("said", pa.int8())]),
    )
    ids = to_numpy(answers["assignment"])

    def number_of(rows: pa.Table) -> NDArray[np.int64]:
        each = np.searchsorted(ids, to_numpy(rows["assignment"]))
        return np.bincount(each, minlength=ids.size)

    control = to_numpy(responses["control"]) == 1
    controls = number_of(responses.filter(to_arrow(control)))
    responses = responses.filter(to_arrow(~control)).combine_chunks()
    at, label = _numbers(responses["selected"])
    selected = lists(np.bincount(at, minlength=len(responses)), label.astype(np.int32))
    columns = {name: answers[name] for name in answers.column_names}
    columns["controls"] = to_arrow(controls.astype(np.int32))
    for name in ("image", "main"):
        columns[name] = lists(number_of(responses), to_numpy(responses[name]))
    columns["selected"] = lists(number_of(responses), selected)
    for name in ("known", "said"):
        columns[name] = lists(number_of(known), to_numpy(known[name]))
    schema = SCHEMAS[Kind.CLASSIFY]
    yield from pa.table([columns[name] for name in schema.names], schema=schema).to_batches()


_MALFORMED = f"""
    SELECT a.key, im.key
    {_RESPONSES} JOIN imagesets_image im ON im.id = i.image_id
    WHERE a.campaign_id = %(campaign)s AND {_USED_RESPONSE} AND EXISTS (
      SELECT FROM jsonb_array_elements(
        CASE WHEN {is_list("selected")} THEN r.response -> 'selected' ELSE '["no list"]' END
        || CASE WHEN coalesce(r.response -> 'main', 'null') = 'null' THEN '[]'
                ELSE jsonb_build_array(r.response -> 'main') END) AS named (entry)
      WHERE NOT EXISTS (
        SELECT FROM imagesets_label l
        WHERE l.dataset_id = %(dataset)s AND l.id = {label_id("named.entry")}))
    ORDER BY a.id, s.number LIMIT 1
"""


def malformed_answer(cursor, campaign: Campaign) -> Refused | None:
    """The error for the first used answer of a CLASSIFY campaign that names anything but labels of
    its dataset: somebody edited the database, or deleted labels."""
    cursor.execute(_MALFORMED, {"campaign": campaign.pk, "dataset": campaign.dataset_id})
    first = cursor.fetchone()
    return first and Refused(
        f"campaign {campaign.slug}, assignment {first[0]}: the stored answer to image {first[1]!r}"
        " does not consist of labels of the dataset"
    )


def _numbers(texts: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Texts such as "3,1" as (index of the text, value) for each value, in order."""
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    full = np.flatnonzero(lengths(texts))
    parts = pc.split_pattern(texts.take(to_arrow(full)), ",")
    return np.repeat(full, lengths(parts)), to_numpy(parts.flatten().cast(pa.int64()))
