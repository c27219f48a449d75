"""Who withdraws images and brings them back, and that no result or export holds them (V9)."""

import json

import pytest
from django.test import Client

from annotation.explorer.withdrawing import bring_back, withdraw
from annotation.exports.stream import Export
from annotation.report.campaigns import study_of
from annotation.report.document import report_of, text_of
from annotation.report.kept import keep, withdrawn_since
from imagesets.importing.import_dataset import import_dataset
from imagesets.models import Image
from tasks.campaigns.follow_up import counted_pairs
from tasks.models import Campaign, HITItem, KnownAnswer
from tasks.models.campaign import State
from tasks.results import aggregate
from tests.factories import (
    answer_truly,
    client_of,
    make_campaign,
    make_dataset,
    make_user,
    make_workers,
    random_answers,
    work_through,
)
from tests.studies.drawn_pictures import jpeg

pytestmark = pytest.mark.django_db


@pytest.fixture
def dataset():
    return make_dataset()


@pytest.fixture
def study(dataset) -> tuple[Campaign, Campaign]:
    """A CONTAINS campaign and its follow-up, answered and aggregated."""
    contains = make_campaign(dataset)
    work_through(contains, make_workers(2), answer_truly)
    aggregate(contains)
    follow_up = {"fu": 1, "mis": 1, "easy": 1}
    classify = make_campaign(dataset, "classify", source=contains, follow_up=follow_up)
    work_through(classify, make_workers(2), random_answers())
    aggregate(classify)
    return contains, classify


def address(image: Image, step: str) -> str:
    return f"/api/datasets/{image.dataset.slug}/images/{image.public_id}/{step}/"


def send(client, image: Image, step: str, **body: str):
    return client.post(address(image, step), json.dumps(body), content_type="application/json")


def test_a_form_sent_late_never_does_the_opposite(dataset):
    image, owner = dataset.images.first(), Client()
    owner.force_login(make_user("olga", "owner"))
    at = f"/datasets/{dataset.slug}/images/{image.public_id}/withdraw/"
    for _ in range(2):  # the second one of somebody who clicked twice, or came second
        reply = owner.post(at, {"why": "a face", "step": "withdraw"}, follow=True)
    assert "It was withdrawn after you opened" in reply.content.decode()
    assert dataset.images.filter(withdrawn_at=None).count() == dataset.images.count() - 1
    for _ in range(2):
        owner.post(at, {"why": "a statue", "step": "bring_back"})
    assert not dataset.images.exclude(withdrawn_at=None).exists()


def test_researchers_withdraw_owners_bring_back_and_all_is_logged(dataset, study):
    image = dataset.images.order_by("key")[0]
    roles = ("viewer", "reviewer", "researcher", "owner")
    viewer, reviewer, researcher, owner = (client_of(role, role) for role in roles)
    assert send(client_of("nobody"), image, "withdraw", why="a face").status_code == 404
    assert send(viewer, image, "withdraw", why="a face").status_code == 403
    assert send(reviewer, image, "withdraw", why="a face").status_code == 403
    assert send(researcher, image, "withdraw", why=" ").json() == {
        "why": ["This field may not be blank."]
    }
    assert Image.objects.filter(withdrawn_at=None).count() == 12
    (withdrawn,) = send(researcher, image, "withdraw", why="a face").json()
    assert withdrawn["withdrawn"]["by"] == "researcher"
    assert send(researcher, image, "withdraw", why="again").json() == [withdrawn]
    assert send(researcher, image, "bring_back", why="no face").status_code == 403
    listed = f"/api/datasets/{dataset.slug}/images/"
    for client, number in ((viewer, 11), (researcher, 12)):
        assert len(client.get(listed, {"page_size": 50}).json()["results"]) == number
    found = researcher.get(listed, {"withdrawn": "true"}).json()["results"]
    assert [row["key"] for row in found] == [image.key]
    (back,) = send(owner, image, "bring_back", why="no face").json()
    assert back["withdrawn"] is None
    log = image.withdrawals.values_list("withdrawn", "who", "why")
    assert list(log) == [(False, "owner", "no face"), (True, "researcher", "a face")]
    for campaign in study:
        of_image = campaign.transitions.filter(subject=f"image {image.key}")
        assert [row.after for row in of_image] == ["brought back", "withdrawn"]
    unknown = Image(dataset=dataset, public_id="x" * 16)
    assert send(owner, unknown, "withdraw", why="a face").status_code == 404
    assert researcher.get(listed, {"withdrawn": "yes"}).status_code == 400


