"""Export -> import -> export gives the same rows, and the same results."""

import random
from datetime import timedelta

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from annotation.exports import Export
from imagesets.models import Dataset
from tasks.campaigns.publish import close
from tasks.models import Assignment, Campaign, Worker
from tasks.results import aggregate
from tasks.work.claiming import next_assignment
from tasks.work.stops import set_aside
from tasks.work.submitting import submit
from tests import factories
from tests.factories import make_lettered_dataset
from tests.studies.judgment_files import as_list, exported, form, give, make_draft, on

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def study(tmp_path) -> Campaign:
    """A CONTAINS campaign answered on the site by three, one set aside, some work in each state."""
    campaign = factories.make_campaign(
        factories.make_awkward_dataset(tmp_path / "pictures"),
        slug="site",
        maybe=True,
        workers_per_item=3,
    )
    workers = factories.make_workers(6)
    factories.work_through(campaign, workers[:3], factories.random_answers())
    set_aside(campaign, workers[0], "careless", "a test")
    factories.work_through(campaign, workers[3:4], factories.random_answers(1))
    assignment = next_assignment(campaign, workers[4])
    if assignment is not None:
        submit(assignment, factories.a_random_answer(assignment, random.Random(3)))
    close(campaign, "a test")
    first = Assignment.objects.filter(worker=workers[1]).first()
    for number, (state, outcome) in enumerate(
        (("expired", ""), ("returned", ""), ("submitted", "rejected"), ("submitted", ""))
    ):
        Assignment.objects.create(
            campaign=campaign,
            hit=first.hit,
            worker=Worker.of("local", f"late {number}"),
            state=state,
            outcome=outcome,
            feedback="no" if outcome == "rejected" else "",
            submitted_at=first.submitted_at + timedelta(seconds=number, microseconds=1),
            shown=first.shown,
            selected=first.shown[:1],
            active_seconds=0.1 + 0.2,
            round=2,
        )
    return campaign


@pytest.fixture
def follow_up(study) -> Campaign:
    campaign = factories.make_campaign(
        study.dataset, "classify", slug="form", source=study, follow_up="all", min_judgments=1
    )
    factories.work_through(
        campaign, factories.make_workers(2), factories.random_answers(2, none_of_these_first=True)
    )
    return campaign


