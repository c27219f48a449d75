"""DATA_DIRs for the tests; whatever a test leaves behind is cleared away after it."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from annotation.serving.embedded import paths, running
from tests.studies.embedded_servers import processes_of


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Path]:
    """A DATA_DIR that does not exist yet."""
    folder = tmp_path / "var"
    yield folder
    _clear(folder)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("made") / "var"
    with running(folder, durable=False):
        pass
    yield folder
    _clear(folder)


@pytest.fixture
def folder(made: Path) -> Iterator[Path]:
    """A DATA_DIR whose cluster exists, for all tests that do not spoil it; nothing runs in it."""
    yield made
    _end(made)


def _end(folder: Path) -> None:
    """What a failed test left running would disturb the next one."""
    for found in processes_of(folder).values():
        for process in found:
            process.kill()
    shutil.rmtree(paths.paths_of(folder).sockets, ignore_errors=True)


def _clear(folder: Path) -> None:
    _end(folder)
    clear_clusters(folder)


@pytest.fixture(autouse=True)
def no_clusters_outside(tmp_path: Path) -> Iterator[None]:
    yield
    clear_clusters(tmp_path)


def clear_clusters(below: Path) -> None:
    """As root the clusters lie where pytest does not clear away."""
    for home in paths.HOMES:
        for note in (home / "second-look").glob("*/data_dir"):
            if Path(os.fsdecode(note.read_bytes())).is_relative_to(below):
                shutil.rmtree(note.parent)
