"""People see a sentence where something fails, never Django's pages for developers."""

import logging
import re

import pytest
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.test import Client

from annotation.serving.error_pages import OneLine


def test_djangos_pages_for_developers_are_off_whatever_the_environment_says():
    from annotation import settings as project

    assert not project.PRODUCTION  # the suite runs with DEBUG as it is by default
    assert project.DEBUG is False


@pytest.mark.parametrize(
    ("host", "address", "status", "says"),
    [
        ("elsewhere.example:8000", "/tasks/", 400, "<code>ALLOWED_HOSTS</code>"),
        ("testserver", "/nowhere/", 404, "There is no such page"),
        ("testserver", "/", 500, "That is not your fault"),
    ],
)
def test_an_error_is_a_sentence_without_a_traceback(monkeypatch, host, address, status, says):
    monkeypatch.setattr("annotation.site_pages.render", lambda *args: 1 / 0)
    answer = Client(raise_request_exception=False).get(address, headers={"host": host})
    page = answer.content.decode()
    assert answer.status_code == status
    assert says in page
    assert '<meta name="viewport"' in page
    assert not re.search("Traceback|ZeroDivision|DATABASES|urlpatterns", page)


@pytest.mark.django_db
def test_a_form_without_its_token_is_told_to_reload():
    answer = Client(enforce_csrf_checks=True).post("/admin/login/", {"username": "a"})
    assert answer.status_code == 403
    assert "This page was out of date" in answer.content.decode()


def test_the_log_has_one_line_of_a_wrong_host():
    logger = settings.LOGGING["loggers"]["django.security.DisallowedHost"]
    assert (logger["handlers"], logger["propagate"]) == (["one line"], False)
    error = DisallowedHost("You may need to add 'x' to ALLOWED_HOSTS.")
    trace = (DisallowedHost, error, None)
    record = logging.LogRecord("x", logging.ERROR, "", 0, str(error), (), trace)
    assert OneLine().format(record) == "You may need to add 'x' to ALLOWED_HOSTS."
