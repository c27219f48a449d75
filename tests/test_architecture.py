"""The direction of imports, and that migrations tell what the models say."""

import importlib.metadata
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command

ROOT = Path(__file__).resolve().parents[1]


def test_imports_go_one_way():
    program = shutil.which("lint-imports", path=Path(sys.executable).parent)
    done = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert "4 kept, 0 broken" in done.stdout


@pytest.mark.django_db
def test_no_migration_is_missing():
    call_command("makemigrations", check=True, dry_run=True)


def test_the_lock_pins_everything_exactly_and_without_hashes():
    lines = [
        line
        for name in ("requirements.txt", "requirements-dev.txt")
        for line in (ROOT / name).read_text().splitlines()
        if line and not line.startswith(("#", "-r "))
    ]
    assert len(lines) > 100
    for line in lines:
        pinned = re.fullmatch(r"([A-Za-z0-9_.-]+)==([A-Za-z0-9_.]+)( ; python_.*)?", line)
        assert pinned, line
        if pinned[3] is None:
            assert importlib.metadata.version(pinned[1]).split("+")[0] == pinned[2]
