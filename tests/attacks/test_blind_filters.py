"""No filter of a list tells what its pages do not show, letter by letter."""

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse

from annotation.admin.guarded import Guarded
from tests.factories import client_of, make_dataset, make_user

pytestmark = pytest.mark.django_db
SECRETS = ("token", "external_id", "password", "digest", "location", "value", "key", "request_key")
ENDINGS = ("", "__exact", "__startswith", "__contains", "__regex", "__gt", "__in", "__isnull")


@pytest.fixture
def reader() -> Client:
    make_dataset()
    client = Client()
    client.force_login(make_user("boss", "owner"))
    return client


@pytest.mark.parametrize(
    ("rows", "lookup"),
    [
        ("tasks_assignment", "token__startswith"),
        ("tasks_assignment", "token"),
        ("tasks_assignment", "worker__external_id__startswith"),
        ("tasks_assignment", "campaign__assignments__token__startswith"),
        ("tasks_worker", "external_id__startswith"),
        ("tasks_worker", "external_id__gt"),
        ("tasks_stop", "worker__external_id__regex"),
        ("tasks_hit", "assignments__token__startswith"),
        ("tasks_payment", "assignment__token__startswith"),
        ("tasks_workerresult", "worker__external_id__startswith"),
        ("tasks_transition", "assignment__worker__external_id__startswith"),
        ("imagesets_image", "location__startswith"),
        ("auth_user", "password__startswith"),
        ("auth_user", "auth_token_set__digest__startswith"),
        ("annotation_token", "auth_token__digest__startswith"),
        ("annotation_token", "auth_token__user__password__startswith"),
        ("annotation_grant", "user__password__startswith"),
    ],
)
def test_the_admin_refuses_to_filter_by_it(reader, rows, lookup):
    answer = reader.get(reverse(f"admin:{rows}_changelist"), {lookup: "a"})
    assert answer.status_code == 400


def test_no_list_filters_by_a_field_that_holds_a_secret(rf):
    """Of every table, and of the tables that it refers to and that refer to it."""
    request = rf.get("/")
    request.user = get_user_model()(is_superuser=True)
    for model, model_admin in admin.site._registry.items():
        assert isinstance(model_admin, Guarded), model
        for path in _paths(model, steps=2):
            for ending in ENDINGS:
                assert not model_admin.lookup_allowed(path + ending, "a", request), (model, path)


def _paths(model: type, steps: int, prefix: str = "") -> list[str]:
    paths = []
    for field in model._meta.get_fields():
        if field.concrete and field.name in SECRETS:
            paths.append(prefix + field.name)
        if field.is_relation and steps:
            paths += _paths(field.related_model, steps - 1, f"{prefix}{field.name}__")
    return paths


def test_links_between_pages_still_filter(reader):
    for page, lookup in (
        ("tasks_assignment", "worker__id__exact"),
        ("tasks_assignment", "hit__id__exact"),
        ("tasks_pairresult", "pair__campaign__id__exact"),
        ("models_inference_prediction", "classifier__id__exact"),
        ("tasks_assignment", "state__exact"),
        ("tasks_assignment", "for_person__exact"),
        ("tasks_assignment", "round"),
        ("tasks_pairresult", "sf_from"),
    ):
        answer = reader.get(reverse(f"admin:{page}_changelist"), {lookup: "1"})
        assert answer.status_code == 200, (page, lookup)


def test_the_api_filters_by_what_it_shows_alone(reader):
    api = client_of("boss")
    for path in ("campaigns", "datasets", "datasets/small/images", "datasets/small/predictions"):
        for lookup in ("token__startswith", "location__startswith", "key__startswith", "id__gt"):
            assert api.get(f"/api/{path}/", {lookup: "a"}).status_code == 400


@pytest.mark.parametrize("missing", ["0", "x", "\N{SUPERSCRIPT TWO}", "9" * 400, "_5F", "1/2"])
def test_a_step_of_a_row_that_is_not_there_is_404(client, missing):
    client.force_login(get_user_model().objects.create_superuser("root"))
    pages = [
        *(f"tasks/campaign/{missing}/{step}" for step in ("publish", "pause", "resume", "close")),
        *(f"tasks/campaign/{missing}/{step}" for step in ("sync", "aggregate", "change", "delete")),
        *(f"tasks/assignment/{missing}/{step}" for step in ("accept", "reject", "overturn")),
        f"tasks/assignment/{missing}/bonus",
        f"tasks/worker/{missing}/aside",
        f"models_inference/inferencejob/{missing}/again",
        f"auth/user/{missing}/change",
        f"imagesets/dataset/{missing}/explore",
        f"annotation/token/{missing}/delete",
    ]
    for page in pages:
        assert client.get(f"/admin/{page}/").status_code == 404, page
        assert client.post(f"/admin/{page}/", {"why": ""}).status_code == 404, page
