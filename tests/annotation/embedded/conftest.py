"""A DATA_DIR for each test; whatever a test leaves behind is cleared away after it."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from annotation.embedded import places
from tests.annotation.embedded.commands import processes_of


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A DATA_DIR that does not exist yet; a failed test's processes are ended."""
    folder = tmp_path / "var"
    yield folder
    for found in processes_of(folder).values():
        for process in found:
            process.kill()
    shutil.rmtree(places.places(folder).sockets, ignore_errors=True)


@pytest.fixture(autouse=True)
def no_clusters_outside(tmp_path: Path) -> Iterator[None]:
    """As root the clusters lie where pytest does not clear away."""
    yield
    for home in places.HOMES:
        for note in (home / "second-look").glob("*/data_dir"):
            if Path(os.fsdecode(note.read_bytes())).is_relative_to(tmp_path):
                shutil.rmtree(note.parent)
