"""A run of the suite touches no data but its own."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_a_data_dir_of_the_environment_is_left_alone(tmp_path):
    kept = tmp_path / "study"
    kept.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", "from tests import settings; print(settings.DATA_DIR)"],
        cwd=ROOT,
        env=os.environ | {"DATA_DIR": str(kept)},
        capture_output=True,
        text=True,
        check=True,
    )
    used = Path(done.stdout.strip())
    assert used != kept
    assert kept.exists()
    assert not used.exists()  # who made it removes it
    assert used.name.startswith("second-look-test-")
