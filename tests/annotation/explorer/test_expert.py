"""The expert pass: verdicts beside the crowd's, a reason where they overrule it, no peeking (E)."""

import re

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from imagesets.models import Dataset, Image
from tasks.models import Campaign, ImageResult, Overrule, PairResult
from tests.factories import make_user
from tests.studies.answered_studies import make_two_studies

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def made(module_db) -> Campaign:
    return make_two_studies()


@pytest.fixture
def study(made) -> Campaign:
    return Campaign.objects.get(pk=made.pk)


@pytest.fixture
def dataset(study) -> Dataset:
    return study.dataset


def expert(name: str, role: str = "reviewer") -> Client:
    """Somebody's browser; their role is given when they first come."""
    user = make_user(name)
    client = Client(raise_request_exception=False)
    client.force_login(user if user.grants.exists() else make_user(name, role))
    return client


PASS = "/datasets/small/images/expert/?campaign=form"


def at(image: Image) -> str:
    return f"{PASS}&at={image.public_id}"


def give(client: Client, image: Image, why: str = "", **verdicts: str):
    """Send verdicts by label's key; "same:KEY" for the same object as another label."""
    ids = dict(image.dataset.labels.values_list("key", "pk"))
    form = {"image": image.public_id, "why": why}
    for key, said in verdicts.items():
        verdict, _, other = said.partition(":")
        form[f"verdict-{ids[key]}"] = verdict
        if other:
            form[f"same-{ids[key]}"] = str(ids[other])
    return client.post(PASS, form)


def candidates(image: Image) -> list[str]:
    """The keys of its candidates in CONTAINS, those that most selected first."""
    rows = PairResult.objects.filter(pair__campaign__slug="grid", pair__image=image)
    return list(rows.order_by("-sf", "pair__label__key").values_list("pair__label__key", flat=True))


def current(image: Image) -> list[tuple[str, str, str]]:
    rows = Overrule.objects.filter(image=image, replaced_at=None).order_by("label__key", "who")
    return list(rows.values_list("label__key", "verdict", "who"))


def test_a_pass_leads_from_image_to_image_and_comes_back_where_one_stopped(dataset):
    ada = expert("ada")
    page = ada.get(PASS)
    images = list(page.context["view"].images(page.context["view"].ids.tolist()))
    assert page.context["image"] == images[0]
    assert "1 of 6" in page.content.decode()
    for number, image in enumerate(images):
        reply = give(ada, image, "I looked", **{candidates(image)[0]: "present"})
        assert reply.status_code == 302, ada.get(at(image)).content.decode()
        if number < 5:
            assert reply["Location"].endswith(f"at={images[number + 1].public_id}")
    end = ada.get(PASS)
    assert "judged all 6 images" in end.content.decode()
    Overrule.objects.filter(image=images[3]).update(replaced_at="2030-01-01T00:00Z")
    assert ada.get(PASS).context["image"] == images[3]
    assert expert("ben").get(PASS).context["image"] == images[0]  # their own place
    empty = ada.get(PASS + "&text=nothing-like-it")
    assert "No image matches" in empty.content.decode()
    assert ada.get(PASS + "&group=nonsense").status_code == 400


def test_a_verdict_against_the_crowd_needs_a_reason_and_changes_no_result(dataset):
    image = dataset.images.order_by("key")[0]
    most, *_, least = candidates(image)
    pairs = PairResult.objects.filter(pair__image=image)
    pairs.filter(pair__label__key=most).update(selected=2, shown=2, sf=1)
    pairs.filter(pair__label__key=least).update(selected=0, shown=2, sf=0)
    before = list(pairs.order_by("pk").values()), list(ImageResult.objects.values())
    ada = expert("ada")
    refused = give(ada, image, **{most: "absent", least: "absent"})
    assert refused.status_code == 422
    assert "You overrule the crowd on" in refused.content.decode()
    kept = re.findall(r'value="(\w+)"[^>]* checked', refused.content.decode())
    assert kept == ["absent", "absent"]
    assert current(image) == []
    assert give(ada, image, **{least: "absent"}).status_code == 302  # with the crowd
    assert give(ada, image, "a drawing", **{most: "absent"}).status_code == 302
    assert current(image) == [(most, "absent", "ada")]
    assert (list(pairs.order_by("pk").values()), list(ImageResult.objects.values())) == before


