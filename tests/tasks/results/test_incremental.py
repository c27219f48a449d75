"""Aggregation reads only what changed, and misses nothing that happens meanwhile."""

import random
import threading
from contextlib import contextmanager

import pytest
from django.db import connection, transaction
from django.utils import timezone

from annotation.explorer.withdrawing import bring_back, withdraw
from tasks.aggregation import image_objects
from tasks.celery_tasks import aggregate_campaign
from tasks.models import (
    Assignment,
    Campaign,
    ImageResult,
    PairResult,
    Place,
    Run,
    Section,
    WorkerResult,
)
from tasks.results import aggregate
from tasks.results.store import Answers
from tests.studies.aggregated import answer_some, files, open_campaign
from tests.studies.counted_by_hand import check_classify, check_contains
from tests.studies.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def change_something(campaign: Campaign, crowd, rng: random.Random) -> None:
    """What may become of answers: new ones, reviewed, set aside, taken back, corrected, deleted.

    And an image is withdrawn, or brought back.
    """
    answered = Assignment.objects.filter(campaign=campaign, submitted_at__isnull=False)
    one = rng.choice([None, *answered.order_by("pk")])
    kinds = ["new", "new", "new", "outcome", "aside", "late", "changed", "gone", "withdrawn"]
    what = rng.choice(kinds)
    if what == "new" or one is None:
        answer_some(campaign, rng.choice(crowd), rng, 2)
    elif what == "outcome":
        one.outcome = rng.choice(["accepted", "rejected", ""])
        one.feedback = "careless" if one.outcome == "rejected" else ""
        one.save()
    elif what == "aside":
        answered.filter(worker=one.worker).update(set_aside=rng.random() < 0.6)
    elif what == "late":
        answered.filter(pk=one.pk).update(state="expired")
    elif what == "changed" and campaign.kind == "contains":
        answered.filter(pk=one.pk).update(selected=[], maybe=one.shown[:2], unseen=[])
    elif what == "withdrawn":
        image = rng.choice(campaign.dataset.images.order_by("key"))
        step = withdraw if image.withdrawn_at is None else bring_back
        step(image, "a test", "a face")
    elif what == "gone":
        Place.objects.filter(holder=one).update(holder=None, free_at=timezone.now())
        one.delete()


def everything_found(campaign: Campaign) -> list:
    """All results, but for the runs and keys of their rows, and what the newest run says."""
    of_campaign = (ImageResult, WorkerResult)
    tables = [model.objects.filter(campaign=campaign) for model in of_campaign]
    tables.append(PairResult.objects.filter(pair__campaign=campaign))
    tables.append(Section.objects.filter(hit__campaign=campaign))
    found = []
    for table in tables:
        names = [f.name for f in table.model._meta.fields if f.name not in ("id", "run")]
        found.append(sorted(table.values_list(*names), key=str))
    run = campaign.runs.first()
    return [*found, run.counts | {"read": 0}, run.agreement, run.convergence]


@pytest.mark.parametrize("kind", ["contains", "classify"])
@pytest.mark.parametrize("seed", range(3))
def test_whatever_changes_the_results_are_those_of_the_answers(workers, kind, seed):
    rng = random.Random(seed)
    campaign, crowd = open_campaign(kind), workers(6)
    check = {"contains": check_contains, "classify": check_classify}[kind]
    for worker in crowd[:4]:
        answer_some(campaign, worker, rng, 5)
    everything = aggregate(campaign).counts["read"]
    check(campaign)
    read = []
    for _ in range(5):
        for _ in range(rng.randint(1, 3)):
            change_something(campaign, crowd, rng)
        read.append(aggregate(campaign).counts["read"])
        check(campaign)
        (path,) = files(campaign)
        found = everything_found(campaign)
        path.rename(path.with_name("kept"))
        aggregate(campaign)
        assert everything_found(campaign) == found  # read anew, it is the same to the last bit
        for other in files(campaign):
            other.unlink()
        path.with_name("kept").rename(path)
    assert min(read) < everything


def test_only_what_changed_is_read_again(workers):
    campaign, rng = open_campaign("contains"), random.Random(1)
    crowd = workers(4)
    for worker in crowd[:3]:
        answer_some(campaign, worker, rng, 100)
    first = aggregate(campaign)
    number = Assignment.objects.filter(campaign=campaign).count()
    assert first.counts["read"] == number > 3
    answer_some(campaign, crowd[3], rng)
    one = Assignment.objects.filter(campaign=campaign).first()
    one.comment = "nothing that counts"
    one.save()
    second = aggregate(campaign)
    assert second.counts["read"] == 1
    assert set(PairResult.objects.values_list("run_id", flat=True)) == {second.pk}
    third = aggregate(campaign)
    assert third.counts == second.counts | {"read": 0}
    assert third.convergence == second.convergence
    assert set(PairResult.objects.values_list("run_id", flat=True)) == {second.pk}


