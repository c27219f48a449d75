"""docker-compose.yml without a container engine: its structure is read, its commands are run."""

import os
import re
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
import yaml
from django.conf import settings
from django.db import connection

from annotation.serving import heartbeats
from annotation.serving.server_addresses import database
from annotation.serving.variables import VARIABLES, Environment
from tests.studies.processes import free_port, lose_queue, until

ROOT = Path(__file__).resolve().parents[2]
SERVICES = {"nginx", "web", "worker", "gpu-worker", "beat", "migrate", "postgres", "redis"}
OURS = SERVICES - {"nginx", "postgres", "redis"}
# Keys of the Compose specification that the services use: a typo is none of them.
KEYS = {
    "build",
    "command",
    "depends_on",
    "deploy",
    "environment",
    "healthcheck",
    "image",
    "init",
    "networks",
    "ports",
    "restart",
    "shm_size",
    "stop_grace_period",
    "volumes",
}
CONDITIONS = {"service_started", "service_healthy", "service_completed_successfully"}
GIVEN = {"SECRET_KEY": secrets.token_hex(32), "POSTGRES_PASSWORD": "0123abcd"}


def interpolated(value, variables: dict[str, str]):
    """The value as Compose reads it: ${NAME:-default}, ${NAME:?error}."""
    if isinstance(value, dict):
        return {key: interpolated(each, variables) for key, each in value.items()}
    if isinstance(value, list):
        return [interpolated(each, variables) for each in value]
    if not isinstance(value, str):
        return value

    def one(match: re.Match) -> str:
        name, kind, text = match["name"], match["kind"], match["text"]
        if variables.get(name):
            return variables[name]
        if kind != ":-":
            raise LookupError(f"{name}: {text or 'has no default'}")
        return text

    return re.sub(r"\$\{(?P<name>\w+)(?:(?P<kind>:[-?])(?P<text>[^}]*))?\}", one, value)


def read(name: str = "docker-compose.yml", variables: dict[str, str] = GIVEN) -> dict:
    return interpolated(yaml.safe_load((ROOT / name).read_text()), variables)


def test_the_file_is_sound():
    compose = read()
    services = compose["services"]
    assert set(services) == SERVICES
    assert set(compose) == {"x-app", "services", "volumes", "networks"}
    for name, service in services.items():
        assert set(service) <= KEYS, name
        for needed, how in service.get("depends_on", {}).items():
            assert how["condition"] in CONDITIONS
            assert needed in services
            if how["condition"] == "service_healthy":
                assert services[needed]["healthcheck"]["test"][0] == "CMD"
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            known = source in compose["volumes"] or source == "./pictures"
            assert known or (ROOT / source).is_file(), name
        assert all(isinstance(v, str) for v in service.get("environment", {}).values()), name
    for name in OURS:
        assert services[name]["build"] == "."
        assert "media:/data" in services[name]["volumes"]
    assert "/readyz" in services["web"]["healthcheck"]["test"][-1]
    queues = {
        services[n]["command"][services[n]["command"].index("--queues") + 1]
        for n in ("worker", "gpu-worker")
    }
    assert queues == {"default", "gpu"}
    for name in GIVEN:
        with pytest.raises(LookupError, match=name):
            read(variables={k: v for k, v in GIVEN.items() if k != name})


VARIABLE = re.compile(r"\$\{(\w+)")
# What the containers have of their own, whatever .env says.
FIXED = {"DEBUG": "0", "DATA_DIR": "/data"}
OF_COMPOSE = {"NETWORK", "POSTGRES_PASSWORD", "WEB_ADDRESS", "WEB_PORT", "PICTURES", "TORCH_INDEX"}


@pytest.mark.parametrize("name", VARIABLES)
def test_every_variable_of_env_reaches_the_containers(name):
    for container in OURS:
        given = read(variables=GIVEN | {name: "what-env-says"})["services"][container]
        if name in FIXED:
            assert given["environment"][name] == FIXED[name]
        else:
            assert "what-env-says" in given["environment"][name].split(",")


