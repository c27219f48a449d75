"""Results equal a count by hand, are stored whole, and use only used answers."""

import random
import threading
from collections import Counter, defaultdict

import pyarrow as pa
import pytest
from django.db import connection, transaction

from tasks.campaigns.publish import close, publish
from tasks.models import Campaign, HITItem, ImageResult, PairResult, Run
from tasks.results import aggregate
from tasks.sql import copying
from tasks.work.claiming import next_assignment
from tasks.work.stops import set_aside
from tasks.work.submitting import submit
from tests.factories import make_dataset, work_through


def at_random(rng: random.Random, maybe: bool = False):
    """Random valid answers, each tile yes, no, maybe or unseen; of study tiles kept in `said`."""
    said: dict[tuple[int, int], list[str]] = defaultdict(list)

    def answer(assignment) -> dict:
        found: dict[str, list[int]] = {"selected": [], "maybe": [], "unseen": []}
        words = ["no", "selected", "unseen", *(["maybe"] if maybe else [])]
        for item in HITItem.objects.filter(hit=assignment.hit):
            word = rng.choice(words)
            if item.role == "study":
                said[item.image_id, item.label_id].append(word)
            if word != "no":
                found[word].append(item.position)
        return found

    return answer, said


@pytest.mark.parametrize("maybe", [False, True])
def test_selection_frequencies_are_what_was_said(workers, maybe):
    campaign = Campaign.objects.create(
        name="C", dataset=make_dataset(), kind="contains", workers_per_item=4, maybe=maybe
    )
    publish(campaign, "a test")
    answer, said = at_random(random.Random(3), maybe)
    for worker in workers(4):
        work_through(campaign, worker, answer)
    run = aggregate(campaign)
    results = PairResult.objects.filter(pair__campaign=campaign).select_related("pair")
    assert results.count() == campaign.pairs.count() == len(said)
    for result in results:
        words = Counter(said[result.pair.image_id, result.pair.label_id])
        assert result.selected == words["selected"]
        assert result.maybe == words["maybe"]
        assert result.shown == 4 - words["unseen"]
        if result.shown:
            assert result.sf == result.selected / result.shown
            assert result.sf_low <= result.sf <= result.sf_high
        else:
            assert result.sf is None
    assert run.counts["workers"] == 4
    assert run.seconds > 0


def test_answers_set_aside_are_in_no_result(campaign, workers):
    crowd = workers(3)
    answers = {}
    for worker in crowd:
        answer, answers[worker] = at_random(random.Random(worker.pk))
        work_through(campaign, worker, answer)
    set_aside(campaign, crowd[1], "careless", "a test")
    aggregate(campaign)
    for result in PairResult.objects.select_related("pair"):
        pair = (result.pair.image_id, result.pair.label_id)
        kept = [word for worker in (crowd[0], crowd[2]) for word in answers[worker][pair]]
        assert result.shown == len(kept) - kept.count("unseen")
        assert result.selected == kept.count("selected")


def test_a_campaign_without_answers_has_defined_results(campaign):
    aggregate(campaign)
    assert set(PairResult.objects.values_list("shown", "sf", "posterior")) == {(0, None, None)}


def test_objects_follow_the_order_of_submission(workers):
    """Three workers: one says one object, one says two, the third none: 1 was seen first."""
    dataset = make_dataset(images=4, labels=4)
    campaign = Campaign.objects.create(
        name="D", dataset=dataset, kind="classify", workers_per_item=3
    )
    publish(campaign, "a test")
    sizes = iter([1, 2, 0])
    for worker in workers(3):
        size = next(sizes)

        def answer(assignment, size=size) -> dict:
            items = {i.position: i for i in HITItem.objects.filter(hit=assignment.hit)}
            answers = []
            for position in assignment.shown:
                offered = list(
                    campaign.pairs.filter(image=items[position].image_id)
                    .order_by("label__key")
                    .values_list("label_id", flat=True)
                )
                answers.append(
                    {
                        "offered": offered,
                        "selected": offered[:size],
                        "main": offered[0] if size else None,
                        "other": "" if size else "a thing",
                    }
                )
            return {"answers": answers}

        work_through(campaign, worker, answer)
    aggregate(campaign)
    results = ImageResult.objects.filter(campaign=campaign)
    assert results.count() == 4
    for result in results:
        assert result.workers == 3
        assert result.num_objects == 1
        assert result.object_counts == {"0": 1, "1": 1, "2": 1}
        assert sum(result.main_votes.values()) == 2
        assert len(result.objects_found) == 1


@pytest.mark.django_db(transaction=True)
def test_a_reader_never_sees_half_a_run_and_two_runs_do_not_mix(workers):
    campaign = Campaign.objects.create(
        name="C", dataset=make_dataset(images=40, labels=20), kind="contains", workers_per_item=2
    )
    publish(campaign, "a test")
    for worker in workers(2):
        work_through(campaign, worker, at_random(random.Random(1))[0])
    aggregate(campaign)
    done, seen = threading.Event(), set()

    def runs(worker) -> None:
        for turn in range(3):  # each time something changed, and all is written anew
            worker.assignments.update(set_aside=turn % 2 == 0)
            aggregate(Campaign.objects.get(pk=campaign.pk))
        connection.close()

    threads = [threading.Thread(target=runs, args=[worker]) for worker in workers(2)]
    watcher = threading.Thread(target=lambda: (_watch(campaign, done, seen), connection.close()))
    watcher.start()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    watcher.join()
    assert Run.objects.filter(campaign=campaign).count() == 7
    assert {(pairs, runs) for pairs, runs, _ in seen} == {(campaign.pairs.count(), 1)}
    assert len({run for *_, run in seen}) > 1


@pytest.mark.django_db
def test_keys_of_several_lines_come_out_of_the_database_whole(monkeypatch):
    monkeypatch.setattr(copying, "BLOCK", 1 << 12)
    query = "SELECT n, concat('a \"key\",', chr(10), n) FROM generate_series(1, 2000) n"
    schema = pa.schema([("id", pa.int64()), ("key", pa.string())])
    with transaction.atomic(), connection.cursor() as cursor:
        found = copying.table(cursor, query, schema, {})
    assert found["key"].to_pylist() == [f'a "key",\n{n}' for n in range(1, 2001)]


def _watch(campaign: Campaign, done: threading.Event, seen: set) -> None:
    """What a reader sees again and again: how many results, of how many runs, and of which."""
    while not done.is_set():
        with transaction.atomic():
            rows = list(
                PairResult.objects.filter(pair__campaign=campaign).values_list("run_id", flat=True)
            )
        seen.add((len(rows), len(set(rows)), min(rows, default=None)))


def test_a_closed_campaign_keeps_an_open_hit_for_its_worker(campaign, workers):
    (worker,) = workers(1)
    assignment = next_assignment(campaign, worker)
    close(campaign, "a test")
    assert submit(assignment, {"selected": [], "maybe": [], "unseen": []}).status == "stored"
    assert next_assignment(campaign, worker) is None
