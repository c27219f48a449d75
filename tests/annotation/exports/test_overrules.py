"""The table `overrules`: the verdicts as they stand, and of others' what one may read (rule E2)."""

import csv
import io

import pytest

from annotation.exports.stream import Export
from tasks.models import Campaign
from tasks.models.overrule import Verdict
from tasks.work.overruling import Given, give_verdicts
from tests.factories import client_of, make_campaign, make_dataset

pytestmark = pytest.mark.django_db(transaction=True)  # exports have a connection of their own


@pytest.fixture
def campaign() -> Campaign:
    dataset = make_dataset(4, 3)
    return make_campaign(dataset, images=["000.jpg", "001.jpg"])


def give(campaign: Campaign, number: int, who: str) -> None:
    """A verdict on two labels of the dataset's image of that number."""
    image = campaign.dataset.images.order_by("key")[number]
    first, second = campaign.dataset.labels.order_by("-key")[:2]
    said = {first.pk: Given(Verdict.PRESENT), second.pk: Given(Verdict.SAME_OBJECT_AS, first.pk)}
    give_verdicts(image, who, list(said), said, 'a "reason"')


def read(campaign: Campaign, client) -> set[tuple[str, str]]:
    """(image, expert) of the rows that the API gives."""
    address = f"/api/campaigns/{campaign.slug}/export/overrules.csv"
    text = b"".join(client.get(address).streaming_content).decode()
    return {(row["image"], row["who"]) for row in csv.DictReader(io.StringIO(text))}


def test_it_holds_the_verdicts_that_stand_on_the_campaigns_images(campaign):
    for number in (0, 1, 3):  # the last is not the campaign's
        give(campaign, number, "ada")
    give_verdicts(campaign.dataset.images.get(key="001.jpg"), "ada", labels(campaign), {}, "")
    text = b"".join(Export(campaign, "overrules", "csv")).decode()
    header, *rows = list(csv.reader(io.StringIO(text)))
    assert header == ["image", "label", "verdict", "reason", "who", "at"]
    assert [row[:-1] for row in rows] == [
        ["000.jpg", "n00000001", "same_object_as:n00000002", 'a "reason"', "ada"],
        ["000.jpg", "n00000002", "present", 'a "reason"', "ada"],
    ]
    lines = b"".join(Export(campaign, "overrules", "jsonl")).splitlines()
    assert len(lines) == 2
    campaign.dataset.images.update(
        withdrawn_at="2026-01-01T00:00Z", withdrawn_by="ada", withdrawn_why="a face"
    )
    assert b"".join(Export(campaign, "overrules", "jsonl")) == b""


def labels(campaign: Campaign) -> list[int]:
    return list(campaign.dataset.labels.values_list("pk", flat=True))


def test_who_makes_the_pass_reads_others_verdicts_only_where_they_have_given_theirs(campaign):
    for number in (0, 1):
        give(campaign, number, "ada")
    every = {("000.jpg", "ada"), ("001.jpg", "ada")}
    roles = ("viewer", "reviewer", "researcher", "owner")
    clients = {role: client_of(role, role) for role in roles}
    assert {role: read(campaign, client) for role, client in clients.items()} == {
        "viewer": every,
        "reviewer": set(),
        "researcher": every,
        "owner": every,
    }
    assert read(campaign, client_of("reviewer", scopes=["read"])) == set()  # still the same person
    for role in ("reviewer", "researcher"):
        give(campaign, 0, role)
        assert read(campaign, clients[role]) >= {("000.jpg", "ada"), ("000.jpg", role)}
        assert ("001.jpg", "ada") not in read(campaign, clients[role])