def test_what_env_leaves_out_has_the_sites_default():
    env = Environment(read()["services"]["web"]["environment"])
    for name in VARIABLES.keys() - {"WEB_CONCURRENCY"}:  # gunicorn's own reader takes no empty one
        assert name not in env or name in FIXED or name in GIVEN or name in OWN, name
    assert env["WEB_CONCURRENCY"] == VARIABLES["WEB_CONCURRENCY"].default
    assert {name: env[name] for name in OWN} == OWN


OWN = {
    "ALLOWED_HOSTS": ["localhost"],
    "PUBLIC_URL": "http://localhost:8000",
    "TRUSTED_PROXIES": ["172.30.77.2", "172.30.77.1"],
    "DATABASE_URL": database("postgres://second_look@postgres:5432/second_look"),
    "REDIS_URL": "redis://redis:6379/0",
    "AWS_DEFAULT_REGION": "us-east-1",
}


def test_the_variables_of_the_compose_files_stand_in_the_docs():
    files = ("docker-compose.yml", "docker-compose.gpu.yml")
    named = {name for file in files for name in VARIABLE.findall((ROOT / file).read_text())}
    assert named - VARIABLES.keys() == OF_COMPOSE
    listed = re.findall(r"^\| `(\w+)`", (ROOT / "docs" / "settings.md").read_text(), re.M)
    assert sorted(listed) == sorted(VARIABLES.keys() | OF_COMPOSE)


def test_a_folder_of_the_host_is_seen_by_every_container_of_ours():
    services = read(variables=GIVEN | {"PICTURES": "/srv/photos"})["services"]
    assert all("/srv/photos:/pictures:ro" in services[name]["volumes"] for name in OURS)


def test_nginx_alone_is_published_and_the_site_believes_it(tmp_path):
    compose = read()
    services = compose["services"]
    assert [name for name, service in services.items() if "ports" in service] == ["nginx"]
    (port,) = services["nginx"]["ports"]
    assert port == "127.0.0.1:8000:80"
    own = services["nginx"]["networks"]["default"]["ipv4_address"]
    trusted = Environment(services["web"]["environment"])["TRUSTED_PROXIES"]
    (subnet,) = (network["subnet"] for network in compose["networks"]["default"]["ipam"]["config"])
    assert own in trusted
    assert all(ip_address(address) in ip_network(subnet) for address in trusted)
    # Its command, without a container: the site's name takes the place of the address.
    command = services["nginx"]["command"][2].partition(" && ")[0]
    made = tmp_path / "nginx.conf"
    command = command.replace("/second-look.conf", str(ROOT / "annotation/serving/nginx.conf"))
    subprocess.run(
        ["sh", "-c", command.replace("/etc/nginx/nginx.conf", shlex.quote(str(made)))], check=True
    )
    assert "        server web:8000 max_fails=0;\n" in made.read_text()
    assert "    set_real_ip_from 172.30.77.1;\n" in made.read_text()


def test_the_gpu_override_fits():
    override = read("docker-compose.gpu.yml")["services"]
    assert set(override) <= SERVICES
    assert set(override["gpu-worker"]) <= KEYS
    (argument,) = override["gpu-worker"]["build"]["args"]
    assert f"ARG {argument}=" in (ROOT / "Dockerfile").read_text()


