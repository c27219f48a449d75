"""A role for one campaign shows it, its dataset and its source, and nothing of other studies."""

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from tasks.models import Assignment, Campaign, Worker
from tests.factories import client_of, make_user, make_workers
from tests.studies.answered_studies import make_two_studies

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def made(module_db) -> Campaign:
    return make_two_studies()


@pytest.fixture
def study(made) -> Campaign:
    return Campaign.objects.get(pk=made.pk)


@pytest.fixture
def reader(study, client) -> Client:
    client.force_login(make_user("reader", "viewer", study))
    return client


def page(model: type, name: str = "changelist", *args: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


def test_the_api_lists_only_what_the_role_shows(study):
    api = client_of("reader", "viewer", campaign=study)
    for path, key, shown in (
        ("campaigns", "slug", {"form", "grid"}),
        ("datasets", "slug", {"small"}),
    ):
        results = api.get(f"/api/{path}/").json()["results"]
        assert {row[key] for row in results} == shown
    for hidden in ("campaigns/elsewhere/", "datasets/otherset/", "datasets/otherset/images/"):
        assert api.get(f"/api/{hidden}").status_code == 404


def test_no_list_or_filter_of_the_admin_shows_another_study(study, reader):
    elsewhere = Campaign.objects.get(slug="elsewhere")
    for model in admin.site._registry:
        answer = reader.get(page(model))
        if answer.status_code == 403:
            continue
        text = answer.content.decode()
        assert "elsewhere" not in text, model
        assert "otherset" not in text, model
        fields = {field.name for field in model._meta.fields}
        for name, hidden in (("campaign", elsewhere), ("dataset", elsewhere.dataset)):
            if name in fields:
                rows = answer.context["cl"].queryset
                assert rows.exists(), model
                assert not rows.filter(**{name: hidden}).exists(), model


def test_choices_and_searches_know_no_other_study(study, reader):
    asked = {"app_label": "tasks", "model_name": "campaign", "field_name": "source", "term": "e"}
    found = reader.get(reverse("admin:autocomplete"), asked).json()["results"]
    assert {row["text"] for row in found} <= {"form", "grid"}
    hidden = Assignment.objects.filter(campaign__slug="elsewhere")[0]
    found = reader.get(page(Assignment), {"q": hidden.key})
    assert not found.context["cl"].result_list
    assert reader.get(page(Assignment, "change", hidden.pk)).status_code == 404


def test_a_workers_page_counts_only_what_its_reader_sees(study, reader):
    worker = make_workers(2)[1]
    seen = Assignment.objects.filter(worker=worker, campaign__slug__in=["grid", "form"])
    text = reader.get(page(Worker, "change", worker.pk)).content.decode()
    assert f">{seen.count():,}</a>" in text
    assert seen.count() < Assignment.objects.filter(worker=worker).count()
    assert "a secret reason" not in text
    assert worker.external_id not in text
    assert "a secret reason" not in reader.get(page(Worker)).content.decode()


def test_only_campaigns_that_one_may_review_can_be_chosen_to_set_aside_in(study, client):
    client.force_login(make_user("judge", "reviewer", study))
    worker = make_workers(3)[2]
    asked = client.get(page(Worker, "set_aside", worker.pk)).content.decode()
    assert "grid" in asked
    assert "elsewhere" not in asked
    elsewhere = Campaign.objects.get(slug="elsewhere")
    choice = {"campaign": elsewhere.pk, "why": "spite"}
    assert client.post(page(Worker, "set_aside", worker.pk), choice).status_code == 422
    assert not worker.stops.exists()


def test_settings_cannot_name_what_one_does_not_see(study):
    draft = Campaign.objects.create(
        name="Draft", slug="draft", dataset=study.dataset, kind="classify"
    )
    api = client_of("maker", "researcher", campaign=draft)

    def change(**settings: object) -> tuple[int, str]:
        answer = api.patch("/api/campaigns/draft/", settings, content_type="application/json")
        return answer.status_code, answer.content.decode()

    for slug in ("elsewhere", "nowhere"):
        for settings in ({"source": slug}, {"controls": {"campaigns": [slug]}}):
            status, text = change(**settings)
            assert (status, f"There is no campaign {slug}." in text) == (400, True)
    assert change(dataset="otherset") == change(dataset="otherset")
    assert change(dataset="otherset")[0] == 400
    make_user("maker", "viewer")  # of the whole site: now they see it, and may not take it over
    assert change(source="grid")[0] == 403
    draft.refresh_from_db()
    assert draft.source is None


def test_nobody_outside_a_campaign_makes_campaigns_and_datasets(study, client):
    api = client_of("maker", "researcher", campaign=study)
    body = {"name": "New", "dataset": "small", "kind": "contains"}
    assert api.post("/api/campaigns/", body, content_type="application/json").status_code == 403
    client.force_login(make_user("maker"))
    for slug, may in (("small", True), ("otherset", False), ("new", False)):
        answer = client.post(reverse("import-dataset"), {"slug": slug, "address": "s3://b/p/"})
        refused = b"Your role does not let you import" in answer.content
        assert (answer.status_code, refused) == ((302, False) if may else (422, True))
