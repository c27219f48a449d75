"""What every test may use: real servers, a real browser, a bucket."""

import os
import shutil
from collections.abc import Iterator

import hypothesis
import pytest
from django.conf import settings
from django.db import connections, transaction
from django.test import TransactionTestCase

from annotation.serving.embedded import running
from tests.studies import emptied, kept_tables
from tests.studies.browsers import QUIET, chromium
from tests.studies.embedded_servers import forget
from tests.studies.processes import start  # noqa: F401 - a fixture


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
        forget(settings.DATA_DIR)
        shutil.rmtree(settings.DATA_DIR, ignore_errors=True)


@pytest.fixture(scope="session")
def kept_tables_loaded(servers) -> None:
    if settings.EMBEDDED_SERVERS:
        kept_tables.load()


@pytest.fixture(scope="session")
def django_db_keepdb(django_db_keepdb: bool) -> bool:
    """The test database ends with its server: to drop it would wait for each last connection."""
    return settings.EMBEDDED_SERVERS or django_db_keepdb


@pytest.fixture(scope="session")
def django_db_setup(kept_tables_loaded, django_db_setup) -> None:
    """pytest-django's test database, on this run's servers."""
    if settings.EMBEDDED_SERVERS:
        kept_tables.keep()


@pytest.fixture(scope="session", autouse=True)
def quickly_emptied() -> Iterator[None]:
    """Rows that a test committed are deleted after it, in place of Django's flush."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda test: emptied.empty())
        yield


@pytest.fixture(scope="module")
def module_db(django_db_setup, django_db_blocker) -> Iterator[None]:
    """The database for fixtures of a module: each of its tests finds what they wrote, unchanged.

    Not for modules with tests that commit, or that need the tables empty.
    """
    around = transaction.atomic()
    around._from_testcase = True  # type: ignore[attr-defined]  # durable blocks may stand inside
    with django_db_blocker.unblock(), around:
        yield
        transaction.set_rollback(True)


# No example has a time limit: on a busy machine any may take long.
patient = hypothesis.settings(
    deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.register_profile("patient", patient)
hypothesis.settings.load_profile("patient")
# For tests that draw studies at random: `--hypothesis-profile thorough`.
hypothesis.settings.register_profile("thorough", patient, max_examples=2000)

# Files whose tests take longest: begun first, so that no process ends with one.
LONGEST = (
    *("test_demo", "test_whole_study", "test_access", "test_sharing", "test_up", "test_whole_way"),
    *("test_rights", "test_incremental", "test_inference", "test_endless_program"),
    *("test_never_lost", "test_first_start", "test_invariants", "test_browser", "test_compose"),
    *("test_left_behind", "test_weights", "test_simulation", "test_killed", "test_interrupted"),
    *("test_slow_clients", "test_pages", "test_start_and_stop", "test_in_a_browser"),
    *("test_practice", "test_practice_in_a_browser", "test_states", "test_researchers_way"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    place = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.stem, len(LONGEST)))  # stable


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict) -> dict:
    """pytest-playwright with the machine's own Chromium; without one its tests are skipped."""
    program = chromium()
    if program is None:
        message = "no Chromium or Chrome was found: browser tests were not run"
        (pytest.fail if os.environ.get("REQUIRE_BROWSER") == "1" else pytest.skip)(message)
    from playwright.sync_api import expect

    expect.set_options(timeout=30_000)  # its own 5 s are few on a busy machine
    # Playwright keeps an event loop in this thread, in which Django would refuse its ORM.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    return browser_type_launch_args | {"executable_path": program, "args": list(QUIET)}


@pytest.fixture(scope="session")
def whole_browser(browser_type, browser_type_launch_args: dict) -> Iterator:
    """Chromium as people have it, where its headless shell has other rules (a frame's storage)."""
    if (program := chromium(whole=True)) is None:
        pytest.skip("only the headless shell of Chromium is installed")
    browser = browser_type.launch(**browser_type_launch_args | {"executable_path": program})
    yield browser
    browser.close()


@pytest.fixture(autouse=True)
def no_connection_left_open(request: pytest.FixtureRequest) -> Iterator[None]:
    """Inside Playwright's event loop Django opens a connection of its own."""
    yield
    if request.node.get_closest_marker("browser"):
        connections.close_all()


@pytest.fixture
def bucket(monkeypatch):
    """The name of a bucket on moto's S3 server, real HTTP between."""
    from imagesets.locations import s3_client
    from imagesets.pictures import bucket as bucket_pictures  # models: not before Django is set up

    server = pytest.importorskip("moto.server").ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "k",
        "AWS_SECRET_ACCESS_KEY": "s",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    bucket_pictures.forget()
    s3_client().create_bucket(Bucket="pictures")
    yield "pictures"
    bucket_pictures.forget()
    server.stop()