def test_the_image_copies_files_that_exist():
    lines = (ROOT / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
    steps = [line.split(maxsplit=1) for line in lines if line and not line.startswith("#")]
    assert steps[0] == ["FROM", "python:3.11-slim"]
    words = [word for word, _ in steps]
    assert dict(steps)["USER"] == "app"
    assert words.index("USER") > max(i for i, word in enumerate(words) if word == "RUN")
    ignored = [
        line
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line[:1] not in ("", "#")
    ]
    for source in ["requirements.txt", "manage.py", "annotation", "tasks", "templates", "static"]:
        assert (ROOT / source).exists()
        assert not any(fnmatch(source, pattern) for pattern in ignored), source
    for secret in (".env", ".git", "var", ".venv"):
        assert any(fnmatch(secret, pattern) for pattern in ignored), secret


@pytest.fixture
def environment(transactional_db, tmp_path) -> dict[str, str]:
    """The services' environment, with the test's own database, queue and data."""
    lose_queue()
    place = connection.settings_dict
    host = place["OPTIONS"].get("host") or place["HOST"]
    database = f"postgres://{place['USER']}@:{place['PORT'] or 5432}/{place['NAME']}?host={host}"
    if not settings.EMBEDDED_SERVERS:
        database = os.environ["DATABASE_URL"].rsplit("/", 1)[0] + "/" + place["NAME"]
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    variables = read()["services"]["web"]["environment"]
    here = {
        "DATABASE_URL": database,
        "REDIS_URL": settings.REDIS_URL,
        "DATA_DIR": str(tmp_path),
        "LOG_LEVEL": "INFO",
    }
    return kept | variables | here


@contextmanager
def started(command: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen]:
    """The command of a service in a process of its own, with this Python's programs."""
    program = shutil.which(command[0], path=str(Path(sys.executable).parent))
    assert program, f"{command[0]} is not installed by requirements.txt"
    process = subprocess.Popen(
        [program, *command[1:]],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise


def answers(url: str, process: subprocess.Popen) -> int:
    """The status of the first answer."""
    for _ in range(900):
        assert process.poll() is None, process.communicate()[0]
        try:
            return urllib.request.urlopen(url, timeout=5).status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{url} never answered")


def test_web_starts_in_production_and_its_health_check_passes(environment):
    web = read()["services"]["web"]
    port = str(free_port())
    command = [part.replace("0.0.0.0:8000", f"127.0.0.1:{port}") for part in web["command"]]
    with started(command, environment) as process:
        assert answers(f"http://127.0.0.1:{port}/healthz", process) == 200
        check = [part.replace(":8000/", f":{port}/") for part in web["healthcheck"]["test"][1:]]
        done = subprocess.run([sys.executable, *check[1:]], capture_output=True, timeout=30)
        assert done.returncode == 0, done.stderr
        assert answers(f"http://127.0.0.1:{port}/api/nowhere/", process) == 404
        styles = urllib.request.urlopen(f"http://127.0.0.1:{port}/static/unfold/css/styles.css")
        assert styles.status == 200
    refused = {name: value for name, value in environment.items() if name != "SECRET_KEY"}
    done = subprocess.run(
        [sys.executable, "manage.py", "check"], cwd=ROOT, env=refused, capture_output=True
    )
    assert done.returncode == 1
    assert b"SECRET_KEY is not set" in done.stderr


@pytest.mark.parametrize("name", ["worker", "gpu-worker"])
def test_workers_start_and_answer(environment, name):
    from annotation.celery import app

    command = read()["services"][name]["command"]
    node = command[command.index("--hostname") + 1].replace("%h", socket.gethostname())
    with started(command, environment) as process:
        for _ in range(60):
            assert process.poll() is None, process.communicate()[0]
            if app.control.ping(destination=[node], timeout=1):
                break
        else:
            raise AssertionError(f"{name} never answered")
        queue = command[command.index("--queues") + 1]
        until(lambda: heartbeats.ages()[queue] is not None)


def test_beat_starts_with_the_nightly_aggregation(environment):
    from django_celery_beat.models import PeriodicTask

    with started(read()["services"]["beat"]["command"], environment) as process:
        for _ in range(900):
            assert process.poll() is None, process.communicate()[0]
            if PeriodicTask.objects.filter(task="tasks.celery_tasks.aggregate_campaigns"):
                break
            time.sleep(0.1)
        else:
            raise AssertionError("beat wrote no schedule")
        until(lambda: heartbeats.ages()["beat"] is not None)


def test_migrate_is_done(environment):
    command = read()["services"]["migrate"]["command"]
    done = subprocess.run(
        [sys.executable, *command[1:]], cwd=ROOT, env=environment, capture_output=True, timeout=120
    )
    assert (done.returncode, command[0]) == (0, "python"), done.stderr