def test_of_classify_only_touched_images_are_parted_again(workers, monkeypatch):
    campaign, rng = open_campaign("classify", images_per_hit=2), random.Random(1)
    first_worker, second_worker = workers(2)
    answer_some(campaign, first_worker, rng, 100)
    aggregate(campaign)
    parted = []

    def counted(*args, **options):
        parted.append(args)
        return image_objects(*args, **options)

    monkeypatch.setattr("tasks.results.classify.image_objects", counted)
    answer_some(campaign, second_worker, rng)
    run = aggregate(campaign)
    assert len(parted) == 2
    assert set(ImageResult.objects.values_list("run_id", flat=True)) == {run.pk}
    check_classify(campaign)


def test_other_labels_or_another_version_compute_everything_again(workers, monkeypatch):
    campaign, rng = open_campaign("classify"), random.Random(1)
    answer_some(campaign, workers(1)[0], rng, 100)
    aggregate(campaign)
    image = campaign.dataset.images.first()
    image.dataset_label = campaign.dataset.labels.last()
    image.save()
    run = aggregate(campaign)
    assert run.counts["read"] == 0
    assert set(ImageResult.objects.values_list("run_id", flat=True)) == {run.pk}
    check_classify(campaign)
    monkeypatch.setattr("tasks.results.run.code_version", lambda: "0.2.0")
    run = aggregate(campaign)
    assert set(ImageResult.objects.values_list("run_id", flat=True)) == {run.pk}


def test_an_answer_committed_late_is_not_missed(workers):
    """Begun before a run and committed after it, with others submitted and counted between."""
    campaign, rng = open_campaign("contains"), random.Random(1)
    slow, quick, later = workers(3)
    written, counted = threading.Event(), threading.Event()

    def in_a_slow_transaction() -> None:
        with transaction.atomic():
            answer_some(campaign, slow, rng)
            written.set()
            counted.wait(30)
        connection.close()

    thread = threading.Thread(target=in_a_slow_transaction)
    thread.start()
    assert written.wait(30)
    answer_some(Campaign.objects.get(pk=campaign.pk), quick, random.Random(2))
    assert aggregate(campaign).counts["assignments"] == 1
    counted.set()
    thread.join()
    run = aggregate(campaign)
    assert (run.counts["assignments"], run.counts["read"]) == (2, 1)
    check_contains(campaign)
    answer_some(campaign, later, rng)
    assert aggregate(campaign).counts["read"] == 1


@contextmanager
def a_long_transaction(change: str = "SELECT pg_current_xact_id()"):
    """It has written, and commits when it is over; in another session, as of another database."""
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute(change)
            yield
            cursor.execute("COMMIT")
    finally:
        other.close()


def test_a_change_committed_late_is_not_missed(workers):
    campaign, rng = open_campaign("contains"), random.Random(1)
    first, second = workers(2)
    answer_some(campaign, first, rng, 2)
    aggregate(campaign)
    with a_long_transaction("UPDATE tasks_assignment SET set_aside = true"):
        answer_some(campaign, second, rng)
        assert aggregate(campaign).counts["assignments"] == 3
    run = aggregate(campaign)
    assert (run.counts["assignments"], run.counts["read"]) == (1, 2)
    check_contains(campaign)


def test_a_long_transaction_elsewhere_has_nothing_read_again(workers):
    campaign, rng = open_campaign("contains"), random.Random(1)
    first, second, third = workers(3)
    with a_long_transaction():
        for worker in (first, second):
            answer_some(campaign, worker, rng, 2)
            assert aggregate(campaign).counts["read"] == 2
        assert aggregate(campaign).counts["read"] == 0
    answer_some(campaign, third, rng)
    assert aggregate(campaign).counts["read"] == 1
    check_contains(campaign)


def test_what_the_callers_transaction_writes_later_is_not_missed(workers):
    campaign, rng = open_campaign("contains"), random.Random(1)
    first, second = workers(2)
    with transaction.atomic():
        answer_some(campaign, first, rng, 2)
        with a_long_transaction():
            """Begun later and over sooner: the snapshot's end is behind both."""
        assert aggregate(campaign).counts["assignments"] == 2
        answer_some(campaign, second, rng, 2)
        Assignment.objects.filter(worker=first).update(set_aside=True)
        assert aggregate(campaign).counts["assignments"] == 2
        Assignment.objects.filter(worker=second).update(set_aside=True)
    assert aggregate(campaign).counts["assignments"] == 0
    check_contains(campaign)


def test_a_stale_save_does_not_hide_a_change(workers):
    """An instance that was loaded before a change and saved after it carries the old mark."""
    campaign, rng = open_campaign("contains"), random.Random(1)
    answer_some(campaign, workers(1)[0], rng)
    stale = Assignment.objects.get(campaign=campaign)
    aggregate(campaign)
    Assignment.objects.filter(pk=stale.pk).update(set_aside=True)
    stale.save(update_fields=["comment", "changed"])
    assert aggregate(campaign).counts["set_aside"] > 0


