"""What `up` shows to the network and to other users of the machine, from its first start on."""

import os
import pwd
import re
import shlex
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest

from annotation.serving.embedded.paths import paths_of
from tests.studies.embedded_servers import eventually, forget
from tests.studies.processes import free_port

ROOT = Path(__file__).resolve().parents[2]
LOGIN = {"DJANGO_SUPERUSER_USERNAME": "root", "DJANGO_SUPERUSER_PASSWORD": "a-secret-word"}
only_root = pytest.mark.skipif(os.getuid() != 0, reason="only root drops rights")


@dataclass
class Site:
    """A site that `up --host 0.0.0.0` serves, begun by the line that it printed first."""

    folder: Path
    line: str
    output: Path
    process: subprocess.Popen

    @property
    def address(self) -> str:
        match = re.search(r"PUBLIC_URL=(\S+)", self.line)
        assert match is not None
        return shlex.split(match[1])[0]


def environment(folder: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return kept | {"DATA_DIR": str(folder)}


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("a copy") / "var"
    command = [sys.executable, "manage.py", "up", "--host", "0.0.0.0", "--port", str(free_port())]
    refused = subprocess.run(
        command, cwd=ROOT, env=environment(folder), capture_output=True, text=True, timeout=180
    )
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert "needs production settings" in refused.stderr
    line = refused.stderr.partition("Type: ")[2].strip()
    output = folder.parent / "up.out"
    with output.open("w") as out:
        process = subprocess.Popen(
            ["sh", "-c", f"exec env {line}"],
            cwd=ROOT,
            env=environment(folder),
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    site = Site(folder, line, output, process)
    try:
        try:
            eventually(lambda: "Second Look is at" in output.read_text(), 180)
        except AssertionError:
            raise AssertionError(output.read_text()) from None
        yield site
    finally:
        process.send_signal(signal.SIGTERM)
        code = process.wait(60)
        forget(folder)
    assert code == 0


def test_the_printed_line_serves_and_people_log_in(site: Site) -> None:
    """Over plain http, with one line of warning."""
    subprocess.run(
        [sys.executable, "manage.py", "createsuperuser", "--noinput", "--email", "r@example.org"],
        cwd=ROOT,
        env=environment(site.folder) | LOGIN,
        check=True,
        timeout=180,
    )
    with httpx.Client(base_url=site.address, timeout=60, trust_env=False) as person:
        page = person.get("/admin/login/?next=/admin/").text
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert token is not None
        form = {"username": "root", "password": "a-secret-word", "next": "/admin/"}
        headers = {"Origin": site.address}
        answer = person.post(
            "/admin/login/", data=form | {"csrfmiddlewaretoken": token[1]}, headers=headers
        )
        assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")
        assert person.get("/admin/").status_code == 200
        assert person.get("/static/css/pages.css").status_code == 200
        assert person.get("/tasks/", headers={"Host": "evil.example"}).status_code == 400
    assert site.output.read_text().count("PUBLIC_URL is http://") == 1


def test_its_key_is_random_and_its_own(site: Site) -> None:
    file = site.folder / "secret_key"
    assert len(file.read_text().split()) == 1
    assert len(file.read_text()) > 50
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@only_root
def test_web_and_workers_run_as_an_account_of_their_own(site: Site) -> None:
    owners = {}
    for process in psutil.Process(site.process.pid).children(recursive=True):
        line = " ".join(process.cmdline())
        for name in ("gunicorn", "celery", "postgres", "valkey"):
            if name in line and "serving.embedded" not in line:
                owners.setdefault(name, set()).add(process.uids())
    assert set(owners) >= {"gunicorn", "celery"}
    (web,) = owners["gunicorn"] | owners["celery"]
    assert 0 not in web
    assert web.real not in {entry.pw_uid for entry in pwd.getpwall()}
    eventually(lambda: httpx.get(f"{site.address}/readyz?all=1", timeout=5).status_code == 200)


@only_root
def test_other_users_read_and_list_nothing(site: Site) -> None:
    """Nor may Postgres' account, which passes through to its own."""
    places = [site.folder, paths_of(site.folder).sockets]
    entries = [path for place in places for path in (place, *place.rglob("*"))]
    entries = [path for path in entries if "postgres" not in path.parts]
    assert site.folder / "secret_key" in entries
    account = psutil.Process(_postmaster(site)).username()
    for user, groups in (("nobody", []), (account, [site.folder.stat().st_gid])):
        readable = _those_that(user, groups, os.R_OK, entries)
        assert [path for path in readable if not path.is_relative_to(places[1] / "s")] == []
    assert _those_that("nobody", [], os.X_OK, entries) == []


def _postmaster(site: Site) -> int:
    cluster = Path(os.path.realpath(site.folder / "postgres"))
    return int((cluster / "postmaster.pid").read_text().split()[0])


def _those_that(user: str, groups: list[int], right: int, paths: list[Path]) -> list[Path]:
    """The paths on which a user has a right, tried as that user."""
    entry = pwd.getpwnam(user)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(groups[0] if groups else entry.pw_gid)
            os.setuid(entry.pw_uid)
            may = bytes(os.access(path, right) for path in paths)
            os.write(write, may)
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as answer:
        may = answer.read()
    os.waitpid(child, 0)
    assert len(may) == len(paths)
    return [path for path, has in zip(paths, may, strict=True) if has]


@only_root
def test_an_older_data_dir_is_closed_at_the_next_start(tmp_path: Path) -> None:
    from annotation.serving.embedded.ownership import close

    folder = tmp_path / "var"
    (folder / "derivatives" / "ab").mkdir(parents=True)
    (folder / "derivatives" / "ab" / "picture").write_text("")
    (folder / "log").mkdir()
    (folder / "notes.txt").write_text("")
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)
    close(folder)
    account = folder.stat().st_gid
    assert (folder.stat().st_uid, account != 0) == (0, True)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o710
    for name, mode in (("derivatives", 0o700), ("log", 0o700), ("notes.txt", 0o600)):
        assert stat.S_IMODE((folder / name).stat().st_mode) == mode
    assert (folder / "derivatives/ab/picture").stat().st_uid == account
    assert (folder / "log").stat().st_uid == 0
    close(folder)
    assert folder.stat().st_gid == account


@only_root
def test_what_roots_commands_make_is_the_sites_to_change(settings, tmp_path: Path) -> None:
    from annotation.serving.embedded.ownership import close
    from imagesets.files import write_whole

    settings.DATA_DIR = tmp_path / "var"
    settings.DATA_DIR.mkdir()
    close(settings.DATA_DIR)
    account = settings.DATA_DIR.stat().st_gid
    write_whole(settings.DATA_DIR / "images" / "ab" / "picture", b"")
    assert (settings.DATA_DIR / "images" / "ab").stat().st_uid == account
    write_whole(tmp_path / "elsewhere" / "file", b"")
    assert (tmp_path / "elsewhere").stat().st_uid == 0
