"""A site in production starts with sound settings or not at all."""

import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HTTPS = {"ALLOWED_HOSTS": "look.example.org", "PUBLIC_URL": "https://look.example.org"}


def check(**given: str) -> subprocess.CompletedProcess[str]:
    """`manage.py check --deploy` in production, without a server."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "DATA_DIR") if name in os.environ}
    servers = {"DATABASE_URL": "postgres://u@127.0.0.1:9/d", "REDIS_URL": "redis://127.0.0.1:9/0"}
    return subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env=kept | servers | {"DEBUG": "0"} | given,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_weak_settings_are_refused_all_in_one_line() -> None:
    done = check(SECRET_KEY="a", ALLOWED_HOSTS="*")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    for trouble in ("SECRET_KEY is short", "ALLOWED_HOSTS contains *", "PUBLIC_URL is not set"):
        assert trouble in done.stderr


def test_an_https_site_passes_djangos_check_for_deployment() -> None:
    done = check(SECRET_KEY=secrets.token_hex(32), **HTTPS)
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


def test_visitors_over_https_are_told_to_stay_there(client, settings) -> None:
    settings.SECURE_HSTS_SECONDS = 3600
    assert "Strict-Transport-Security" in client.get("/healthz", secure=True)
    assert "Strict-Transport-Security" not in client.get("/healthz")


@pytest.mark.parametrize(
    "given",
    [
        {"PUBLIC_URL": "https://look.example.org/annotate"},
        {"SCRIPT_NAME": "/annotate"},
    ],
)
def test_a_site_below_a_path_of_another_is_refused_in_one_line(given: dict[str, str]) -> None:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "DATA_DIR") if name in os.environ}
    command = ["-m", "gunicorn", "-c", "python:annotation.gunicorn_config", "--check-config"]
    done = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=kept | given,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "the site needs a host name of its own" in done.stderr
