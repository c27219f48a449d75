"""A campaign with a practice, and people who do it right or wrong."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpResponse
from django.test import Client

from imagesets.models import Dataset
from tasks.campaigns.publish import publish
from tasks.models import Campaign, KnownAnswer, PracticeItem
from tasks.simulation.worksheet import Option, Question, worksheet
from tests.factories import make_dataset
from tests.studies.odd_pictures import fields_of

PRACTICE = {"items": 4, "pass": 0.75, "tries": 2}
ASKED = 8  # images, the first of the dataset; known answers are of the others


def draft(folder: Path | None = None, **settings: Any) -> Campaign:
    """A draft for anyone that practises; 16 answers of each kind are known, of 8 labels."""
    dataset: Dataset = make_dataset(24, 8, folder=folder)
    labels = list(dataset.labels.order_by("key"))
    for number, image in enumerate(dataset.images.order_by("key")[ASKED:]):
        own, other = labels[number % 8], labels[(number + 4) % 8]
        for label, present in ((own, True), (other, False)):
            KnownAnswer.objects.create(
                dataset=dataset,
                image=image,
                label=label,
                present=present,
                explanation=f"Because of {image.key}." if present else "",
            )
    keys = list(dataset.images.order_by("key").values_list("key", flat=True)[:ASKED])
    defaults = {"slug": "practised", "open": "anyone", "images": keys, "practice": PRACTICE}
    defaults |= {"workers_per_item": 2, "round_size": 2, "grid_size": 6}
    return Campaign.objects.create(
        **{"name": "Practised", "kind": "contains", **defaults, **settings}, dataset=dataset
    )


def practising(folder: Path | None = None, **settings: Any) -> Campaign:
    """The draft, published."""
    campaign = draft(folder, **settings)
    publish(campaign, "a test")
    campaign.refresh_from_db()
    return campaign


def is_known(campaign: Campaign, question: Question, option: Option) -> bool:
    """What is known of a picture on a practice's page."""
    public_id = urlsplit(option.picture).path.strip("/").split("/")[-2]
    items = PracticeItem.objects.filter(hit__campaign=campaign, image__public_id=public_id)
    (item,) = [item for item in items if " or ".join(item.label.names) == question.words]
    return item.present


def filled_in(campaign: Campaign, html: str, wrong: int = 0) -> dict[str, list[str]]:
    """The fields of a practice's form, `wrong` of its pictures answered wrongly."""
    sheet = worksheet(html)
    assert sheet is not None, "the page has no form to fill in"
    left = wrong

    def choose(question: Question) -> list[Option]:
        nonlocal left
        chosen = []
        for option in question.named("selected"):
            flip, left = left > 0, left - 1
            if is_known(campaign, question, option) != flip:
                chosen.append(option)
        return chosen

    data: dict[str, list[str]] = {}
    for name, value in fields_of(sheet, choose):
        data.setdefault(name, []).append(value)
    return data


def reporting(campaign: Campaign, page: str, *numbers: int) -> dict[str, list[str]]:
    """The fields of a form filled in rightly that reports the pictures of these numbers."""
    data = filled_in(campaign, page)
    questions = worksheet(page).questions
    tiles = [option.value for question in questions for option in question.named("selected")]
    reported = [tiles[number] for number in numbers]
    data["selected"] = [tile for tile in data["selected"] if tile not in reported]
    data["none"] = [
        question.named("none")[0].value
        for question in questions
        if not {option.value for option in question.named("selected")} & set(data["selected"])
    ]
    return data | {"report": reported}


def practise(campaign: Campaign, client: Client, begun: HttpResponse, wrong: int = 0) -> str:
    """Do the practice that a response leads to; the address of what is right."""
    address = begun["Location"]
    assert "/practice/" in address, address
    html = client.get(address).content.decode()
    return client.post(address, filled_in(campaign, html, wrong))["Location"]


def go_on(client: Client, feedback: str) -> HttpResponse:
    """Press the button below what is right."""
    token = feedback.partition("assignmentId=")[2]
    return client.post(feedback, {"assignmentId": token, "go_on": "1"})
