"""The report that the queue keeps, and the API that serves it."""

import json
from copy import copy
from decimal import Decimal

import pytest
from django.core.management import call_command

from annotation.management.commands import report as report_command
from annotation.report.campaigns import study_of
from annotation.report.celery_tasks import compute_report
from annotation.report.kept import kept_report
from annotation.report.page import drawings
from annotation.report.paper import paper_values
from tasks.models import Campaign, KeptReport
from tasks.results import aggregate
from tests.factories import make_dataset, make_user
from tests.studies.answered_studies import make_answered_study

pytestmark = pytest.mark.django_db
URL = "/api/datasets/small/report/"


@pytest.fixture(autouse=True)
def drawn(monkeypatch) -> list[str]:
    """The versions whose charts were drawn, all of them; to draw them takes long."""
    versions: list[str] = []
    monkeypatch.setattr(drawings, "draw_all", lambda version, charts: versions.append(version))
    return versions


@pytest.fixture
def campaigns() -> tuple[Campaign, Campaign]:
    return make_answered_study(make_dataset(9, 4))


def test_it_is_what_the_command_writes_and_not_computed_again(
    campaigns, drawn, admin_client, tmp_path, monkeypatch
):
    contains, form = campaigns
    aggregate(form)
    compute_report(contains.pk)
    first = KeptReport.objects.get()
    assert first.run == form.runs.latest()  # of the study's last campaign
    monkeypatch.setattr(report_command, "charts_of_figure", lambda report, name: [])
    call_command("report", "small", "--out", str(tmp_path), verbosity=0)
    compute_report(form.pk)
    kept = KeptReport.objects.get()
    assert drawn == [drawings.version_of(each.document) for each in (first, kept)]
    assert kept.run == form.runs.latest() != first.run
    assert kept.document == (tmp_path / "report.json").read_text()

    monkeypatch.setattr("annotation.report.document.load_study", None)
    for address in (URL, f"{URL}?campaign=grid", f"{URL}?campaign=form"):
        response = admin_client.get(address)
        assert (response.status_code, response["Content-Type"]) == (200, "application/json")
        assert response.json() == json.loads(kept.document) == kept_report((contains, form))


@pytest.mark.django_db(transaction=True)  # a failure is logged in a transaction of its own
def test_it_says_why_there_is_none_and_what_to_do(campaigns, admin_client, monkeypatch):
    contains, form = campaigns
    form.runs.all().delete()

    def answer(query: str = "") -> tuple[int, str]:
        response = admin_client.get(URL + query)
        return response.status_code, str(response.json())

    assert answer("?campaign=nobody") == (
        404,
        "{'detail': 'Dataset small has no campaign nobody.'}",
    )
    assert answer("?campain=grid")[0] == 400
    compute_report(contains.pk)  # waits for the other campaign
    assert not KeptReport.objects.exists()
    status, detail = answer()
    assert status == 404
    assert "form has no results" in detail
    assert "POST /api/campaigns/form/aggregate/" in detail
    aggregate(form)
    assert answer()[0] == 202

    def fails(*_: object, **__: object) -> None:
        raise ValueError("a number is missing")

    with monkeypatch.context() as patch:
        patch.setattr("annotation.report.document.report_of", fails)
        compute_report(form.pk)
    status, detail = answer()
    assert status == 404
    assert "ValueError: a number is missing" in detail
    aggregate(form)
    assert answer()[0] == 202
    compute_report(form.pk)
    assert answer()[0] == 200


def test_whoever_sees_one_campaign_alone_does_not_see_the_reports_of_others(campaigns, client):
    contains, form = campaigns
    compute_report(form.pk)
    for campaign, status in ((contains, 404), (form, 200)):  # a role for form is one for grid too
        client.force_login(make_user(f"of-{campaign.slug}", "viewer", campaign=campaign))
        assert client.get(URL).status_code == status
    assert study_of(contains.dataset) == (contains, form)


def test_the_papers_values_stand_beside_studies_by_its_rules(campaigns):
    contains, form = campaigns
    for campaign in campaigns:
        campaign.workers_per_item = 9
    assert set(paper_values(contains, None)) == {"R7", "R9", "R10"}
    assert set(paper_values(contains, form)) == {"R1", "R3", "R5", "R7", "R9", "R10"}
    for field, other in (("workers_per_item", 5), ("maybe", True), ("candidates", {"k": 3})):
        assert paper_values(changed(contains, **{field: other}), form) == {}
    for field, other in (("workers_per_item", 5), ("min_relative_sf", Decimal("0.4"))):
        assert paper_values(contains, changed(form, **{field: other})) == {}


def changed(campaign: Campaign, **fields: object) -> Campaign:
    changed = copy(campaign)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed
