"""Simulated workers finish a campaign through the real pages, and say when they cannot."""

import io
import shutil
from collections import Counter

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from tasks.models import Assignment, Flag, HITItem, PracticeTry, Worker
from tasks.results import aggregate
from tasks.simulation.simulate import SimulationError, simulate
from tasks.simulation.workers import BadTruth, Mind, World, characters, truth_of
from tasks.simulation.worksheet import Option, Question, Worksheet
from tests.studies.odd_pictures import make_pictures, open_campaign
from tests.studies.practised import practising

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def dataset(tmp_path):
    return make_pictures(tmp_path)


def answers_by_hit(campaign) -> set[int]:
    used = Assignment.objects.filter(campaign=campaign, state="submitted", outcome="accepted")
    return set(Counter(used.values_list("hit_id", flat=True)).values())


@pytest.mark.parametrize("kind", ["contains", "classify"])
def test_a_crew_finishes_a_campaign_round_after_round(kind, dataset, live_server):
    campaign = open_campaign(dataset, kind, workers_per_item=5, round_size=2)
    seen = []
    outcome = simulate(
        live_server.url, campaign, workers=6, seed=3, progress=lambda *n: seen.append(n)
    )
    assert (campaign.state, campaign.round) == ("finished", 3)
    assert answers_by_hit(campaign) == {5}
    assert outcome.total == seen[-1][0] == seen[-1][1] == 10
    assert (outcome.places_left, outcome.workers_needed) == (0, 0)
    assert Worker.objects.count() == 6
    # The same seed means the same workers; there is nothing left for them.
    assert simulate(live_server.url, campaign, workers=6, seed=3).total == 0
    assert Worker.objects.count() == 6


def test_they_practise_first_and_only_answers_count(tmp_path, live_server):
    campaign = practising(tmp_path, workers_per_item=3, round_size=3)
    outcome = simulate(live_server.url, campaign, workers=5, seed=1, careless=1)
    assert outcome.total == 3 * campaign.hits.count()
    assert (outcome.places_left, outcome.workers_needed) == (0, 0)
    tries = PracticeTry.objects.filter(submitted_at__isnull=False)
    assert tries.values("worker").distinct().count() == 5
    admitted = set(tries.filter(passed=True).values_list("worker", flat=True))
    assert set(Assignment.objects.values_list("worker", flat=True)) <= admitted
    assert len(admitted) >= 4


def test_careful_workers_find_the_objects(dataset, live_server):
    campaign = open_campaign(dataset, "contains", workers_per_item=5, round_size=5)
    simulate(live_server.url, campaign, workers=5, careless=0)
    votes = Counter()
    for done in Assignment.objects.filter(state="submitted"):
        assert not done.unseen
        votes.update((done.hit_id, position) for position in done.selected)
    cats = {"n01", "n02"}  # one may be taken for the other
    for item in HITItem.objects.filter(hit__campaign=campaign).select_related("image", "label"):
        shown = item.image.dataset_label.key
        if item.label.key == shown:
            assert votes[item.hit_id, item.position] >= 3
        elif not cats >= {item.label.key, shown}:
            assert votes[item.hit_id, item.position] <= 1


@pytest.mark.parametrize("kind", ["contains", "classify"])
def test_the_careless_are_too_fast_and_nobody_else(kind, dataset, live_server):
    campaign = open_campaign(dataset, kind, per_hit=3, workers_per_item=4, round_size=4)
    outcome = simulate(live_server.url, campaign, workers=4, careless=1)
    aggregate(campaign)
    flags = Flag.objects.filter(kind__in=["fast", "pace"])
    assert list(flags.values_list("kind", "worker__external_id")) == [("pace", *outcome.careless)]


