"""Two studies compared on the site and over the API: from kept reports, then from the queue."""

import html
import json
import re

import pytest
from django.core.cache import cache
from django.test import Client

from annotation.report import celery_tasks
from annotation.report.campaigns import studies_seen, study_of
from annotation.report.document import report_of, text_of
from annotation.report.kept import keep
from tasks.models import Campaign, KeptReport
from tasks.results import aggregate
from tests.factories import (
    make_campaign,
    make_dataset,
    make_user,
    make_workers,
    random_answers,
    work_through,
)
from tests.studies.answered_studies import make_answered_study

pytestmark = pytest.mark.django_db
PAGE, API = "/reports/compare/", "/api/comparisons/"


@pytest.fixture(autouse=True)
def queued(monkeypatch) -> list[tuple[int, int]]:
    """What the queue has been asked to compare."""
    cache.clear()
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(celery_tasks.compare_studies, "delay", lambda *ids: asked.append(ids))
    return asked


def report_on(slug: str) -> None:
    campaign = Campaign.objects.get(slug=slug)
    campaigns = study_of(campaign.dataset, campaign)
    keep(text_of(report_of(campaign.dataset, *campaigns)), campaigns)


@pytest.fixture(scope="module", autouse=True)
def again(module_db) -> Campaign:
    """A CONTAINS campaign on the dataset of the study of `grid` and `form`; both have reports."""
    dataset = make_dataset(6, 3)
    make_answered_study(dataset)
    again = make_campaign(dataset, slug="again")
    work_through(again, make_workers(3), random_answers())
    aggregate(again)
    for slug in ("grid", "again"):
        report_on(slug)
    return again


@pytest.fixture
def viewer() -> Client:
    client = Client()
    client.force_login(make_user("reader", "viewer"))
    return client


def said(client: Client, query: str = "") -> str:
    page = client.get(PAGE + query)
    assert page.status_code == 200
    return re.sub(r"\s+", " ", page.content.decode())


def test_side_by_side_at_once_and_with_differences_when_the_queue_has_them(again, viewer, queued):
    text = said(viewer, "?a=grid&b=again")
    assert "The queue is computing the differences" in text
    assert "form: 6 images of small" not in text  # studies are called by their first campaign
    assert "grid: 6 images of small" in text
    assert "Selection frequency of dataset labels</h2>" in text
    assert "can be said to differ" not in text
    said(viewer, "?a=form&b=again")  # the same study by its other campaign
    assert viewer.get(f"{API}?a=grid&b=again").status_code == 202
    ((first, second),) = queued  # asked once
    celery_tasks.compare_studies(first, second)

    compared = viewer.get(f"{API}?a=grid&b=again").json()
    row = compared["data"]["headlines"]["R10/dataset_label/mean_sf"]
    assert row["difference"] == pytest.approx(row["a"] - row["b"])
    text = said(viewer, "?a=grid&b=again")
    assert "The queue is" not in text
    assert f"{100 * row['a']:.1f} %" in text
    assert f"<td>{100 * row['difference']:.1f}</td>" in text
    charts = re.findall(r'src="(/reports/compare/chart/[^"]+)"', text)
    assert charts
    drawing = viewer.get(html.unescape(charts[0]))
    assert drawing["Content-Type"] == "image/svg+xml"
    assert viewer.get(f"{PAGE}chart/?a=grid&b=again&name=R99").status_code == 400

    aggregate(again)
    report_on("again")  # a new report of one study: the old comparison is not its
    assert "The queue is computing" in said(viewer, "?a=grid&b=again")
    assert len(queued) == 2


def test_what_stands_beside_each_other_before_is_what_is_compared(viewer, queued):
    before = said(viewer, "?a=grid&b=again")
    celery_tasks.compare_studies(*queued[0])
    after = said(viewer, "?a=grid&b=again")

    def figures(text: str) -> list[tuple[str, ...]]:
        row = r'<th scope="row">([^<]*)</th><td>([^<]*)</td><td>([^<]*)</td>'
        return re.findall(row, text)

    assert figures(before) == figures(after) != []


def test_why_two_studies_cannot_be_compared_is_said(again, viewer, queued):
    KeptReport.objects.all().delete()
    choose = said(viewer)
    assert 'value="again"' in choose
    assert choose.count("no report yet") == 4  # two studies, twice
    text = said(viewer, "?a=grid&b=again")
    assert "No report yet of form" in text.replace(Campaign.objects.get(slug="form").name, "form")
    assert "aggregate" in text
    assert "Both are the same study" in said(viewer, "?a=grid&b=form")
    report_on("grid")
    assert said(viewer, "?a=grid&b=again").count("No report yet of") == 1
    unread = make_campaign(again.dataset, "classify", slug="alone", images="all")
    work_through(unread, make_workers(3), random_answers())
    aggregate(unread)
    for slug in ("again", "alone"):
        report_on(slug)
    text = said(viewer, "?a=again&b=alone")
    assert "have no headline figure in common: again asked CONTAINS alone, alone CLASSIFY" in text
    for query, status in (("?a=grid", 400), ("?a=grid&b=form", 400), ("?a=grid&b=no", 404)):
        assert viewer.get(API + query).status_code == status
    assert queued == []


def test_a_comparison_that_fails_says_why(viewer, queued, monkeypatch):
    said(viewer, "?a=grid&b=again")

    def fails(*_: object) -> None:
        raise ValueError("a number is missing")

    monkeypatch.setattr("annotation.report.comparison_document.comparison_of", fails)
    celery_tasks.compare_studies(*queued[0])
    assert "could not be computed</strong>: ValueError: a number is missing" in said(
        viewer, "?a=grid&b=again"
    )
    assert "a number is missing" in viewer.get(f"{API}?a=grid&b=again").json()["detail"]


def test_whoever_does_not_see_both_studies_sees_no_comparison():
    client = Client()
    for campaign, listed in (("form", {"form"}), ("grid", set()), ("again", {"again"})):
        user = make_user(f"of-{campaign}", "viewer", Campaign.objects.get(slug=campaign))
        client.force_login(user)
        assert {(b or a).slug for a, b in studies_seen(user)} == listed
        assert client.get(PAGE).status_code == 200
        both = "?a=grid&b=again"
        for address in (PAGE + both, f"{PAGE}chart/{both}&name=R10-mean_sf", API + both):
            assert client.get(address).status_code == 404
    assert Client().get(PAGE).status_code == 302
    assert json.loads(Client().get(API).content)["detail"]
