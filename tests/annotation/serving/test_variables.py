"""The environment's variables: read as they were meant, or refused in one line; all documented."""

import re
from dataclasses import astuple
from pathlib import Path
from urllib.parse import quote

import pytest
from django.core.exceptions import ImproperlyConfigured
from kombu import Connection

from annotation.serving import variables
from annotation.serving.server_addresses import broker
from annotation.serving.variables import VARIABLES, Environment

ROOT = Path(__file__).resolve().parents[3]
FOLDERS = ("imagesets", "models_inference", "tasks", "annotation")
# boto3 alone reads them. The other set is no setting: Django's own, and one that is refused.
OF_BOTO3 = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}
NOT_SETTINGS = {"DJANGO_SETTINGS_MODULE", "SCRIPT_NAME", "CELERY_SKIP_CHECKS"}


def value(name: str, text: str):
    return Environment({name: text})[name]


def error(name: str, text: str) -> str:
    """The one line by which a value is refused, without the variable's name."""
    with pytest.raises(ImproperlyConfigured) as refused:
        value(name, text)
    line = str(refused.value)
    assert line.startswith(f"{name} ")
    assert "\n" not in line
    return line.removeprefix(f"{name} ")


@pytest.mark.parametrize("name", VARIABLES)
def test_an_empty_variable_is_not_given(name):
    for text in ("", " ", "''", '""\r'):
        if name == "SECRET_KEY" and text:
            continue  # taken to the character
        assert name not in Environment({name: text})
        assert value(name, text) == VARIABLES[name].default


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("DEBUG", "yes", True),
        ("DEBUG", "True", True),
        ("DEBUG", "off", False),
        ("DEBUG", "false\r", False),
        ("DEBUG", "'0'", False),
        ("SYNC_MINUTES", '"5"\r\n', 5),
        ("INFERENCE_MINUTES", "2.5", 2.5),
        ("LOG_LEVEL", "debug", "DEBUG"),
        ("SECRET_KEY", "$not-a-variable", "$not-a-variable"),
        ("ALLOWED_HOSTS", " a.example , b.example\r", ["a.example", "b.example"]),
        ("ALLOWED_HOSTS", '"a.example","b.example"', ["a.example", "b.example"]),
        ("ALLOWED_HOSTS", ".example.org,[::1]", [".example.org", "[::1]"]),
        ("ALLOWED_HOSTS", "bücher.example", ["xn--bcher-kva.example"]),
        ("PUBLIC_URL", "https://look.example.org/", "https://look.example.org"),
        ("PUBLIC_URL", "HTTPS://Look.Example.org:8443", "https://look.example.org:8443"),
        ("MTURK_ENDPOINT_URL", "http://127.0.0.1:8008/", "http://127.0.0.1:8008"),
        ("WORKER_FRAME_ANCESTORS", "'self', https://a.example", ["'self'", "https://a.example"]),
        ("REDIS_URL", "'rediss://:p%40@h:6380/2'", "rediss://:p%40@h:6380/2"),
        ("OIDC_ISSUER", "http://127.0.0.1:9000/realms/x/", "http://127.0.0.1:9000/realms/x"),
        ("AWS_S3_CUSTOM_DOMAIN", "https://cdn.example.org/", "cdn.example.org"),
        ("OIDC_DOMAINS", "@Example.org, *", ["example.org", "*"]),
    ],
)
def test_a_value_is_read_as_it_was_meant(name, text, expected):
    assert value(name, text) == expected