@pytest.mark.parametrize("kind", ["contains", "classify"])
def test_pictures_that_do_not_load_are_not_seen_and_too_many_end_it(
    kind, dataset, live_server, tmp_path
):
    campaign = open_campaign(dataset, kind, per_hit=12, workers_per_item=2, round_size=2)
    (tmp_path / "secret-000.png").unlink()
    simulate(live_server.url, campaign, workers=1)
    done = Assignment.objects.get(state="submitted")
    (unseen,) = done.unseen
    assert done.hit.items.get(position=unseen).image.key == "secret-000.png"
    for number in range(1, 12):
        (tmp_path / f"secret-{number:03d}.png").unlink()
    shutil.rmtree(settings.DATA_DIR / "derivatives")
    with pytest.raises(SimulationError, match=r"takes no answer: 12 of the 12 pictures did not"):
        simulate(live_server.url, campaign, workers=1, seed=1)


def test_places_that_nobody_may_take_are_counted(dataset, live_server):
    campaign = open_campaign(dataset, "contains", workers_per_item=9, round_size=3)
    outcome = simulate(live_server.url, campaign, workers=2)
    assert campaign.state == "open"
    assert (outcome.places_left, outcome.workers_needed) == (14, 7)
    simulate(live_server.url, campaign, workers=9)
    assert campaign.state == "finished"
    assert answers_by_hit(campaign) == {9}


def test_the_command_starts_a_server_of_its_own_and_says_what_is_missing(dataset, tmp_path):
    campaign = open_campaign(dataset, "contains", workers_per_item=3, round_size=3)
    truth = tmp_path / "truth.csv"
    truth.write_text("image,label,main\nsecret-000.png,n03,true\n")
    out = io.StringIO()
    words = ("simulate", campaign.slug, "--workers", "2", "--truth", str(truth))
    with pytest.raises(CommandError, match=r"the 2 places that are left; 1 more workers are"):
        call_command(*words, stdout=out)
    assert "simulated-0-002" in out.getvalue()
    assert max(map(len, out.getvalue().splitlines())) <= 80
    assert answers_by_hit(campaign) == {2}


def test_a_wrong_truth_is_refused_by_row(dataset, tmp_path):
    campaign = open_campaign(dataset, "contains")
    good = {"image": "secret-000.png", "label": "n01", "main": "true"}
    for field in ("image", "label", "main"):
        with pytest.raises(BadTruth, match=rf"row 3, {field}: .*'strange'"):
            truth_of(campaign, [good, good | {field: "strange"}])
    truth = tmp_path / "truth.csv"
    truth.write_text("image,main\n")
    with pytest.raises(CommandError, match=r"truth.csv, row 1: no column 'label'"):
        call_command("simulate", campaign.slug, "--truth", str(truth))


def test_a_site_that_does_not_answer_is_named(dataset):
    campaign = open_campaign(dataset, "contains")
    with pytest.raises(SimulationError, match=r"127\.0\.0\.1:9 does not answer"):
        simulate("http://127.0.0.1:9", campaign, workers=1)


def test_what_a_worker_decides_depends_on_worker_and_item_alone(dataset):
    campaign = open_campaign(dataset, "classify")
    truth = truth_of(campaign, None)
    world = World.of(campaign, truth, seed=1)
    address = f"/images/{dataset.images.first().public_id}/full.webp"
    labels = [(" or ".join(label.names), label.definition) for label in dataset.labels.all()]

    def decide(character, order) -> set[tuple[str, str]]:
        question = Question(picture=address)
        for words, definition in order:
            for name in ("labels-x", "main-x"):
                question.options.append(Option(name, words, words, definition))
        question.options.append(Option("none-x", "1"))
        return set(Mind(character, world, lambda _: True).fill_in(Worksheet("", [], [question])))

    crew = characters(30, seed=1)
    straight = [decide(character, labels) for character in crew]
    assert straight == [decide(character, labels[::-1]) for character in crew]
    assert len(set(map(frozenset, straight))) > 1
    assert [character.careless for character in crew].count(True) == 1
    assert characters(5, seed=1) == crew[:5]