def forget() -> None:
    """No campaign and no worker any more."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE tasks_campaign, tasks_worker, tasks_secret CASCADE")


def table(campaign: Campaign, kind: str = "csv") -> bytes:
    return b"".join(Export(campaign, "judgments", kind))


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
@pytest.mark.parametrize("elsewhere", [False, True])
def test_contains_judgments_come_back_as_they_went(study, kind, elsewhere):
    before, data = exported(study), table(study, kind)
    assert {row["status"] for row in before} == {
        *("accepted", "rejected", "expired", "returned", "submitted")
    }
    assert {row["selected"] for row in before} == {True, False, "maybe", None}
    assert {row["used"] for row in before if row["status"] == "accepted"} == {True, False}
    if elsewhere:  # a database that knows none of the workers
        forget()
    copy = make_draft(study.dataset, slug="copy")
    imported = give(copy, data)
    assert (imported.judgments, imported.unchanged) == (len(before), 0)
    assert bool(imported.workers) == elsewhere
    assert exported(copy) == before
    again = give(copy, table(copy, kind))
    assert (again.judgments, again.unchanged) == (0, len(before))
    assert exported(copy) == before


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_classify_judgments_come_back_as_they_went(follow_up, kind):
    before = exported(follow_up)
    assert any(row["selected"] == [] for row in before)
    copy = make_draft(follow_up.dataset, "classify", slug="copy")
    give(copy, table(follow_up, kind))
    assert exported(copy) == before
    assert give(copy, table(copy, kind)).judgments == 0
    for campaign in (follow_up, copy):
        aggregate(campaign)
    names = ("image", "main_votes", "object_counts", "objects", "main_object", "workers")
    answered = [
        [tuple(str(row[n]) for n in names) for row in exported(c, "annotations") if row["workers"]]
        for c in (follow_up, copy)
    ]
    assert answered[0] == answered[1]


def test_an_export_into_its_own_campaign_changes_nothing(study, follow_up):
    for campaign in (study, follow_up):
        before = exported(campaign)
        imported = give(campaign, table(campaign))
        assert (imported.judgments, imported.unchanged) == (0, len(before))
        assert exported(campaign) == before


def test_frequencies_of_a_copy_are_the_same(study):
    copy = make_draft(study.dataset, slug="copy")
    give(copy, table(study))
    for campaign in (study, copy):
        aggregate(campaign)
    frequencies = {(r["image"], r["label"]): r for r in exported(study, "selection_frequencies")}
    here = exported(copy, "selection_frequencies")
    assert here
    for row in here:
        want = frequencies[row["image"], row["label"]]
        assert [row[n] for n in ("selected", "maybe", "shown", "sf")] == [
            want[n] for n in ("selected", "maybe", "shown", "sf")
        ]


def test_raw_ids_and_pseudonyms_name_the_same_workers(study):
    copy = make_draft(study.dataset, slug="copy")
    give(copy, b"".join(Export(study, "judgments", "csv", raw_workers=True)))
    assert exported(copy) == exported(study)
    assert give(copy, table(study)).judgments == 0


def test_controls_and_unseen_forms_come_back(dataset, db):
    contains, again = make_draft(dataset), make_draft(dataset, slug="again")
    give(
        contains,
        [on(control="true"), on(image="b.jpg", control="false"), on(worker="v") | {"control": ""}],
    )
    give(again, table(contains))
    assert [row["control"] for row in exported(again)] == [True, False, True]
    assert exported(again) == exported(contains)
    assert contains.pairs.count() == again.pairs.count() == 1
    classify, again = (make_draft(dataset, "classify", slug=f"form-{n}") for n in range(2))
    rows = [form(control=True), form(worker="v", selected=None, main=None, control=True)]
    give(classify, as_list(rows))
    give(again, table(classify))
    assert [row["selected"] for row in exported(again)] == [["n0"], None]
    assert exported(again) == exported(classify)
    assert again.pairs.count() == 0


def test_where_all_say_none_and_nothing_says_what_was_offered(classify):
    rows = [form(worker=worker, selected=[], main="") for worker in "vw"]
    give(classify, rows)
    assert [row["offered"] for row in exported(classify)] == [[], []]
    assert give(classify, rows).unchanged == 2


IMAGES = ["a.jpg", "b.jpg", "c.jpg"]
judged = st.fixed_dictionaries(
    {
        "selected": st.sampled_from(["true", "no", "maybe", ""]),
        "submitted_at": st.sampled_from(["2026-01-01T00:00:00Z", "2026-01-02T00:00:00.5+01:00"]),
    }
)
files = st.dictionaries(
    st.tuples(
        st.sampled_from(["u", "v", "w"]), st.sampled_from(IMAGES), st.sampled_from(["n0", "n1"])
    ),
    judged,
    min_size=1,
    max_size=12,
)


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(files, st.integers(0, 12), st.booleans())
def test_a_file_in_two_parts_is_the_same_file(db, file, cut, named):
    """Whatever is judged, in HITs of one item or of one image, cut anywhere, in whatever order."""
    forget()
    dataset = Dataset.objects.filter(slug="given").first() or make_lettered_dataset()
    hits: dict[tuple, dict] = {}
    rows = []
    for (worker, image, label), answer in file.items():
        row = on(worker=worker, image=image, label=label, **answer)
        if named:  # all that a worker says of an image is one assignment, of one moment
            first = hits.setdefault((worker, image), answer)
            row |= {"hit": f"H {image}", "submitted_at": first["submitted_at"]}
        rows.append(row)
    whole, parts = (make_draft(dataset, slug=slug) for slug in ("whole", "parts"))
    give(whole, rows)
    for some in (rows[:cut], rows[cut:]):
        if some:
            give(parts, some)
    assert exported(parts) == exported(whole)
    assert len(exported(whole)) == len(rows)
    assert give(whole, rows[::-1]).judgments == 0
    assert whole.hits.count() == len({(r.get("hit") or (r["image"], r["label"])) for r in rows})
