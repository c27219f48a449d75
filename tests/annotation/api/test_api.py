"""The API: tokens, lists by cursor, steps of a campaign, and errors that are never HTML."""

import json
import os

import pytest
from django.core.management import call_command
from django.test import Client, override_settings
from openapi_spec_validator import validate

from annotation.exports import Export
from tasks.models import Campaign, Transition
from tests.factories import (
    client_of,
    make_awkward_dataset,
    make_campaign,
    make_workers,
    random_answers,
    work_through,
)
from tests.studies.fair import open_for_business

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> Client:
    return client_of("staff", "researcher", spend=True)


@pytest.fixture
def dataset(tmp_path):
    return make_awkward_dataset(tmp_path / "pictures")


def post(api, path, body=None):
    return api.post(path, body or {}, content_type="application/json")


def walk(api, path) -> list[dict]:
    """All results of a list, page by page."""
    found, pages = [], 0
    while path:
        page = api.get(path)
        assert page.status_code == 200, page.content
        assert set(page.json()) == {"next", "results"}
        found += page.json()["results"]
        path = page.json()["next"]
        pages += 1
    assert pages > 1
    return found


def test_only_people_with_a_role_and_a_token_or_a_login_enter(dataset):
    assert Client().get("/api/datasets/").status_code == 401
    wrong = Client(headers={"authorization": "Token 0123456789"})
    assert wrong.get("/api/datasets/").json() == {"detail": "Invalid token."}
    assert client_of("nobody").get("/api/campaigns/").status_code == 403
    assert client_of("reader", "viewer").get("/api/datasets/").status_code == 200


def test_lists_of_a_dataset_by_cursor(api, dataset):
    at = "/api/datasets/tiny/"
    assert api.get(at).json()["images"] == 7
    images = walk(api, at + "images/?page_size=2")
    assert [i["key"] for i in images] == sorted(dataset.images.values_list("key", flat=True))
    assert images[0]["dataset_label"] == "325"
    assert {label["key"] for label in walk(api, at + "labels/?page_size=3")} == {
        "325",
        "n02123045",
        "α,β",
        'l"m',
    }
    assert [c["name"] for c in walk(api, at + "classifiers/?page_size=1")] == ["first", "second"]
    predictions = walk(api, at + "predictions/?page_size=5")
    assert len(predictions) == 14
    first = next(p for p in predictions if p["image"] == "f.png" and p["classifier"] == "first")
    assert first == {
        "image": "f.png",
        "classifier": "first",
        "labels": ['l"m', "325"],
        "scores": [0.6, 0.25],
    }
    only = api.get(at + "predictions/", {"image": "f.png", "classifier": "second"}).json()
    assert [p["classifier"] for p in only["results"]] == ["second"]


def test_lists_cost_the_same_number_of_queries_however_long(
    api, dataset, django_assert_max_num_queries
):
    for path in ("images", "labels", "predictions"):
        with django_assert_max_num_queries(7):
            api.get(f"/api/datasets/tiny/{path}/")
    for number in range(4):
        make_campaign(dataset, slug=f"c{number}")
    with django_assert_max_num_queries(16):  # ten of them count how far all of them are
        assert len(api.get("/api/campaigns/").json()["results"]) == 4


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/", 404),
        ("/api/nowhere/", 404),
        ("/api/campaigns", 404),
        ("/api/campaigns/none/", 404),
        ("/api/datasets/none/images/", 404),
        ("/api/campaigns/?colour=red", 400),
        ("/api/campaigns/?kind=%00", 400),
        ("/api/campaigns/?page_size=many", 400),
        ("/api/campaigns/?page_size=0", 400),
        ("/api/datasets/tiny/images/?cursor=nonsense", 404),
        ("/api/datasets/tiny/images/?cursor=cD0lMDA%3D", 404),
        ("/api/datasets/tiny/predictions/?cursor=cD1hYmM%3D", 404),
        ("/api/campaigns/none/export/judgments.csv", 404),
    ],
)
def test_errors_are_json(api, dataset, path, status):
    answer = api.get(path)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json()


def test_a_post_to_nowhere_is_a_404_for_a_strict_client_too(dataset):
    strict = Client(enforce_csrf_checks=True)
    for path in ("/api/nowhere/", "/api/campaigns/a%20b/publish/"):
        answer = strict.post(path, {}, content_type="application/json")
        assert (answer.status_code, list(answer.json())) == (404, ["detail"])


