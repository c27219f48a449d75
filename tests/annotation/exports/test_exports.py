"""Exports hold exactly what is stored, in both formats, from the API and the command."""

import csv
import io
import json
import os
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from annotation.exports import Export, NoSuchTable, NotYet
from tasks.campaigns.publish import close
from tasks.models import Assignment, HITItem, PairResult
from tasks.results import aggregate
from tasks.work.stops import set_aside
from tests.factories import (
    IMAGE_KEYS,
    make_awkward_dataset,
    make_campaign,
    make_workers,
    random_answers,
    work_through,
)

pytestmark = pytest.mark.django_db(transaction=True)


def rows_of(export: Export) -> tuple[list[dict], bytes]:
    """The rows, whichever the format: values as JSON types of their own or as texts."""
    data = b"".join(export)
    if export.format == "jsonl":
        return [json.loads(line) for line in data.decode().splitlines()], data
    return list(csv.DictReader(io.StringIO(data.decode(), newline=""))), data


def as_text(value) -> str:
    """What CSV writes for a JSON value, by the rules of the contract."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


@pytest.fixture
def study(tmp_path):
    """A CONTAINS campaign, answered by three of whom one is set aside, and one late answer."""
    dataset = make_awkward_dataset(tmp_path / "pictures")
    campaign = make_campaign(dataset, slug="grid")
    workers = make_workers(4)
    work_through(campaign, workers[:2], random_answers())
    set_aside(campaign, workers[0], "careless", "a test")
    work_through(campaign, workers[2:3], random_answers(1))
    campaign.refresh_from_db()
    close(campaign, "a test")
    late = Assignment.objects.filter(worker=workers[2])[0]
    Assignment.objects.create(
        campaign=campaign,
        hit=late.hit,
        worker=workers[3],
        state="expired",
        submitted_at=timezone.now(),
        shown=late.shown,
        selected=late.shown[:1],
        active_seconds=1e-7,
    )
    return campaign


@pytest.fixture
def follow_up(study):
    """The CLASSIFY campaign that follows it on four of its images, half answered."""
    campaign = make_campaign(
        study.dataset,
        "classify",
        slug="form",
        source=study,
        images=IMAGE_KEYS[:4],
        follow_up="all",
        min_judgments=1,
    )
    work_through(campaign, make_workers(1), random_answers(2, none_of_these_first=True))
    return campaign


def test_contains_judgments_are_what_was_stored(study):
    rows, data = rows_of(Export(study, "judgments", "jsonl"))
    expected = []
    answered = Assignment.objects.filter(campaign=study, submitted_at__isnull=False)
    for a in answered.order_by("submitted_at", "sequence", "id").select_related("hit", "worker"):
        items: dict[int, Any] = {i.position: i for i in HITItem.objects.filter(hit=a.hit)}
        assert a.submitted_at
        for number, position in enumerate(a.shown):
            item = items[position]
            expected.append(
                {
                    "campaign": "grid",
                    "round": a.round,
                    "hit": a.hit.key,
                    "assignment": a.key,
                    "worker": a.worker.pseudonym,
                    "image": item.image.key,
                    "label": item.label.key,
                    "selected": True
                    if position in a.selected
                    else "maybe"
                    if position in a.maybe
                    else None
                    if position in a.unseen
                    else False,
                    "control": False,
                    "position": number,
                    "submitted_at": a.submitted_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
                    "seconds": a.active_seconds,
                    "status": "accepted" if a.outcome else a.state,
                    "used": a.used,
                }
            )
    assert rows == expected
    assert {row["selected"] for row in rows} == {True, False, "maybe", None}
    assert {(row["status"], row["used"]) for row in rows} == {
        ("accepted", True),
        ("accepted", False),
        ("expired", False),
    }
    assert ",".join(rows[0]) == (
        "campaign,round,hit,assignment,worker,image,label,selected,control,position,submitted_at,"
        "seconds,status,used"
    )
    assert b"1e-07" in data


@pytest.mark.parametrize("table", ["judgments", "selection_frequencies", "conditions"])
def test_csv_says_the_same_as_jsonl(study, table):
    aggregate(study)
    as_json, _ = rows_of(Export(study, table, "jsonl"))
    as_csv, data = rows_of(Export(study, table, "csv"))
    assert as_csv == [{name: as_text(v) for name, v in row.items()} for row in as_json]
    assert b"\r" not in data
    assert data.endswith(b"\n")


def test_classify_judgments_keep_the_order_offered(follow_up):
    keys = dict(follow_up.dataset.labels.values_list("pk", "key"))
    rows, _ = rows_of(Export(follow_up, "judgments", "jsonl"))
    stored = [
        (
            [keys[i] for i in answer["offered"]],
            [keys[i] for i in answer["selected"]],
            keys.get(answer["main"]),
        )
        for a in Assignment.objects.filter(campaign=follow_up).order_by("submitted_at")
        for answer in a.answers or []
    ]
    assert [(row["offered"], row["selected"], row["main"]) for row in rows] == stored
    assert any(row["selected"] == [] and row["main"] is None for row in rows)
    assert rows[0]["seconds"] == 0.1 + 0.2
    assert ",".join(rows[0]) == (
        "campaign,round,hit,assignment,worker,image,offered,selected,main,control,submitted_at,"
        "seconds,status,used"
    )
    as_csv, _ = rows_of(Export(follow_up, "judgments", "csv"))
    assert [json.loads(row["offered"]) for row in as_csv] == [row["offered"] for row in rows]


def test_every_pair_is_a_row_also_without_an_answer(study):
    aggregate(study)
    pair = study.pairs.first()
    PairResult.objects.filter(pair=pair).delete()
    rows, _ = rows_of(Export(study, "selection_frequencies", "jsonl"))
    assert len(rows) == study.pairs.count()
    assert [(r["image"], r["label"]) for r in rows] == sorted(
        (r["image"], r["label"]) for r in rows
    )
    (bare,) = (r for r in rows if r["image"] == pair.image.key and r["label"] == pair.label.key)
    assert (bare["selected"], bare["maybe"], bare["shown"], bare["sf"]) == (0, 0, 0, None)
    assert all(r["sf"] == r["selected"] / r["shown"] for r in rows if r["shown"])
    assert {r["dataset_label"] for r in rows if r["image"] == "k l.png"} == {None}


def test_annotations_have_a_row_for_every_image_of_the_source(follow_up):
    aggregate(follow_up)
    rows, _ = rows_of(Export(follow_up, "annotations", "jsonl"))
    images = sorted(follow_up.dataset.images.values_list("key", flat=True))
    assert [row["image"] for row in rows] == images
    assert all(row["group"] in ("fu", "mis", "easy", "amb") for row in rows)
    silent = [row for row in rows if not row["workers"]]
    heard = [row for row in rows if row["workers"]]
    assert len(silent) >= 3
    assert heard
    nothing = ["main_label", "main_votes", "num_objects", "object_counts", "main_object"]
    for row in silent:
        assert row["objects"] == []
        assert [row[name] for name in [*nothing, "dataset_object"]] == [None] * 6
    for row in heard:
        assert sum(row["object_counts"].values()) == row["workers"]
        assert len(row["objects"]) == row["num_objects"]
    as_csv, _ = rows_of(Export(follow_up, "annotations", "csv"))
    assert [json.loads(row["objects"]) for row in as_csv] == [row["objects"] for row in rows]


def test_pseudonyms_unless_raw_ids_are_asked_for(study):
    shown = {row["worker"] for row in rows_of(Export(study, "judgments", "csv"))[0]}
    assert all(re.fullmatch(r"pw-[a-z2-7]{16}", name) for name in shown)
    raw = {r["worker"] for r in rows_of(Export(study, "judgments", "csv", raw_workers=True))[0]}
    assert raw == {f"person-{n}@example.org" for n in range(4)}


def test_chunks_do_not_show(study, monkeypatch):
    whole = b"".join(Export(study, "judgments", "csv"))
    monkeypatch.setattr("annotation.exports.stream.ROWS_AT_ONCE", 1)
    parts = list(Export(study, "judgments", "csv"))
    assert len(parts) > 5
    assert b"".join(parts) == whole


def test_a_stream_is_of_one_moment(study, monkeypatch):
    monkeypatch.setattr("annotation.exports.stream.ROWS_AT_ONCE", 1)
    whole = b"".join(Export(study, "judgments", "csv"))
    stream = iter(Export(study, "judgments", "csv"))
    begun = [next(stream), next(stream)]
    Assignment.objects.filter(campaign=study).update(active_seconds=77.0)
    assert b"".join(begun) + b"".join(stream) == whole


def test_the_wrong_table_is_named_with_the_right_ones(study, follow_up):
    with pytest.raises(NoSuchTable, match=r"classify campaigns.*judgments, selection_freq"):
        Export(study, "annotations", "csv")
    with pytest.raises(NoSuchTable, match=r"contains campaigns.*judgments, annotations"):
        Export(follow_up, "selection_frequencies", "csv")
    with pytest.raises(NotYet, match="aggregate grid"):
        Export(study, "selection_frequencies", "csv")


def test_a_file_is_whole_or_absent(study, tmp_path, monkeypatch):
    out = tmp_path / "out" / "judgments.jsonl"
    with pytest.raises(CommandError, match="No such file or directory"):
        call_command("export", "grid", "judgments", "--out", str(out))
    out.parent.mkdir()
    call_command("export", "grid", "judgments", "--out", str(out))
    assert out.read_bytes() == b"".join(Export(study, "judgments", "jsonl"))

    def fails(export):
        yield b"half of it"
        raise OSError("the disk is full")

    monkeypatch.setattr(Export, "__iter__", fails)
    with pytest.raises(OSError, match="disk is full"):
        call_command("export", "grid", "judgments", "--out", str(out))
    assert list(out.parent.iterdir()) == [out]
    assert out.read_bytes().startswith(b'{"campaign":"grid"')


def test_a_pipe_is_written_to_and_a_link_stays_one(study, tmp_path):
    pipe, link, file = (tmp_path / name for name in ("pipe", "link.csv", "file.csv"))
    os.mkfifo(pipe)
    link.symlink_to(file)
    with ThreadPoolExecutor(1) as other:
        read = other.submit(pipe.read_bytes)
        call_command("export", "grid", "judgments", "--out", str(pipe))
        assert read.result(10) == b"".join(Export(study, "judgments", "csv"))
    assert pipe.is_fifo()
    call_command("export", "grid", "judgments", "--out", str(link))
    assert link.is_symlink()
    assert file.read_bytes() == read.result()


def test_times_are_utc(study):
    rows, _ = rows_of(Export(study, "judgments", "csv"))
    first = Assignment.objects.order_by("submitted_at")[0]
    assert datetime.fromisoformat(rows[0]["submitted_at"]) == first.submitted_at
    assert rows[0]["submitted_at"].endswith("Z")
