"""A malformed stored response breaks no consumer, and each reads the same of it: nothing."""

import csv
import io
from typing import Any

import pytest
from django.utils import timezone

from annotation.exports import Export
from tasks.aggregation import control_skill
from tasks.models import HIT, Assignment, Campaign, CampaignImage, HITItem, Worker
from tasks.models.refused import Refused
from tasks.results import aggregate
from tasks.work.skills import _known

STUDY, CONTROL = 0, 1  # positions


@pytest.fixture
def campaign(dataset) -> Campaign:
    """A CLASSIFY campaign of one HIT: an image of the study, and a control that shows label 0."""
    campaign = Campaign.objects.create(
        name="Classify", slug="classify", dataset=dataset, kind="classify"
    )
    images, labels = dataset.images.order_by("key"), dataset.labels.order_by("key")
    hit = HIT.objects.create(campaign=campaign, key="h")
    CampaignImage.objects.create(campaign=campaign, image=images[0])
    HITItem.objects.create(hit=hit, position=STUDY, image=images[0])
    HITItem.objects.create(
        hit=hit, position=CONTROL, image=images[1], label=labels[0], role="control", known=True
    )
    return campaign


@pytest.fixture
def good(dataset) -> dict[str, Any]:
    """A response that checks the first of two labels."""
    first, second = dataset.labels.order_by("key").values_list("pk", flat=True)[:2]
    return {"offered": [first, second], "selected": [first], "main": first, "other": ""}


def answered(campaign: Campaign, name: str, answers: Any) -> Assignment:
    return Assignment.objects.create(
        campaign=campaign,
        hit=campaign.hits.get(),
        worker=Worker.of("local", name),
        key=name,
        state="submitted",
        outcome="accepted",
        submitted_at=timezone.now(),
        shown=[STUDY, CONTROL],
        answers=answers,
    )


def exported(campaign: Campaign) -> dict[tuple[str, str], dict[str, str]]:
    """The rows of `judgments` by assignment and control."""
    text = b"".join(Export(campaign, "judgments", "csv")).decode()
    return {(row["assignment"], row["control"]): row for row in csv.DictReader(io.StringIO(text))}


def known_to_review(campaign: Campaign) -> list[tuple[int, int]]:
    """(present, answer) of each label offered on a control, as review counts them."""
    judged = _known(campaign, sorted(Worker.objects.values_list("pk", flat=True)))
    return sorted(zip(judged.present.tolist(), judged.answer.tolist(), strict=True))


# No response at all: as an image that the worker did not see.
NO_RESPONSE = [None, [], [None, None], ["text", 3], {"0": 1}, "text"]

UNREADABLE = {
    "selected is missing": {"selected": ...},
    "selected is a number": {"selected": 7},
    "selected is a text": {"selected": "7"},
    "selected is an object": {"selected": {"7": 1}},
    "selected is null": {"selected": None},
}
STRANGE = {
    "a text is selected": {"selected": ["tabby"]},
    "a text of digits is selected": {"selected": ["7"]},
    "a list is selected": {"selected": [[7]]},
    "null is selected": {"selected": [None]},
    "a fraction is selected": {"selected": [1.5]},
    "a huge number is selected": {"selected": [10**30]},
    "a negative number is selected": {"selected": [-1]},
    "main is a text": {"main": "tabby"},
    "main is a text of digits": {"main": "7"},
    "main is a fraction": {"main": 1.5},
    "main is a huge number": {"main": 10**30},
    "main is a list": {"main": [7]},
}
NO_OFFER = {
    "offered is missing": {"offered": ...},
    "offered is a text": {"offered": "7"},
    "offered is null": {"offered": None},
    "texts are offered": {"offered": ["tabby", "7", None, 1.5, 10**30, [7], -1.0]},
}


def but(good: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in (good | change).items() if value is not ...}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("answers", NO_RESPONSE, ids=repr)
def test_without_a_response_there_is_no_judgment(campaign, good, answers):
    answered(campaign, "ann", [good, good])
    answered(campaign, "bob", answers)
    rows = exported(campaign)
    for control in ("true", "false"):
        row = rows["bob", control]
        assert (row["offered"], row["selected"], row["main"]) == ("", "", "")
    assert known_to_review(campaign) == [(0, 0), (1, 1)]  # Ann's
    run = aggregate(campaign)
    assert (run.counts["responses"], run.counts["controls"]) == (1, 1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("change", [UNREADABLE, STRANGE], ids=["unreadable", "strange"])
def test_a_malformed_selection_is_refused_by_name_and_exported_without_it(campaign, good, change):
    answered(campaign, "ann", [good, good])
    bob = answered(campaign, "bob", None)
    for name, fields in change.items():
        bob.answers = [but(good, fields), good]
        bob.save()
        with pytest.raises(Refused, match=r"assignment bob: the stored answer to image '000\.jpg'"):
            aggregate(campaign)
        row = exported(campaign)["bob", "false"]
        field = next(iter(fields))
        empty = "" if field == "main" or change is UNREADABLE else "[]"
        assert row[field] == empty, name
        assert row["offered"] == '["n00000000", "n00000001"]'


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("change", [UNREADABLE, NO_OFFER], ids=["unreadable", "no offer"])
def test_a_malformed_response_to_a_control_is_in_no_skill(campaign, good, change):
    answered(campaign, "ann", [good, good])
    bob = answered(campaign, "bob", None)
    for name, fields in change.items():
        bob.answers = [good, but(good, fields)]
        bob.save()
        assert known_to_review(campaign) == [(0, 0), (1, 1)], name
        aggregate(campaign)
        accuracy = dict(
            campaign.worker_results.values_list("worker__external_id", "control_accuracy")
        )
        assert accuracy == {"ann": 1.0, "bob": None}, name
        exported(campaign)


def test_review_and_results_count_a_control_alike(campaign, good):
    second = good["offered"][1]
    answered(campaign, "ann", [good, but(good, {"selected": [second], "main": second})])
    judged = _known(campaign, sorted(Worker.objects.values_list("pk", flat=True)))
    skill = control_skill(judged.worker, judged.present, judged.answer, 1)
    aggregate(campaign)
    assert campaign.worker_results.get().control_accuracy == skill.accuracy[0] == 0.0