def test_a_failure_of_ours_and_a_wrong_host_are_json_too(api, dataset, monkeypatch):
    def fails(*args, **kwargs):
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr("annotation.api.datasets.Datasets.get_queryset", fails)
    for debug in (True, False):
        with override_settings(DEBUG=debug):
            answer = api.get("/api/datasets/")
            assert answer.status_code == 500
            assert list(answer.json()) == ["detail"]
            assert answer.json()["detail"].startswith("Internal Server Error.")
    answer = api.get("/api/datasets/", headers={"host": "elsewhere.example"})
    assert (answer.status_code, answer.json()) == (400, {"detail": "Bad Request."})
    answer = api.post("/api/campaigns/", "{not json", content_type="application/json")
    assert (answer.status_code, list(answer.json())) == (400, ["detail"])


def test_a_wrong_media_type_is_told_with_those_that_are_taken(api, dataset):
    campaign = make_campaign(dataset, slug="grid")
    json = "Send the header Content-Type: application/json"
    for path, taken in {
        "/api/campaigns/": json,
        f"/api/campaigns/{campaign.slug}/publish/": json,
        f"/api/campaigns/{campaign.slug}/responses/": f"{json} or application/x-ndjson or",
    }.items():
        for body in ({"name": "a form"}, "a,b"):
            kind = {} if isinstance(body, dict) else {"content_type": "text/csv"}
            answer = api.post(path, body, **kind)
            assert answer.status_code == 415
            assert taken in answer.json()["detail"]


def test_a_filter_refuses_what_no_row_can_have(api, dataset):
    make_campaign(dataset, slug="grid")
    assert len(api.get("/api/campaigns/?kind=contains").json()["results"]) == 1
    for query in ("kind=CONTAINS", "state=opened"):
        answer = api.get(f"/api/campaigns/?{query}")
        name, _, value = query.partition("=")
        assert answer.status_code == 400
        assert f"Unknown: {value}. Known: " in answer.json()[name][0]
        assert "Did you mean" in answer.json()[name][0]


def test_the_reply_of_publish_has_the_link(api, dataset, settings):
    draft = {"name": "Grid", "dataset": "tiny", "kind": "contains"}
    made = post(api, "/api/campaigns/", draft).json()
    settings.PUBLIC_URL = "https://look.example"
    published = post(api, "/api/campaigns/grid/publish/").json()
    assert published["link"] == f"https://look.example/tasks/{made['public_id']}/"


def test_a_campaign_from_draft_to_results(api, dataset):
    made = post(api, "/api/campaigns/", {"name": "My Grid", "dataset": "tiny", "kind": "contains"})
    assert made.status_code == 201, made.content
    assert made.json()["state"] == "draft"
    at = "/api/campaigns/my-grid/"
    changed = api.patch(at, {"workers_per_item": 2}, content_type="application/json")
    assert changed.json()["workers_per_item"] == 2
    assert post(api, at + "resume/").status_code == 409
    published = post(api, at + "publish/")
    assert published.status_code == 200, published.content
    assert (published.json()["state"], published.json()["round"]) == ("open", 1)
    assert published.json()["target"] == 2
    both = {"instructions": "Look twice.", "grid_size": 7}
    refused = api.patch(at, both, content_type="application/json")
    assert refused.status_code == 400
    assert "campaign my-grid is open. Only these can: " in refused.json()["grid_size"][0]
    both = {"instructions": {"en": "Look twice.", "de": "Zweimal."}, "languages": ["en", "de"]}
    later = api.patch(at, both, content_type="application/json")
    assert {name: later.json()[name] for name in both} == both
    logged = Transition.objects.get(subject="setting instructions")
    assert json.loads(logged.why) == {"before": "", "after": both["instructions"]}
    assert post(api, at + "pause/", {"why": "lunch"}).json()["state"] == "paused"
    assert post(api, at + "pause/", {"because": "lunch"}).status_code == 400
    assert post(api, at + "resume/").json()["state"] == "open"
    assert api.get(at + "export/selection_frequencies.csv").status_code == 409
    work_through(Campaign.objects.get(slug="my-grid"), make_workers(2), random_answers())
    run = post(api, at + "aggregate/")
    assert run.json()["counts"]["workers"] == 2
    assert post(api, at + "close/").json()["state"] == "closed"
    refused = post(api, at + "publish/")
    assert refused.status_code == 409
    assert "closed" in refused.json()["detail"]
    assert Campaign.objects.get().transitions.filter(who="staff", why="lunch").exists()


