"""The demo works from nothing, survives a kill on the way, and a second run changes nothing."""

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from annotation.serving.embedded import running
from tests.studies.embedded_servers import forget
from tests.studies.machine import ROOT, Machine


@pytest.fixture
def machine() -> Iterator[Machine]:
    folder = Path(tempfile.mkdtemp(prefix="second-look-demo-"))
    yield Machine(folder)
    forget(folder / "data")
    shutil.rmtree(folder, ignore_errors=True)


def answers(machine: Machine) -> int:
    """How many answers are stored; 0 before there are tables."""
    try:
        return machine.query("SELECT count(*) FROM tasks_assignment WHERE state = 'submitted'")[0][
            0
        ]
    except Exception:
        return 0


def everything(machine: Machine) -> dict:
    """Row counts and the newest change of what a second run could touch."""
    tables = ("imagesets_image", "models_inference_prediction", "tasks_hit", "tasks_assignment")
    counts = {table: machine.query(f"SELECT count(*), max(id) FROM {table}") for table in tables}
    counts["runs"] = machine.query("SELECT id, started_at FROM tasks_run ORDER BY id")
    counts["files"] = {
        str(path): path.stat().st_mtime_ns for path in (machine.folder / "data/demo").rglob("*.*")
    }
    return counts


def test_the_demo_from_nothing_killed_on_the_way_and_again(machine: Machine):
    first = subprocess.Popen(
        [sys.executable, "manage.py", "demo", "--no-serve"],
        cwd=ROOT,
        env=machine.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 400
    while answers(machine) < 20:
        assert first.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.2)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()

    table = machine.run("demo", "--no-serve")
    assert "60 │ of the dataset" in table
    assert re.search(r"more than one object *│ *[\d.]+ % \([\d.]+ to [\d.]+\)", table)
    found, truth = (
        float(share)
        for share in re.findall(r"(?:more than one object|same by the truth) *│ *([\d.]+) %", table)
    )
    assert 0.5 * truth < found <= truth + 5
    assert max(len(line) for line in table.splitlines() if "│" in line) <= 80
    page = re.search(r"The report, to open in a browser:\s+(\S+index.html)", table)
    assert page
    assert "What to distrust" in Path(page[1]).read_text()
    with running(machine.folder / "data"):
        before = everything(machine)
        assert machine.query("SELECT slug, state FROM tasks_campaign ORDER BY slug") == [
            ("photos-classify", "finished"),
            ("photos-contains", "finished"),
            ("try-classify", "open"),
            ("try-contains", "open"),
        ]
        for campaign in ("photos-classify", "photos-contains"):
            file = machine.folder / "data" / "demo" / f"{campaign}-judgments.csv"
            judgments = list(csv.DictReader(file.open(newline="")))
            answers_used = {(r["hit"], r["assignment"]) for r in judgments if r["used"] == "true"}
            hits = Counter(hit for hit, _ in answers_used)
            assert set(hits.values()) == {9}
            assert set(hits) == {row["hit"] for row in judgments}
        assert machine.run("demo", "--no-serve") == table
        assert everything(machine) == before
        report = json.loads((Path(page[1]).parent / "report.json").read_text())
        assert report["study"]["classify"] == "photos-classify"
        several, settled = (report["study"]["populations"][name] for name in ("multi", "settled"))
        assert f"{several} of {settled} images" in table
