"""What every test may use: real servers, a small dataset of real pictures, two people."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from annotation.embedded import running

PHOTOS = Path(__file__).resolve().parents[2] / "shared" / "photos"


@pytest.fixture(scope="session")
def servers() -> Iterator[None]:
    """Embedded Postgres and Valkey of this run, unless the environment names others."""
    if not settings.EMBEDDED_SERVERS:
        yield
        return
    try:
        with running(settings.DATA_DIR, durable=False):
            yield
    finally:
        shutil.rmtree(settings.DATA_DIR, ignore_errors=True)


@pytest.fixture(scope="session")
def django_db_setup(servers, django_db_setup) -> None:
    """pytest-django's test database, on this run's servers."""