def test_what_an_import_froze_of_a_source_cannot_be_changed(api, dataset):
    source = make_draft(dataset, slug="grid")
    draft = Campaign.objects.create(slug="follow", kind="classify", dataset=dataset, source=source)

    def change(**settings):
        return api.patch(
            "/api/campaigns/follow/", settings | {"name": "F"}, content_type="application/json"
        )

    assert change(follow_up="all").status_code == 200
    draft.hits.create(key="imported")
    refused = change(follow_up={"fu": 1}, min_judgments=3)
    assert refused.status_code == 400
    assert list(refused.json()) == ["follow_up", "min_judgments"]
    assert change().status_code == 200


def test_a_sync_over_the_api(api, dataset):
    campaign = make_campaign(dataset, slug="grid")
    work_through(campaign, make_workers(1), random_answers())
    done = post(api, "/api/campaigns/grid/sync/")
    assert done.status_code == 200, done.content
    assert done.json()["state"] == "open"
    assert done.json()["reviewed"] == {"accepted": 0, "rejected": 0, "set_aside": 0, "stopped": 0}
    assert post(api, "/api/campaigns/grid/sync/", {"now": True}).status_code == 400
    made = {"name": "Draft", "dataset": "tiny", "kind": "contains"}
    post(api, "/api/campaigns/", made)
    refused = post(api, "/api/campaigns/draft/sync/")
    assert refused.status_code == 409
    assert "publish it first" in refused.json()["detail"]


def test_publishing_over_the_api_knows_real_money(api, dataset, monkeypatch):
    open_for_business(monkeypatch)
    campaign = make_draft(
        dataset, slug="paid", crowd="fair", sandbox=False, budget="90.00", contact="us"
    )
    at = "/api/campaigns/paid/publish/"
    assert "--yes-spend" in post(api, at).json()["detail"]
    for body in ({"production": True}, {"production": True, "yes_spend": "9.00"}):
        refused = post(api, at, body)
        assert refused.status_code == 409
        assert "budget is $90.00" in refused.json()["detail"]
    for yes_spend in (90, "90,00"):
        wrong = post(api, at, {"production": True, "yes_spend": yes_spend})
        assert wrong.status_code == 400
    assert not campaign.hits.exists()
    done = post(api, at, {"production": True, "yes_spend": "90"})
    assert done.status_code == 200, done.content
    assert done.json()["state"] == "open"


def make_draft(dataset, **fields) -> Campaign:
    made = Campaign.objects.create(
        name=fields["slug"].title(), dataset=dataset, kind="contains", **fields
    )
    made.refresh_from_db()
    return made


@pytest.mark.django_db(transaction=True)
def test_exports_have_the_bytes_of_the_command(dataset, tmp_path):
    campaign = make_campaign(dataset, slug="grid")
    work_through(campaign, make_workers(1), random_answers())
    api = client_of("reader", "viewer")
    for extension in ("csv", "jsonl"):
        answer = api.get(
            f"/api/campaigns/grid/export/judgments.{extension}", headers={"accept": "text/csv"}
        )
        assert answer.status_code == 200
        assert answer.streaming
        assert answer.getvalue() == b"".join(Export(campaign, "judgments", extension))
    wrong = api.get("/api/campaigns/grid/export/annotations.csv", headers={"accept": "text/csv"})
    assert wrong.status_code == 404
    assert "judgments, selection_frequencies" in wrong.json()["detail"]
    assert api.get("/api/campaigns/grid/export/judgments.parquet").status_code == 404
    raw = "/api/campaigns/grid/export/judgments.csv?raw_workers=1"
    assert api.get(raw).status_code == 403
    trusted = client_of("trusted", "viewer", raw_workers=True)
    assert b"person-0@example.org" in trusted.get(raw).getvalue()


def test_the_schema_is_valid_and_the_site_serves_its_docs(api):
    answer = api.get("/api/schema/", headers={"accept": "application/json"})
    schema = answer.json()
    validate(schema)
    assert "/api/campaigns/{slug}/export/{table}.{extension}" in schema["paths"]
    assert set(schema["paths"]["/api/campaigns/"]) == {"get", "post"}
    call_command("spectacular", validate=True, fail_on_warn=True, file=os.devnull)
    page = api.get("/api/docs/").content.decode()
    assert "/static/drf_spectacular_sidecar/" in page
    assert "//cdn" not in page
