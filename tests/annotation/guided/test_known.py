"""Known answers in the step "Quality": picked by a click, or brought as a table."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from imagesets.clock import Now
from tasks.models import Campaign, HITItem, KnownAnswer
from tests.factories import make_campaign, make_dataset, make_user

pytestmark = pytest.mark.django_db
AT = "/campaigns/draft/steps/"


@pytest.fixture
def draft() -> Campaign:
    """It asks what two of twelve images show; no image but these is asked about."""
    return Campaign.objects.create(
        name="Draft",
        slug="draft",
        dataset=make_dataset(),
        kind="contains",
        images=["000.jpg", "001.jpg"],
        controls={"share": 0.5, "campaigns": [], "min_accuracy": None, "min_items": 20},
    )


@pytest.fixture
def ada(client, draft) -> Client:
    client.force_login(make_user("ada", "researcher"))
    return client


def grid(client: Client, **query: str) -> dict:
    return client.get(f"{AT}known/", query).context


def mark(client: Client, image: str, label: str, answer: str, status: int = 200) -> None:
    at = {"image": image, "label": label, "answer": answer}
    assert client.post(f"{AT}known/", at, headers={"HX-Request": "true"}).status_code == status


def kinds(client: Client) -> dict[str, tuple]:
    """By name: how many controls of a kind there are, and stand in HITs."""
    effect = client.get(f"{AT}quality/").context["effect"]
    return {kind.name: (kind.exist, kind.drawn) for kind in effect.kinds}


def bring(client: Client, text: str):
    file = SimpleUploadedFile("answers.csv", text.encode())
    return client.post(f"{AT}known/table/", {"file": file}, headers={"HX-Request": "true"})


def test_a_click_settles_a_pair_and_another_takes_it_back(ada, draft):
    shown = grid(ada)
    label, tiles = shown["label"], shown["tiles"]
    assert label in [choice.label for choice in shown["choices"]]
    asked = {"000.jpg", "001.jpg"}
    candidates = {pair["picture"].key for pair in tiles}
    assert len(candidates) >= 10
    assert candidates - asked == {image.key for image in draft.dataset.images.all()} - asked
    known_to_show, known_not_to = "known to show its label", "known not to show it"
    assert kinds(ada)[known_to_show] == (0, 0)
    first, second, *_ = [tile["id"] for tile in tiles]
    mark(ada, first, label.key, "yes")
    mark(ada, second, label.key, "no")
    assert kinds(ada)[known_to_show] == kinds(ada)[known_not_to] == (1, 1)
    assert not HITItem.objects.exists()
    mark(ada, first, label.key, "no")
    assert kinds(ada)[known_to_show] == (0, 0)
    assert kinds(ada)[known_not_to][0] == 2
    again = grid(ada, label=label.key)["tiles"]
    assert {tile["id"] for tile in again[:2]} == {first, second}
    assert [tile["present"] for tile in again[:3]] == [False, False, None]
    mark(ada, first, label.key, "undo")
    mark(ada, second, label.key, "undo")
    assert not KnownAnswer.objects.exists()
    mark(ada, first, label.key, "perhaps", status=400)
    mark(ada, "nowhere", label.key, "yes", status=400)
    draft.dataset.images.filter(public_id=first).update(
        withdrawn_at=Now(), withdrawn_by="ada", withdrawn_why="asked to"
    )
    mark(ada, first, label.key, "yes", status=400)
    assert first not in {tile["id"] for tile in grid(ada, label=label.key)["tiles"]}


def test_pictures_that_a_classifier_names_come_first_and_more_goes_on(ada, draft, monkeypatch):
    monkeypatch.setattr("annotation.guided.known.ON_A_PAGE", 4)
    seen, after = [], ""
    while True:
        page = grid(ada, after=after)
        seen += [tile["picture"].key for tile in page["tiles"]]
        if not (after := page["more"]):
            break
    label = page["label"]
    assert len(seen) == len(set(seen)) >= 10
    named = {
        image.key
        for image in draft.dataset.images.all()
        if image.dataset_label_id == label.pk
        or any(label.pk in prediction.labels for prediction in image.predictions.all())
    }
    first = [key in named for key in seen]
    assert first == sorted(first, reverse=True)


def test_a_campaign_that_asks_all_candidates_says_what_to_do(ada, draft):
    assert "Leave some pictures out" not in ada.get(f"{AT}quality/").content.decode()
    Campaign.objects.update(images="all")
    assert "Leave some pictures out" in ada.get(f"{AT}quality/").content.decode()


def test_a_table_is_imported_whole_or_not_at_all(ada, draft):
    label = draft.dataset.labels.all()[0].key
    rows = f"image,label,present,explanation\n005.jpg,{label},true,It is there\n"
    page = bring(ada, rows + "006.jpg,nothing,true,\n").content.decode()
    assert "Nothing was imported" in page
    assert re.search(r"answers\.csv.*row 3.*nothing", page)
    assert not KnownAnswer.objects.exists()
    reply = bring(ada, rows + f"006.jpg,{label},no,\n")
    assert "2 known answers added" in reply.content.decode()
    assert reply["HX-Trigger"] == "known"
    assert "2 were known" in bring(ada, rows + f"006.jpg,{label},no,\n").content.decode()
    assert KnownAnswer.objects.get(present=True).explanation == "It is there"
    assert "Choose a file" in ada.post(f"{AT}known/table/", follow=True).content.decode()


def test_only_a_researcher_of_a_draft_settles_pairs(ada, draft, client):
    other = make_campaign(draft.dataset, slug="other")
    label, image = draft.dataset.labels.all()[0], draft.dataset.images.all()[5]
    at = {"image": image.public_id, "label": label.key, "answer": "yes"}
    assert ada.post(f"/campaigns/{other.slug}/steps/known/", at).status_code == 409
    client.force_login(make_user("vera", "viewer"))
    assert client.post(f"{AT}known/", at).status_code == 403
    assert not KnownAnswer.objects.exists()


def test_labels_of_one_name_are_told_apart_by_their_keys(ada, draft):
    twins = [choice.label for choice in grid(ada)["choices"]][:2]
    for label in twins:
        label.names = ["crane"]
        label.save()
    titles = [choice.title for choice in grid(ada)["choices"]]
    assert [title for title in titles if "crane" in title] == sorted(
        f"crane ({label.key})" for label in twins
    )


def test_a_choice_without_anything_to_choose_says_so(ada):
    form = ada.get(f"{AT}quality/").context["form"]
    assert form["controls.campaigns"].help_text.endswith("There is none yet.")
