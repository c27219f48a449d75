"""What a site in production refuses to start with."""

import pytest

from annotation.serving.production import (
    PUBLISHED_SECRET,
    production_line,
    production_troubles,
    unencrypted,
)

SOUND = {
    "SECRET_KEY": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822c",
    "ALLOWED_HOSTS": "look.example.org",
    "PUBLIC_URL": "https://look.example.org",
    "DATABASE_URL": "postgres://somewhere/db",
    "REDIS_URL": "redis://somewhere",
}


def test_a_sound_environment_has_no_troubles():
    assert production_troubles(SOUND) == []


@pytest.mark.parametrize(
    ("change", "trouble"),
    [
        ({"SECRET_KEY": None}, "SECRET_KEY is not set"),
        ({"SECRET_KEY": ""}, "SECRET_KEY is not set"),
        ({"SECRET_KEY": PUBLISHED_SECRET}, "SECRET_KEY is the default"),
        ({"SECRET_KEY": "a"}, "SECRET_KEY is short (1 characters)"),
        ({"SECRET_KEY": "a" * 64}, "SECRET_KEY repeats itself"),
        ({"SECRET_KEY": "password" * 8}, "SECRET_KEY repeats itself"),
        ({"SECRET_KEY": "1234567890" * 5}, "SECRET_KEY repeats itself"),
        ({"ALLOWED_HOSTS": None}, "ALLOWED_HOSTS is empty"),
        ({"ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS is empty"),
        ({"ALLOWED_HOSTS": "look.example.org,*"}, "ALLOWED_HOSTS contains *"),
        ({"PUBLIC_URL": None}, "PUBLIC_URL is not set"),
        ({"PUBLIC_URL": "look.example.org"}, "PUBLIC_URL is 'look.example.org'"),
        ({"REDIS_URL": None}, "ALLOW_EMBEDDED=1"),
        ({"REDIS_URL": None, "ALLOW_EMBEDDED": "0"}, "ALLOW_EMBEDDED=1"),
        ({"DATABASE_URL": None}, "ALLOW_EMBEDDED=1"),
    ],
)
def test_each_trouble_is_named(change, trouble):
    environment = {name: value for name, value in (SOUND | change).items() if value is not None}
    (found,) = production_troubles(environment)
    assert trouble in found


def test_all_troubles_are_named_at_once():
    troubles = production_troubles({"SECRET_KEY": "a"})
    assert [trouble.split()[0] for trouble in troubles] == [
        "SECRET_KEY",
        "ALLOWED_HOSTS",
        "PUBLIC_URL",
        "DATABASE_URL",
    ]


def test_embedded_servers_can_be_allowed_and_use_the_key_of_their_data_dir():
    environment = {"ALLOWED_HOSTS": "h", "PUBLIC_URL": "http://h", "ALLOW_EMBEDDED": "1"}
    assert production_troubles(environment) == []


def test_a_plain_http_address_is_warned_of():
    assert unencrypted(SOUND | {"DEBUG": "0"}) is None
    assert unencrypted({"PUBLIC_URL": "http://10.0.0.5:8000"}) is None  # no production
    warning = unencrypted({"DEBUG": "0", "PUBLIC_URL": "http://10.0.0.5:8000"})
    assert warning is not None
    assert "PUBLIC_URL is http://10.0.0.5:8000" in warning


def test_the_line_to_type_holds_what_is_missing_and_no_more():
    line = production_line("10.0.0.5", 8000, {"SECRET_KEY": "a"}, ["python", "manage.py", "up"])
    assert line == (
        "DEBUG=0 SECRET_KEY='' ALLOWED_HOSTS=10.0.0.5 PUBLIC_URL=http://10.0.0.5:8000"
        " ALLOW_EMBEDDED=1 python manage.py up"
    )
    assert production_line("fd00::1", 80, SOUND, ["up"]) == "DEBUG=0 up"
    six = production_line("fd00::1", 80, {}, ["up"])
    assert "ALLOWED_HOSTS='[fd00::1]' PUBLIC_URL='http://[fd00::1]:80'" in six
