"""What a campaign practises on: drawn from the known answers, never asked, never a control (V7)."""

from collections import Counter
from decimal import Decimal

import pytest

from tasks.campaigns.practice import Known, draw
from tasks.campaigns.publish import preview, publish
from tasks.models import (
    Campaign,
    CampaignLabel,
    HITItem,
    KnownAnswer,
    Pair,
    PracticeHIT,
    PracticeItem,
)
from tasks.models.refused import Refused
from tasks.work.rounds import open_round
from tests.studies.practised import draft, practising

pytestmark = pytest.mark.django_db


def pairs(rows) -> set[tuple[int, int]]:
    return set(rows.values_list("image_id", "label_id"))


def test_items_are_neither_asked_nor_controls_nor_practised_twice():
    controls = {"share": 0.4, "campaigns": [], "min_accuracy": None, "min_items": 20}
    campaign = practising(controls=controls, practice={"items": 5, "pass": 0.6, "tries": 3})
    KnownAnswer.objects.update(explanation="changed later")
    items = PracticeItem.objects.filter(hit__campaign=campaign)
    strong = HITItem.objects.filter(hit__campaign=campaign, role="control", weak=False)
    assert len(pairs(items)) == items.count() == 15
    assert strong.exists()
    assert not pairs(items) & (pairs(Pair.objects.all()) | pairs(strong))
    for hit in PracticeHIT.objects.all():
        assert Counter(hit.items.values_list("present", flat=True)) == {True: 2, False: 3}
        assert hit.items.values("image").distinct().count() == 5
    assert not items.filter(explanation="changed later").exists()
    frozen = CampaignLabel.objects.filter(campaign=campaign).values("label")
    assert not items.exclude(label__in=frozen).exists()


def test_the_same_seed_draws_the_same_and_asked_labels_come_first():
    known = [Known(i, label, i % 2 == 0, "") for label in (1, 2, 3) for i in range(20)]
    drawn = draw(known, 4, 2, asked={2}, seed=7)
    assert drawn == draw(known, 4, 2, asked={2}, seed=7)
    assert {answer.label_id for items in drawn for answer in items} == {2}
    assert not set(drawn[0]) & set(drawn[1])
    larger = draw(known, 12, 1, asked={2}, seed=7)[0]
    assert {answer.label_id for answer in larger} == {1, 2, 3}


def test_a_later_try_shows_fresh_images_as_long_as_there_are_any():
    known = [Known(i, 1, i % 2 == 0, "") for i in range(4)]
    known += [Known(i, 2, i % 2 == 1, "") for i in range(8)]
    for seed in range(20):
        first, second, third = draw(known, 4, 3, asked={1}, seed=seed)
        images = {answer.image_id for answer in first} | {answer.image_id for answer in second}
        assert len(images) == 8
        assert len(third) == 4


def test_too_few_known_answers_are_named_before_anything_is_laid_out():
    campaign = draft(practice={"items": 10, "pass": 0.75, "tries": 4})
    with pytest.raises(Refused, match=r"20 present and 20 absent; there are 16 and 16 .*import"):
        publish(campaign, "a test")
    campaign.refresh_from_db()
    assert campaign.state == "draft"
    assert not campaign.pairs.exists()
    # Enough on the whole, but the campaign asks most of them.
    Campaign.objects.update(practice={"items": 8, "pass": 0.75, "tries": 2}, images="all")
    campaign.refresh_from_db()
    with pytest.raises(Refused, match="8 present and 8 absent; there are 0 and 16"):
        preview(campaign)


def test_a_marketplace_that_gives_out_its_hits_has_no_practice():
    with pytest.raises(Refused, match="mturk gives out the HITs by itself"):
        publish(draft(crowd="mturk", budget=Decimal(100)), "a test")


def test_what_it_costs_is_said_and_each_round_leaves_room_for_it():
    campaign = draft(reward=Decimal("0.10"), workers_per_item=4)
    published = preview(campaign)
    assert "at most 2 tries, which cost $0.20 beside the HITs" in " ".join(published.notes)
    round_1 = published.first_round.total
    Campaign.objects.update(budget=round_1 + Decimal("0.39"))
    with pytest.raises(Refused, match=r"and the practice of new people \$0.40, and its budget"):
        publish(campaign, "a test")
    Campaign.objects.update(budget=round_1 + Decimal("0.40"))
    publish(campaign, "a test")
    assert campaign.round == 1
    Campaign.objects.update(budget=2 * round_1 + Decimal("0.39"))
    assert not open_round(campaign, 1, "a test")
    Campaign.objects.update(budget=2 * round_1 + Decimal("0.40"))
    assert open_round(campaign, 1, "a test", recheck=True)