@pytest.mark.parametrize("damage", ["lost", "half", "of another", "of no run", "garbage"])
def test_a_file_that_cannot_be_believed_is_read_anew(workers, damage):
    campaign, rng = open_campaign("contains"), random.Random(1)
    answer_some(campaign, workers(1)[0], rng, 100)
    first = aggregate(campaign)
    (path,) = files(campaign)
    data = path.read_bytes()
    if damage == "lost":
        path.unlink()
    elif damage == "half":
        path.write_bytes(data[: len(data) // 2])
    elif damage == "garbage":
        path.write_bytes(b"ARROW1\0\0" + bytes(1000))
    elif damage == "of another":
        name = f'"campaign": {campaign.pk},'
        path.write_bytes(data.replace(name.encode(), b'"campaign": ' + b"0," * 1))
    else:  # the database was set back to before the run
        Run.objects.filter(campaign=campaign).update(started_at="2026-01-01T00:00:00Z")
    run = aggregate(campaign)
    assert run.counts["read"] == first.counts["read"] > 0
    check_contains(campaign)


def test_a_pair_that_is_deleted_takes_its_judgments_along(workers):
    campaign, rng = open_campaign("contains"), random.Random(1)
    for worker in workers(2):
        answer_some(campaign, worker, rng, 100)
    aggregate(campaign)
    before = {r.pair_id: (r.selected, r.maybe, r.shown) for r in PairResult.objects.all()}
    gone = [hit.items.order_by("position").last().pair for hit in campaign.hits.all()[1:3]]
    gone += [item.pair for item in campaign.hits.first().items.all()]
    for pair in gone:
        del before[pair.pk]
        pair.delete()
    aggregate(campaign)
    kept = everything_found(campaign)
    assert {r.pair_id: (r.selected, r.maybe, r.shown) for r in PairResult.objects.all()} == before
    for path in files(campaign):
        path.unlink()
    aggregate(campaign)
    assert everything_found(campaign)[2] == kept[2]


def test_results_go_with_the_last_answer(workers):
    campaign, rng = open_campaign("contains"), random.Random(1)
    answer_some(campaign, workers(1)[0], rng, 2)
    assert aggregate(campaign).counts["judgments"] > 0
    Place.objects.filter(campaign=campaign).update(holder=None, free_at=timezone.now())
    Assignment.objects.filter(campaign=campaign).delete()
    assert aggregate(campaign).counts["judgments"] == 0
    check_contains(campaign)


def test_a_run_that_ends_leaves_the_file_of_the_next_alone(workers, monkeypatch):
    """However slowly it removes the older ones: the next run waits for that too."""
    campaign, rng = open_campaign("contains"), random.Random(1)
    answer_some(campaign, workers(1)[0], rng, 2)
    forget, errors = Answers.forget_others, []

    def again() -> None:
        try:
            answer_some(Campaign.objects.get(pk=campaign.pk), workers(2)[1], random.Random(2), 2)
            aggregate(Campaign.objects.get(pk=campaign.pk))
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=again)

    def slowly(answers: Answers) -> None:
        if not thread.ident:
            thread.start()
            thread.join(2)
        forget(answers)

    monkeypatch.setattr(Answers, "forget_others", slowly)
    aggregate(campaign)
    thread.join()
    assert errors == []
    assert [path.name.split(".")[1] for path in files(campaign)] == [
        f"run-{Run.objects.first().pk}"
    ]
    assert aggregate(campaign).counts["read"] == 0
    check_contains(campaign)


def test_two_runs_at_once_wait_for_each_other(workers):
    campaign, rng = open_campaign("contains"), random.Random(1)
    answer_some(campaign, workers(1)[0], rng, 100)

    def run() -> None:
        for _ in range(2):
            aggregate_campaign(campaign.pk)
            answer_some(Campaign.objects.get(pk=campaign.pk), workers(4)[3], rng)

    at_once(*[run] * 3)
    assert Run.objects.filter(campaign=campaign).count() == 6
    aggregate(campaign)
    check_contains(campaign)


def test_a_failed_run_leaves_the_last_results_and_no_lock(workers, monkeypatch):
    campaign, rng = open_campaign("contains"), random.Random(1)
    crowd = workers(2)
    answer_some(campaign, crowd[0], rng, 100)
    before = aggregate(campaign)
    answer_some(campaign, crowd[1], rng, 100)

    def fails(*_, **__) -> None:
        raise RuntimeError("no room on the disk")

    with monkeypatch.context() as patch:
        patch.setattr("tasks.results.contains.write_workers", fails)
        with pytest.raises(RuntimeError):
            aggregate(campaign)
    assert set(PairResult.objects.values_list("run_id", flat=True)) == {before.pk}
    assert Run.objects.count() == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
        assert cursor.fetchone() == (0,)
    aggregate(campaign)
    check_contains(campaign)
    assert len(files(campaign)) == 1