def test_verdicts_are_revised_and_taken_back_and_their_history_stays(dataset):
    image = dataset.images.order_by("key")[1]
    first, second, *_ = candidates(image)
    ada = expert("ada")
    give(ada, image, "clear", **{first: "main", second: f"same_object_as:{first}"})
    give(ada, image, "clear", **{first: "main", second: f"same_object_as:{first}"})
    assert Overrule.objects.filter(image=image).count() == 2  # the same again
    give(ada, image, "clear", **{first: "main", second: "absent"})
    assert current(image) == sorted([(first, "main", "ada"), (second, "absent", "ada")])
    ada.post(PASS, {"image": image.public_id, "take_back": "1"})
    assert current(image) == []
    assert Overrule.objects.filter(image=image).count() == 3
    page = ada.get(at(image)).content.decode()
    assert page.count("revised since") == 3


@pytest.mark.parametrize(
    ("verdicts", "says"),
    [
        ({}, "at least"),
        ({0: "main", 1: "main"}, "main one"),
        ({0: "same_object_as"}, "which other label"),
        ({0: "same_object_as:1", 1: "absent"}, "cannot be the same object"),
        ({0: "perhaps"}, "not on this page"),
    ],
)
def test_what_contradicts_itself_is_refused_and_changes_nothing(dataset, verdicts, says):
    image = dataset.images.order_by("key")[2]
    keys = candidates(image)
    said = {
        keys[number]: verdict.replace(":1", f":{keys[1]}") for number, verdict in verdicts.items()
    }
    reply = give(expert("ada"), image, "why", **said)
    assert reply.status_code == 422
    assert says in reply.content.decode()
    assert not Overrule.objects.exists()


def test_an_expert_sees_anothers_verdicts_only_after_giving_their_own(dataset):
    first, second = dataset.images.order_by("key")[:2]
    for image in (first, second):
        give(expert("ada"), image, "ada's reason", **{candidates(image)[0]: "absent"})
    readers = {
        "ben": expert("ben"),
        "boss": expert("boss", "owner"),  # who may make the pass too
    }
    for others, (name, ben) in enumerate(readers.items(), start=1):
        for page in (at(first), f"/datasets/small/images/{first.public_id}/?campaign=form"):
            text = ben.get(page).content.decode()
            assert "ada" not in text.replace("data", ""), page
            assert f"{others} other expert" in text
        give(ben, first, f"{name}'s reason", **{candidates(first)[0]: "present"})
        for page in (at(first), f"/datasets/small/images/{first.public_id}/?campaign=form"):
            assert "ada&#x27;s reason" in ben.get(page).content.decode()
        assert "ada" not in ben.get(at(second)).content.decode().replace("data", "")


def test_only_reviewers_make_the_pass_and_no_withdrawn_image_is_in_it(dataset):
    assert expert("eve", "viewer").get(PASS).status_code == 403
    image = dataset.images.order_by("key")[0]
    dataset.images.filter(pk=image.pk).update(
        withdrawn_at="2026-01-01T00:00Z", withdrawn_by="ada", withdrawn_why="a face"
    )
    ada = expert("ada")
    assert ada.get(PASS).context["of"] == 5
    assert ada.get(at(image)).status_code == 400
    assert give(ada, image, "why", **{candidates(image)[0]: "present"}).status_code == 400
    listed = expert("rae", "researcher").get("/datasets/small/images/?campaign=form&withdrawn=yes")
    assert [card.image for card in listed.context["cards"]] == [image]
    own = f"/datasets/small/images/{image.public_id}/"
    assert ada.get(own).status_code == 404
    assert expert("rae").get(own).status_code == 200
    assert ada.get("/datasets/small/images/?withdrawn=yes").status_code == 400


def test_the_database_keeps_one_verdict_of_an_expert_on_a_label(dataset):
    image = dataset.images.order_by("key")[0]
    label, other = dataset.labels.order_by("key")[:2]
    Overrule.objects.create(image=image, label=label, verdict="present", who="ada")
    wrong = [
        {"verdict": "absent", "label": label},
        {"verdict": "same_object_as", "label": other},
        {"verdict": "same_object_as", "label": other, "same_as": other},
        {"verdict": "present", "label": other, "same_as": label},
        {"verdict": "perhaps", "label": other},
    ]
    for values in wrong:
        with pytest.raises(IntegrityError), transaction.atomic():
            Overrule.objects.create(image=image, who="ada", **values)