def test_boto3_reads_what_was_meant():
    given = {"AWS_ACCESS_KEY_ID": "'KEY'\r", "AWS_ENDPOINT_URL": " http://minio:9000 "}
    assert Environment(given | {"AWS_REGION": ""}).for_boto3() == {
        "AWS_ACCESS_KEY_ID": "KEY",
        "AWS_ENDPOINT_URL": "http://minio:9000",
    }


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("DEBUG", "treu", "give 1 or 0"),
        ("DEBUG", "2", "give 1 or 0"),
        ("SYNC_MINUTES", "soon", "a whole number, 1 to 1440"),
        ("SYNC_MINUTES", "0", "a whole number, 1 to 1440"),
        ("NIGHTLY_HOUR", "24", "a whole number, 0 to 23"),
        ("VISITORS_AT_ONCE", "-1", "a whole number, at least 0"),
        ("INFERENCE_MINUTES", "10 minutes", "a number above 0"),
        ("INFERENCE_MINUTES", "nan", "a number above 0"),
        ("LOG_LEVEL", "loud", "DEBUG, INFO, WARNING"),
        ("ALLOWED_HOSTS", "https://a.example", "give the host's name alone, a.example"),
        ("ALLOWED_HOSTS", "a.example:8000", "give the host's name alone, a.example"),
        ("ALLOWED_HOSTS", "a.example/annotate", "give the host's name alone, a.example"),
        ("ALLOWED_HOSTS", "::1", "give the host's name alone, [::1]"),
        ("ALLOWED_HOSTS", "a.example b.example", "separate its names with commas"),
        ("ALLOWED_HOSTS", "*.example.org", "write .example.org"),
        ("ALLOWED_HOSTS", '["a.example"]', "no host"),
        ("PUBLIC_URL", "look.example.org", "with https://"),
        ("PUBLIC_URL", "https://look.example.org:web", "with https://"),
        ("PUBLIC_URL", "https://look.example.org/annotate", "a host name of its own"),
        ("PUBLIC_URL", "https://look.example.org/?a=1", "a host name of its own"),
        ("PUBLIC_URL", "127.0.0.1:8000", "with https://"),
        ("PUBLIC_URL", "https://*.example.org", "with https://"),
        ("MTURK_ENDPOINT_URL", "localhost:8008", "begins with https:// or http://"),
        ("MTURK_ENDPOINT_URL", "http://localhost:x", "check its host and its port"),
        ("MTURK_ENDPOINT_URL", "https://x y/", "check its host and its port"),
        ("AWS_ENDPOINT_URL", "minio:9000", "begins with https:// or http://"),
        ("AWS_ENDPOINT_URL_S3", "http://", "check its host and its port"),
        ("AWS_S3_CUSTOM_DOMAIN", "https://cdn.example.org/a", "a host's name alone"),
        ("MTURK_SUBMIT_ORIGINS", "https://a.example, b.example", "'b.example': give an address"),
        ("DATABASE_URL", "sqlite:///db.sqlite3", "begins with sqlite://: the site keeps its data"),
        ("DATABASE_URL", "mysql://u:p@h/d", "begins with mysql://: the site keeps its data"),
        ("DATABASE_URL", "host=h dbname=d", "give postgres://USER:PASSWORD@HOST:5432/NAME"),
        ("DATABASE_URL", "postgres://u:p@h", "names no database"),
        ("DATABASE_URL", "postgres://u:p@h:54321x/d", "a port that is not 1 to 65535"),
        ("DATABASE_URL", "postgres://u:p@h/d?sslmod=require", "option sslmod"),
        ("EMAIL_URL", "mail.example.org", "is no address of a mail server: give smtp+tls://"),
        ("EMAIL_URL", "http://mail.example.org", "is no address of a mail server"),
        ("EMAIL_URL", "smtp://", "cannot be read"),
        ("EMAIL_URL", "smtp://h:x", "has a port that is not 1 to 65535"),
        ("EMAIL_URL", "smtp://h/?to=a@example.org", "has the option to, where it takes from alone"),
        ("EMAIL_URL", "smtp://h?from=Ada", "give a mail address such as look@example.org"),
        ("OIDC_ISSUER", "login.example.org", "begins with https:// or http://"),
        (
            "OIDC_ISSUER",
            "http://login.example.org",
            "logins need an address that begins with https",
        ),
        ("OIDC_DOMAINS", "example.org, ada@example.org", "names 'ada@example.org': give domains"),
        ("REDIS_URL", "localhost:6379", "give redis://:PASSWORD@HOST:6379/0"),
        ("REDIS_URL", "redis://h/cache", "the number of a database"),
        ("REDIS_URL", "redis://h:65536x", "cannot be read"),
        ("REDIS_URL", "unix://", "names no socket"),
    ],
)
def test_a_value_that_cannot_be_right_is_refused_saying_what_is_wanted(name, text, says):
    assert says in error(name, text)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("postgres://u:p@h/d", {"HOST": "h", "PORT": "", "NAME": "d"}),
        ("postgresql+psycopg2://u:p@h:5433/d", {"HOST": "h", "PORT": "5433"}),
        ("postgresql://u:a:b@h/d", {"PASSWORD": "a:b"}),
        ("postgres://u:p@h/d?sslmode=require", {"OPTIONS": {"sslmode": "require"}}),
        ("postgres://u@%2Frun%2Fpg/d", {"HOST": "/run/pg", "PASSWORD": ""}),
        ("postgres:///d?host=/run/pg", {"HOST": "/run/pg", "USER": ""}),
        ("postgres://u:p@a:1,b:2/d?target_session_attrs=any", {"HOST": "a,b", "PORT": "1,2"}),
        ("postgres://u@[::1]:5432/d", {"HOST": "::1"}),
    ],
)
def test_libpq_reads_the_address_of_the_database(address, expected):
    settings = value("DATABASE_URL", address)
    assert settings["ENGINE"] == "django.db.backends.postgresql"
    assert {name: settings[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (
            "smtp+tls://u%40a.org:p%3A@h?from=look@a.org",
            ("h", 587, "u@a.org", "p:", 1, 0, "look@a.org"),
        ),
        ("smtps://u%40a.org:p@h", ("h", 465, "u@a.org", "p", 0, 1, "u@a.org")),
        ("smtp://h:2525/", ("h", 2525, "", "", 0, 0, "")),
    ],
)
def test_the_mail_server_is_read(address, expected):
    assert astuple(value("EMAIL_URL", address)) == expected


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL"])
@pytest.mark.parametrize("character", "@/#%?[ ")
def test_a_raw_character_in_a_password_is_refused_without_showing_it(name, character):
    scheme = "postgres" if name == "DATABASE_URL" else "redis"
    password = f"Sesame{character}Barley"
    line = error(name, f"{scheme}://u:{password}@h:1/1")
    assert "percent-encoded (@ as %40" in line
    assert "Sesame" not in line
    assert "Barley" not in line
    read = value(name, f"{scheme}://u:{quote(password, safe='')}@h:1/1")
    assert read["PASSWORD"] == password if name == "DATABASE_URL" else read


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("redis://:p%40w@h:1/3", {"host": "h", "password": "p@w", "db": 3}),
        ("rediss://h/1", {"host": "h", "db": 1, "ssl_cert_reqs": 2}),  # ssl.CERT_REQUIRED
        ("unix:///run/a.sock?db=2", {"path": "/run/a.sock", "db": 2}),
        ("unix://:p@/run/a.sock", {"path": "/run/a.sock", "password": "p", "db": 0}),
    ],
)
def test_celery_is_led_to_the_same_queue(address, expected):
    with Connection(broker(value("REDIS_URL", address))) as connection:
        channel = connection.transport.Channel.__new__(connection.transport.Channel)
        channel.connection = connection.transport
        found = channel._connparams()
    assert {name: found.get(name) for name in expected} == expected


LOOKED_UP = re.compile(
    r"""(?:\bos\.getenv\(|\bread\(|\benv(?:iron(?:ment)?)?(?:\.get\(|\.setdefault\(|\[))
    "(?P<name>[A-Z][A-Z0-9_]+)"
    |"(?P<asked>[A-Z][A-Z0-9_]+)"\ (?:not\ )?in\ (?:env\b|Environment)""",
    re.X,
)


def names_read() -> set[str]:
    """Every name in capitals that the code looks up in an environment."""
    files = [ROOT / "manage.py", *(f for name in FOLDERS for f in (ROOT / name).rglob("*.py"))]
    found = (match for file in files for match in LOOKED_UP.finditer(file.read_text()))
    return {match["name"] or match["asked"] for match in found}


def test_every_variable_that_is_read_is_declared_and_every_declared_one_is_read():
    read = names_read()
    assert read - NOT_SETTINGS - VARIABLES.keys() == set()
    assert VARIABLES.keys() - OF_BOTO3 - read == set()


def test_the_table_in_the_docs_is_the_declared_one():
    assert variables.TABLE.is_current(), (
        "bring it up to date: manage.py shell -c"
        " 'from annotation.serving.variables import TABLE; TABLE.write()'"
    )
