"""Which judgments count: the others are counted apart and enter no result."""

import csv
import io

import numpy as np
import pytest

from annotation.exports import Export
from tasks.aggregation import agreement_of_counts
from tasks.models import Assignment, Campaign, HITItem, ImageResult, PairResult, WorkerResult
from tasks.results import aggregate
from tasks.results.contains import AskedPairs
from tasks.work.stops import set_aside
from tests.factories import make_lettered_dataset
from tests.studies.counted_by_hand import check_classify, check_contains
from tests.studies.judgment_files import form, give, make_draft, on

pytestmark = pytest.mark.django_db


@pytest.fixture
def contains(db) -> Campaign:
    """Four workers on 12 pairs, in HITs of four, some of it maybe and unseen."""
    campaign = make_draft(make_lettered_dataset())
    says = ["true", "false", "maybe", "", "false", "true", "true"]
    give(
        campaign,
        [
            on(
                worker=f"w{w}",
                image=f"{'abcdef'[n % 6]}.jpg",
                label=f"n{n // 6}",
                hit=f"h{n // 4}",
                selected=says[(5 * w + n * n) % 7] if w else "true",
                seconds=str(10 + w + n // 4),
                submitted_at=f"2026-08-0{1 + w}T10:0{n // 4}:00Z",
            )
            for w in range(5)
            for n in range(12)
        ],
    )
    return campaign


@pytest.fixture
def classify(db) -> Campaign:
    """Five workers on three images, one of them not seen by one, none of these by another."""
    campaign = make_draft(make_lettered_dataset(slug="other"), "classify")
    selections = [["n0"], ["n0", "n1"], ["n1", "n2"], [], ["n0", "n1"]]
    rows = [
        form(
            worker=f"w{w}",
            image=f"{image}.jpg",
            hit="h",
            selected=selections[(w + n) % 5],
            main=(selections[(w + n) % 5] or [""])[-1],
            submitted_at=f"2026-08-0{1 + w}T10:00:00Z",
        )
        for w in range(5)
        for n, image in enumerate("abc")
    ]
    rows[4] |= {"selected": "", "main": ""}
    give(campaign, rows)
    return campaign


def one_of(campaign: Campaign) -> Assignment:
    return Assignment.objects.filter(campaign=campaign).order_by("pk")[1]


APART = {
    "set_aside": {"set_aside": True},
    "rejected": {"outcome": "rejected"},
    "waiting_for_review": {"outcome": ""},
    "returned": {"state": "returned", "outcome": ""},
    "late": {"state": "expired", "outcome": ""},
}


@pytest.mark.parametrize("kind", ["contains", "classify"])
@pytest.mark.parametrize("apart", APART)
def test_what_is_not_used_is_counted_and_in_no_result(request, kind, apart):
    campaign = request.getfixturevalue(kind)
    name = {"contains": "judgments", "classify": "responses"}[kind]
    check = {"contains": check_contains, "classify": check_classify}[kind]
    before = aggregate(campaign)
    check(campaign)
    assert {before.counts[name] for name in APART} == {0}
    assignment = one_of(campaign)
    Assignment.objects.filter(pk=assignment.pk).update(**APART[apart])
    after = aggregate(campaign)
    check(campaign)
    unseen = before.counts["unseen"] - after.counts["unseen"]
    gone = before.counts[name] - after.counts[name]
    assert 0 < gone == len(assignment.shown) - unseen
    assert after.counts[apart] == len(assignment.shown)
    assert sum(after.counts[name] for name in APART) == len(assignment.shown)
    again = aggregate(campaign)  # its numbers are those that the database kept
    names, names_again = (
        [each.split()[1] for each in run.counts_told.split(", ")] for run in (after, again)
    )
    assert names == names_again
    assert len(names) == len(after.counts)


def test_unseen_is_counted_and_in_no_result(contains, classify):
    for campaign, check in ((contains, check_contains), (classify, check_classify)):
        unseen = sum(len(a.unseen) for a in Assignment.objects.filter(campaign=campaign))
        assert aggregate(campaign).counts["unseen"] == unseen > 0
        check(campaign)


def test_a_good_workers_main_label_is_the_likelier_of_two(db):
    """Equal votes on one image; on the others one of the two is always alone."""
    campaign = make_draft(make_lettered_dataset(), "classify")
    labels = ["n0", "n1", "n2"]
    rows = []
    for n, image in enumerate("abcde"):
        for w in range(2 if image == "e" else 5):
            main = labels[(n + (w == 1)) % 3]
            rows.append(
                form(
                    worker=f"w{w}", image=f"{image}.jpg", selected=[main], main=main, offered=labels
                )
            )
    rows.append(form(worker="w9", image="f.jpg", selected=[], main="", offered=["n0"]))
    give(campaign, rows)
    run = aggregate(campaign)
    check_classify(campaign)
    assert run.convergence["converged"]
    found = dict(
        ImageResult.objects.filter(campaign=campaign).values_list("image__key", "main_posteriors")
    )
    assert found["e.jpg"]["n1"] > 0.95 > 0.05 > found["e.jpg"]["n2"]
    assert found["f.jpg"] is None


def test_among_equals_the_one_submitted_first_wins_whatever_the_order_of_the_file(db):
    campaign = make_draft(make_lettered_dataset(), "classify")
    late, early = "2026-08-01T10:05:00Z", "2026-08-01T10:00:00Z"
    rows = []
    for image, times in (("a", (late, early)), ("b", (early, early))):
        for worker, (labels, at) in enumerate(zip((["n1"], ["n0", "n2"]), times, strict=True)):
            rows.append(
                form(worker=f"w{worker}", image=f"{image}.jpg", selected=labels, main=labels[0])
                | {"hit": f"{image}{worker}", "submitted_at": at}
            )
    give(campaign, rows)
    aggregate(campaign)
    found = ImageResult.objects.filter(campaign=campaign).order_by("image__key")
    assert list(found.values_list("main_label", "num_objects")) == [("n0", 2), ("n1", 1)]


def test_an_image_that_nobody_saw_is_not_one_with_none_of_the_labels(db):
    campaign = make_draft(make_lettered_dataset(), "classify")
    give(campaign, [form(), form(worker="v", selected="", main="")])
    aggregate(campaign)
    found = ImageResult.objects.get(campaign=campaign)
    assert (found.workers, found.object_counts) == (1, {"1": 1})


@pytest.mark.parametrize("known", [True, False, None])
def test_controls_are_in_the_control_accuracy_and_in_no_result(contains, known):
    item = HITItem.objects.filter(hit__campaign=contains).order_by("pk")[0]
    pair = item.pair
    other = HITItem.objects.filter(hit__campaign=contains).order_by("pk")[7]
    judged = aggregate(contains).counts["judgments"]
    for one, answer in ((item, known), (other, False)):
        one.role, one.known, one.pair = "control", answer, None
        one.save()
    run = aggregate(contains)  # reads the answers to items that changed again
    check_contains(contains)
    assert PairResult.objects.get(pair=pair).shown == 0
    assert run.counts["judgments"] + run.counts["controls"] == judged
    results = WorkerResult.objects.filter(campaign=contains, control_accuracy__isnull=False)
    assert results.exists() == (known is True)


def test_controls_of_classify_are_the_settled_label_and_its_foils(classify):
    item = HITItem.objects.get(hit__campaign=classify, position=0)
    item.role, item.known = "control", True
    item.label = classify.dataset.labels.get(key="n0")
    item.save()
    run = aggregate(classify)
    assert run.counts["controls"] == 5
    accuracy = dict(
        WorkerResult.objects.filter(campaign=classify).values_list(
            "worker__external_id", "control_accuracy"
        )
    )
    # Offered n0, n1, n2; selected in turn n0 / n0 n1 / n1 n2 / nothing / n0 n1.
    assert accuracy == {"w0": 1.0, "w1": 0.75, "w2": 0.0, "w3": 0.5, "w4": 0.75}


@pytest.mark.django_db(transaction=True)
def test_a_corrected_control_is_believed_at_once(contains):
    items = HITItem.objects.filter(hit__campaign=contains).order_by("pk")
    hit = items[0].hit
    for item, known in zip(items[:2], (True, False), strict=True):
        item.role, item.known, item.pair = "control", known, None
        item.save()
    aggregate(contains)
    skill = WorkerResult.objects.filter(campaign=contains, worker__external_id="w0")
    assert skill.get().control_accuracy == 0.5  # selects everything
    items.filter(hit=hit, position__lt=2).update(known=True)
    assert aggregate(contains).counts["read"] == 5
    check_contains(contains)
    assert skill.get().control_accuracy is None  # no negative any more
    items.filter(hit=hit).update(weak=False, section=0)  # nothing that counts
    assert aggregate(contains).counts["read"] == 0


def test_a_workers_row_tells_who_was_set_aside(contains, transactional_db):
    worker = one_of(contains).worker
    set_aside(contains, worker, "careless", "a test")
    aggregate(contains)
    text = b"".join(Export(contains, "workers", "csv")).decode()
    rows = {row["worker"]: row for row in csv.DictReader(io.StringIO(text))}
    assert list(rows) == sorted(rows)
    assert len(rows) == 5
    own_row = rows.pop(worker.pseudonym)
    assert (own_row["status"], own_row["assignments"], own_row["items"]) == ("set aside", "0", "0")
    assert own_row["agreement"] == own_row["sensitivity"] == own_row["median_seconds"] == ""
    assert {row["status"] for row in rows.values()} == {"working"}
    assert {row["assignments"] for row in rows.values()} == {"3"}
    raw = b"".join(Export(contains, "workers", "jsonl", raw_workers=True)).decode()
    assert '"worker":"w0"' in raw


def test_who_selects_everything_has_a_perfect_sensitivity_and_no_specificity(db):
    """The three others agree: half of the labels are there."""
    contains = make_draft(make_lettered_dataset())
    give(
        contains,
        [
            on(worker=f"w{w}", image=f"{image}.jpg", label=f"n{n}", selected=int(not w or n == 0))
            for w in range(4)
            for image in "abcdef"
            for n in range(2)
        ],
    )
    aggregate(contains)
    eager = WorkerResult.objects.get(campaign=contains, worker__external_id="w0")
    assert eager.sensitivity == pytest.approx(1)
    assert eager.specificity == pytest.approx(0)


def test_agreement_of_a_run(contains, classify):
    run = aggregate(contains)
    counts = []
    for result in PairResult.objects.filter(pair__campaign=contains).order_by("pair_id"):
        counts += [result.shown - result.selected - result.maybe, result.selected, result.maybe]
    units = [n // 3 for n in range(len(counts))]
    wanted = agreement_of_counts(counts, units, [n % 3 for n in range(len(counts))])
    assert run.agreement == wanted._asdict()
    assert -1 < run.agreement["alpha"] < 1
    assert 0 < aggregate(classify).agreement["percent"] < 1


def test_an_image_too_hard_to_part_is_named_and_keeps_no_other_back(db, monkeypatch, caplog):
    campaign = make_draft(make_lettered_dataset(labels=30), "classify")
    rows = [form(worker=f"w{w}", image="b.jpg", selected=["n0", "n1"]) for w in range(3)]
    for w in range(24):  # a worker for each two neighbours among 24 labels, in a ring with chords
        around = [f"n{w}", f"n{(w + 1) % 24}", f"n{(w * 7 + 3) % 24}"]
        rows.append(form(worker=f"w{w}", selected=sorted(set(around)), main=f"n{w}"))
    give(campaign, rows)
    monkeypatch.setattr("tasks.aggregation.k_cut.MAX_STEPS", 10)
    run = aggregate(campaign)
    assert len(run.notes) == 1
    assert "image a.jpg: no objects" in run.notes[0]
    assert "a.jpg" in caplog.text
    hard, easy = ImageResult.objects.filter(campaign=campaign).order_by("image__key")
    assert (hard.objects_found, hard.main_object, hard.workers) == ([], None, 24)
    assert hard.num_objects > 1
    assert len(hard.main_votes) == 24
    assert len(easy.objects_found) == 2


@pytest.mark.parametrize("step", [1, 3, 10**7])
def test_pairs_are_numbered_wherever_their_ids_are(step):
    asked = AskedPairs(5 + step * np.arange(40))
    ids = np.concatenate([asked.pairs[::-1], [0, 4, 5 + 40 * step, 10**12]])
    assert asked.numbers(ids).tolist() == [*range(39, -1, -1), -1, -1, -1, -1]
    assert AskedPairs(np.empty(0, np.int64)).numbers(ids).tolist() == [-1] * 44
