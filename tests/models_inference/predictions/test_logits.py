"""Logits that several processes write, merge and read at once, even on a full disk."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
BEGIN = """
import os, sys, django
import numpy as np
django.setup()
from imagesets.models import Dataset
from models_inference.errors import InferenceError
from models_inference.predictions.logits import folder, gather, keep_logits, read
from models_inference.models import Classifier
a = Classifier(id=1, name="a", dataset=Dataset(slug="d"))

def keep(part, of, classes=1000):
    images = range(part, 100 * of, of)  # each part's images between those of the others
    keep_logits(a, images, np.repeat(np.array(images)[:, None] % 999, classes, axis=1))

def right(part):
    ids, logits = part
    return (logits == ids[:, None] % 999).all() and (np.diff(ids) > 0).all()
"""


def start(code: str, data: Path, *before: str) -> subprocess.Popen:
    """Start Python code that needs no database, with DATA_DIR `data`."""
    environment = os.environ | {
        "DATA_DIR": str(data),
        "DJANGO_SETTINGS_MODULE": "annotation.settings",
        "PYTHONPATH": str(ROOT),
    }
    return subprocess.Popen(
        [*before, sys.executable, "-c", BEGIN + code],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_reader_sees_whole_logits_while_others_bring_theirs_together(tmp_path):
    writers = [
        start(f"for n in range({n}, 40, 2): keep(n, 40, 50); gather(a)", tmp_path) for n in (0, 1)
    ]
    code = "seen = 0\nwhile seen < 4000:\n if part := read(a):\n  assert right(part)\n"
    readers = [start(code + "  seen = len(part[0])", tmp_path) for _ in range(2)]
    for process in writers + readers:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors


def test_a_full_disk_is_an_error_that_leaves_nothing_half(tmp_path):
    """A disk of one megabyte, in a namespace of the process's own."""
    own = ("unshare", "--user", "--map-root-user", "--mount")
    if subprocess.run([*own, "true"], capture_output=True).returncode:
        pytest.skip("this machine gives no namespaces to mount in")
    code = """
import subprocess
place = os.environ["DATA_DIR"]
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", place], check=True)
for part in range(3):
    keep(part, 3)
before = sorted(path.name for path in folder(a).rglob("*.n*"))
for attempt in (lambda: read(a), lambda: keep(0, 1, 9000)):
    try:
        attempt()
    except InferenceError as error:
        print(error)
    assert sorted(path.name for path in folder(a).rglob("*.n*")) == before
subprocess.run(["mount", "-o", "remount,size=9m", place], check=True)
print(right(read(a)), len(read(a)[0]))
"""
    process = start(code, tmp_path, *own)
    said, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    gathering, keeping, whole = said.splitlines()
    for line, size in ((gathering, "600,000"), (keeping, "1,80")):
        assert line.startswith(f"Logits of classifier a cannot be kept in {tmp_path}/logits/d/a-1-")
        assert f"No space left on device ({size}" in line
    assert whole == "True 300"
