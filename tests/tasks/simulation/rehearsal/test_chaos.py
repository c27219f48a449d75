"""A short run of benchmarks/chaos.py: kill -9 of everything while a study runs."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]


def test_a_study_survives_kills_of_everything(tmp_path):
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "benchmarks/chaos.py", "--rounds", "6", "--images", "12"],
        cwd=ROOT,
        env=kept | {"DATA_DIR": str(tmp_path / "data")},
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].startswith("0 things are wrong")
