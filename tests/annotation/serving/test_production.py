"""What a site in production refuses to start with."""

import pytest

from annotation.serving.production import DEFAULT_SECRET, production_troubles

SOUND = {
    "SECRET_KEY": "a secret of its own",
    "ALLOWED_HOSTS": "look.example.org",
    "DATABASE_URL": "postgres://somewhere/db",
    "REDIS_URL": "redis://somewhere",
}


def test_a_sound_environment_has_no_troubles():
    assert production_troubles(SOUND) == []


@pytest.mark.parametrize(
    ("change", "trouble"),
    [
        ({"SECRET_KEY": None}, "SECRET_KEY is the default"),
        ({"SECRET_KEY": DEFAULT_SECRET}, "SECRET_KEY is the default"),
        ({"ALLOWED_HOSTS": None}, "ALLOWED_HOSTS is empty"),
        ({"ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS is empty"),
        ({"DATABASE_URL": None}, "ALLOW_EMBEDDED=1"),
        ({"REDIS_URL": None}, "ALLOW_EMBEDDED=1"),
        ({"REDIS_URL": None, "ALLOW_EMBEDDED": "0"}, "ALLOW_EMBEDDED=1"),
    ],
)
def test_each_trouble_is_named(change, trouble):
    environment = {name: value for name, value in (SOUND | change).items() if value is not None}
    (found,) = production_troubles(environment)
    assert trouble in found


def test_all_troubles_are_named_at_once():
    assert len(production_troubles({})) == 3


def test_embedded_servers_can_be_allowed():
    environment = {"SECRET_KEY": "x", "ALLOWED_HOSTS": "h", "ALLOW_EMBEDDED": "1"}
    assert production_troubles(environment) == []
