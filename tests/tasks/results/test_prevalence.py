"""Each section's expected and observed share of positives (rule F5)."""

from collections import defaultdict

import pytest

from tasks.models import HITItem, Section
from tasks.results import aggregate
from tasks.results.prevalence import bands
from tasks.work.stops import set_aside
from tests.factories import answer_no, answer_truly, work_through

# By how far the label is from the image's own: two classifiers gave it .6 and .25, or one of them.
CHANCE = {0: 1.0, 1: 0.425, 2: 0.125}


@pytest.fixture
def tiles(campaign) -> dict[tuple[int, int], list[HITItem]]:
    """The study's items by HIT and section."""
    items_by_section = defaultdict(list)
    for item in HITItem.objects.filter(pair__isnull=False).select_related("image", "label"):
        items_by_section[item.hit_id, item.section].append(item)
    return items_by_section


def test_what_is_expected_is_kept_at_layout(campaign, tiles):
    sections = {(section.hit_id, section.number): section for section in Section.objects.all()}
    assert set(sections) == set(tiles)
    for where, items in tiles.items():
        steps = [(int(i.label.key[1:]) - int(i.image.key[:3])) % 8 for i in items]
        expected = sum(CHANCE[step] for step in steps) / len(steps)
        assert sections[where].expected == pytest.approx(expected)
        assert sections[where].tiles == len(items)
        assert {i.label_id for i in items} == {sections[where].label_id}


def test_what_was_selected_of_it_is_kept_at_aggregation(campaign, tiles, workers):
    ada, bob, eve = workers(3)
    for worker, answer in ((ada, answer_truly), (bob, answer_no), (eve, answer_truly)):
        work_through(campaign, worker, answer)
    set_aside(campaign, eve, "careless", "a test")
    aggregate(campaign)
    for section in Section.objects.all():
        items = tiles[section.hit_id, section.number]
        own = sum(item.label_id == item.image.dataset_label_id for item in items)
        assert (section.selected, section.shown) == (own, 2 * len(items))
    bands_of_shares = bands(campaign)
    assert sum(band.sections for band in bands_of_shares) == len(tiles)
    assert sum(band.shown for band in bands_of_shares) == 2 * campaign.pairs.count()
    assert sum(band.selected for band in bands_of_shares) == 12
    for band in bands_of_shares:
        within = [s for s in Section.objects.all() if (band.low or -1) < s.expected <= band.high]
        assert band.sections == len(within)
        mean = sum(s.expected * s.tiles for s in within) / sum(s.tiles for s in within)
        assert band.expected == pytest.approx(mean)


def test_staff_see_the_shares(campaign, admin_client):
    html = admin_client.get(f"/campaigns/{campaign.slug}/").content.decode()
    assert "Sections by their share of positives" in html
