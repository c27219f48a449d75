"""People see a sentence where something fails, never Django's pages for developers."""

import logging
import re

import pytest
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.test import Client

from annotation.serving.error_pages import OneLine, WithReference
from tests.factories import make_dataset, make_user
from tests.studies.visitors import says


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


@pytest.fixture
def reader(db) -> Client:
    client = Client(raise_request_exception=False, enforce_csrf_checks=True)
    client.force_login(make_user("reader", "viewer"))
    return client


def test_a_researcher_sees_what_is_wrong_and_what_to_do_in_their_own_frame(reader):
    make_dataset(slug="small")
    for method, address, status, sentence in (
        ("get", "/admin/people/", 403, "This needs the role owner."),
        ("get", "/campaigns/nowhere/", 404, "your role does not show it"),
        ("get", "/admin/nowhere/", 404, "your role does not show it"),
        ("post", "/admin/tokens/", 403, "This page was out of date"),
    ):
        answer = getattr(reader, method)(address)
        assert answer.status_code == status
        page = says(answer)
        assert sentence in page
        assert "You are logged in as reader" in page
        assert 'href="/admin/tasks/campaign/"' in page
    for address, status in (("/admin/nowhere/", 302), ("/tasks/nowhere/at/all/", 404)):
        answer = Client().get(address)
        assert answer.status_code == status
        assert "logged in as" not in says(answer)
    assert "logged in as" not in says(reader.get("/tasks/nowhere/at/all/"))  # a worker's page


@pytest.mark.parametrize("address", ["/admin/tokens/", "/", "/api/datasets/"])
def test_a_failure_has_a_number_on_its_page_and_in_the_log(reader, monkeypatch, caplog, address):
    for place in (
        *("annotation.accounts.tokens.TemplateResponse", "annotation.site_pages.render"),
        "annotation.api.datasets.Datasets.get_queryset",
    ):
        monkeypatch.setattr(place, lambda *args, **kwargs: 1 / 0)
    answer = reader.get(address)
    assert answer.status_code == 500
    record = next(each for each in caplog.records if each.name == "django.request")
    assert WithReference().filter(record)
    number = re.search(r"\(reference (\w{8})\)", record.getMessage())[1]
    assert number in answer.content.decode()
    assert record.exc_info[0] is ZeroDivisionError
    assert "reference" in settings.LOGGING["handlers"]["console"]["filters"]


def test_where_the_frame_fails_too_a_failure_is_a_plain_page(reader, monkeypatch):
    monkeypatch.setattr("django.contrib.admin.site.each_context", lambda request: 1 / 0)
    answer = reader.get("/admin/tokens/")
    assert answer.status_code == 500
    assert "tell whoever runs the study this number" in says(answer)


def test_the_log_has_one_line_of_a_wrong_host():
    logger = settings.LOGGING["loggers"]["django.security.DisallowedHost"]
    assert (logger["handlers"], logger["propagate"]) == (["one line"], False)
    error = DisallowedHost("You may need to add 'x' to ALLOWED_HOSTS.")
    trace = (DisallowedHost, error, None)
    record = logging.LogRecord("x", logging.ERROR, "", 0, str(error), (), trace)
    assert OneLine().format(record) == "You may need to add 'x' to ALLOWED_HOSTS."
