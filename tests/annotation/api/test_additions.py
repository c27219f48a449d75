"""Campaigns that ask what a new classifier names and nobody judged: `--missing-for` and its API."""

import json
import re

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command

from models_inference.models import Classifier, Prediction
from tasks.campaigns.publish import close, publish
from tasks.models import Campaign
from tests.factories import (
    client_of,
    make_campaign,
    make_dataset,
    make_workers,
    work_through,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def made(module_db) -> Campaign:
    """A finished campaign on four of six images, which `first` and `second` name labels of.

    Image i has dataset label i; those two name labels i, i + 1 and i + 2 of 6. The third classifier
    names i + 2, i + 3 and i + 4; its predictions came later.
    """
    dataset = make_dataset(6, 6)
    keys = [f"{n:03d}.jpg" for n in range(4)]
    campaign = make_campaign(dataset, slug="grid", images=keys, wage="12.00", maybe=True)
    work_through(campaign, make_workers(2))
    labels = list(dataset.labels.order_by("key").values_list("pk", flat=True))
    third = Classifier.objects.create(dataset=dataset, name="third")
    for n, image in enumerate(dataset.images.order_by("key")):
        named = [labels[(n + step) % 6] for step in (3, 2, 4)]
        Prediction.objects.create(
            classifier=third, image=image, labels=named, scores=[0.5, 0.3, 0.2]
        )
    return campaign


@pytest.fixture
def first(made) -> Campaign:
    return Campaign.objects.get(pk=made.pk)


def asked(campaign: Campaign) -> set[tuple[str, str]]:
    return set(campaign.pairs.values_list("image__key", "label__key"))


def wanted(*steps: int) -> set[tuple[str, str]]:
    return {(f"{n:03d}.jpg", f"n{(n + step) % 6:08d}") for n in range(4) for step in steps}


def test_it_asks_what_the_classifier_names_and_nobody_judged(first, capsys):
    call_command("create_campaign", missing_for="third", of="grid")
    assert "It asks 8 pairs" in capsys.readouterr().out
    made = Campaign.objects.get(adds_to=first)
    assert (made.state, made.kind, made.slug) == ("draft", "contains", "grid-third")
    for setting in ("crowd", "wage", "maybe", "workers_per_item", "grid_size", "images"):
        assert getattr(made, setting) == getattr(first, setting)
    assert made.candidates == {"classifiers": ["third"], "k": 5, "min_models": 1}
    publish(made, who="a test")
    assert asked(made) == wanted(3, 4)
    # Those who worked on the first campaign may work on this one.
    assert work_through(made, make_workers(2)) > 0
    assert Campaign.objects.get(pk=made.pk).state == "finished"
    with pytest.raises(CommandError, match=r"slug: There is a campaign grid-third already"):
        call_command("create_campaign", missing_for="third", of="grid")
    Campaign.objects.filter(pk=made.pk).update(slug="another")
    with pytest.raises(CommandError, match=r"missing_for: Nothing is missing: in grid, or"):
        call_command("create_campaign", missing_for="third", of="grid")


def test_a_file_gives_other_settings(first, tmp_path, capsys):
    file = tmp_path / "more.json"
    given = {"slug": "more", "workers_per_item": 5, "candidates": {"k": 1}}
    file.write_text(json.dumps(given))
    call_command("create_campaign", str(file), missing_for="third", of="grid")
    assert "It asks 4 pairs of grid's images" in capsys.readouterr().out
    made = Campaign.objects.get(slug="more")
    assert (made.workers_per_item, made.wage) == (5, first.wage)
    publish(made, who="a test")
    assert asked(made) == wanted(3)
    # What that one still asks, a second draft leaves out; once it has ended, only what it judged.
    call_command("create_campaign", missing_for="third", of="grid")
    second = Campaign.objects.get(slug="grid-third")
    publish(second, who="a test")
    assert asked(second) == wanted(4)


def test_pairs_that_nobody_saw_are_missing_too(first, tmp_path):
    part = make_campaign(first.dataset, slug="part", images=first.images, workers_per_item=2)
    close(part, "a test")
    call_command("create_campaign", missing_for="third", of="part")
    made = Campaign.objects.get(adds_to=part)
    publish(made, who="a test")
    assert asked(made) == wanted(2, 3, 4)


@pytest.mark.parametrize(
    ("name", "of", "error"),
    [
        ("fourth", "grid", "missing_for: Not of dataset small: fourth. It has: "),
        ("empty", "grid", "missing_for: Classifier empty has no predictions"),
        ("first", "grid", "missing_for: Nothing is missing"),
        ("third", "gird", "of: There is no campaign gird. Did you mean grid?"),
        ("third", "form", "of: Campaign form is of kind classify: it must be contains."),
        ("third", "draft", "of: Campaign draft is draft: it must be finished or closed."),
        ("third", "added", "of: Campaign added adds to grid itself"),
    ],
)
def test_it_is_refused_in_a_sentence(first, name, of, error):
    dataset = first.dataset
    Classifier.objects.create(dataset=dataset, name="empty")
    common = {"dataset": dataset, "name": "x"}
    Campaign.objects.create(slug="form", kind="classify", **common)
    Campaign.objects.create(slug="draft", kind="contains", **common)
    Campaign.objects.create(slug="added", kind="contains", adds_to=first, **common)
    before = Campaign.objects.count()
    with pytest.raises(CommandError, match=re.escape(error)):
        call_command("create_campaign", missing_for=name, of=of)
    assert Campaign.objects.count() == before


def test_half_a_wish_is_wrong_usage():
    for given in ({"missing_for": "x"}, {"of": "x"}, {}):
        with pytest.raises(CommandError, match="--missing-for CLASSIFIER") as error:
            call_command("create_campaign", **given)
        assert error.value.returncode == 2


def test_the_api_takes_the_same(first):
    client = client_of("ruth", "researcher")

    def post(**body):
        return client.post("/api/campaigns/", body, content_type="application/json")

    answer = post(missing_for="third", of="grid", candidates={"k": 1}, name="Top one")
    assert answer.status_code == 201
    made = answer.json()
    assert (made["slug"], made["adds_to"], made["state"]) == ("top-one", "grid", "draft")
    assert made["candidates"] == {"classifiers": ["third"], "k": 1, "min_models": 1}
    listed = client.get("/api/campaigns/?adds_to=grid").json()["results"]
    assert [campaign["slug"] for campaign in listed] == ["top-one"]
    for body, field in [
        ({"missing_for": "third"}, "of"),
        ({"of": "grid"}, "missing_for"),
        ({"missing_for": 3, "of": "grid"}, "missing_for"),
        ({"missing_for": "third", "of": "grid", "dataset": "small"}, "dataset"),
        ({"missing_for": "third", "of": "grid", "colour": "red"}, "colour"),
        ({"missing_for": "third", "of": "grid", "candidates": {"classifiers": []}}, "candidates"),
    ]:
        refused = post(**body)
        assert refused.status_code == 400
        assert list(refused.json()) == [field]
    changed = client.patch(
        "/api/campaigns/top-one/", {"kind": "classify"}, content_type="application/json"
    )
    assert changed.json() == {"kind": ["It adds to grid: it must be contains."]}


def test_the_campaigns_page_makes_the_draft_too(first, client):
    client.force_login(get_user_model().objects.create_superuser("root"))
    page = f"/admin/tasks/campaign/{first.pk}/missing/"
    assert b"third" in client.get(page).content
    answer = client.post(page, {"classifier": "first"})
    assert answer.status_code == 422
    assert b"Nothing is missing" in answer.content
    answer = client.post(page, {"classifier": "third"})
    made = Campaign.objects.get(adds_to=first)
    assert answer.headers["Location"] == f"/campaigns/{made.slug}/"
    shown = client.get(answer.headers["Location"]).content.decode()
    assert f'adds to <a href="/campaigns/{first.slug}/">' in shown