def rows(campaign: Campaign, table: str) -> list[dict]:
    text = b"".join(Export(campaign, table, "jsonl")).decode()
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.django_db(transaction=True)  # exports have a connection of their own
def test_exports_and_report_are_those_of_a_study_without_it(study, dataset):
    contains, classify = study
    tables = [(contains, name) for name in ("judgments", "conditions", "selection_frequencies")]
    tables += [(classify, name) for name in ("judgments", "conditions", "annotations")]
    image = classify.hits.first().items.first().image
    before = {(campaign.pk, name): rows(campaign, name) for campaign, name in tables}
    full = report_of(dataset, *study)
    keep(text_of(full), study_of(dataset, contains))
    assert full["study"]["withdrawn"] == 0
    withdraw(image, "ada", "a face")
    assert withdrawn_since(study_of(dataset, contains)) == 1
    for campaign in study:
        aggregate(campaign)
    for campaign, name in tables:
        after = rows(campaign, name)
        kept = [row for row in before[campaign.pk, name] if row["image"] != image.key]
        fitted = {"posterior"}  # other answers change it
        assert [drop(row, fitted) for row in after] == [drop(row, fitted) for row in kept], name
        assert len(kept) < len(before[campaign.pk, name])
    report = report_of(dataset, *study)
    assert report["study"]["withdrawn"] == 1
    assert report["study"]["images"] == full["study"]["images"] - 1
    assert image.key not in text_of(report)
    bring_back(image, "boss", "no face")
    for campaign in study:
        aggregate(campaign)
    again = report_of(dataset, *study)
    assert again["figures"] == full["figures"]


def drop(row: dict, names: set[str]) -> dict:
    return {name: value for name, value in row.items() if name not in names}


def test_no_new_campaign_shows_it_as_study_or_control(dataset):
    gone, *others = dataset.images.order_by("key")
    label = dataset.labels.order_by("key").last()
    for image in (gone, *others[:3]):
        for present in (True, False):
            other = label if present else dataset.labels.order_by("key")[4]
            KnownAnswer.objects.create(dataset=dataset, image=image, label=other, present=present)
    withdraw(gone, "ada", "a face")
    drawn = {"per_label": 2, "seed": 0}
    some = make_campaign(dataset, slug="some", images=drawn, controls={"share": 0.5})
    shown = set(HITItem.objects.filter(hit__campaign=some).values_list("image", flat=True))
    assert gone.pk not in shown
    assert HITItem.objects.filter(hit__campaign=some, role="control").exists()
    named = make_campaign(dataset, slug="named", images=[gone.key, others[0].key])
    assert [row.image_id for row in named.campaign_images.all()] == [others[0].pk]
    assert gone.pk not in {pair.image for pair in counted_pairs(some)}


def test_another_image_is_drawn_in_its_place_but_never_later(dataset):
    """Of 12 images and 8 labels, the first 4 labels have two."""
    settings = {"images": {"per_label": 1, "seed": 3}, "controls": {"share": 0}}
    first = make_campaign(dataset, slug="first", **settings)
    asked = first.campaign_images.order_by("image__key").first().image
    assert dataset.images.filter(dataset_label=asked.dataset_label).count() == 2
    withdraw(asked, "ada", "a face")
    second = make_campaign(dataset, slug="second", **settings)
    labels = [row.image.dataset_label_id for row in second.campaign_images.all()]
    assert sorted(labels) == sorted(dataset.labels.values_list("pk", flat=True))
    kept = {row.image_id for row in first.campaign_images.all()} - {asked.pk}
    assert {row.image_id for row in second.campaign_images.all()} > kept


def test_a_round_opens_no_place_where_nothing_is_left(dataset):
    contains = make_campaign(dataset, workers_per_item=2, round_size=1, grid_size=1)
    alone = contains.hits.first()
    image = alone.items.get().image
    withdraw(image, "ada", "a face")
    work_through(contains, make_workers(2), answer_truly)
    assert contains.state == State.FINISHED
    assert not alone.places.exists()
    left = contains.hits.filter(asks_nothing=False)
    assert {hit.places.count() for hit in left} == {2}


def test_an_import_brings_it_back_under_no_key(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.jpg").write_bytes(jpeg(number, (40, 30)))
    dataset = import_dataset("dogs", folder).dataset
    image = dataset.images.get(key="1.jpg")
    withdraw(image, "ada", "a face")
    (folder / "again.jpg").write_bytes((folder / "1.jpg").read_bytes())
    report = import_dataset("dogs", folder)
    assert report.added == 1
    gone = Image.objects.exclude(withdrawn_at=None).order_by("key")
    assert [each.key for each in gone] == ["1.jpg", "again.jpg"]
    assert any("withdrawn under other keys" in line for line in report.findings())
    assert Image.objects.get(pk=image.pk).withdrawn_why == "a face"
