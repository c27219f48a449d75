"""What an import may add to a campaign in each state, and what becomes of the campaign."""

import csv
import io

import pytest
from django.db import connection

from models_inference.models import Classifier
from tasks.campaigns.publish import close, publish
from tasks.models import (
    Assignment,
    Campaign,
    CampaignLabel,
    HITItem,
    Place,
    Stop,
    Transition,
    Worker,
)
from tasks.models.refused import Refused
from tasks.responses import ResponsesRefused, import_responses
from tasks.results import aggregate
from tasks.work.claiming import next_assignment
from tasks.work.rounds import waiting_places
from tasks.work.stops import set_aside
from tests import factories
from tests.factories import make_lettered_dataset
from tests.studies.judgment_files import as_csv, exported, form, give, make_draft, on
from tests.studies.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def judgments(campaign: Campaign, hit, worker: str, **more) -> list[dict]:
    """One worker's judgments on a whole HIT, all of them "yes"."""
    return [
        on(worker=worker, hit=hit.key, image=item.image.key, label=item.label.key, **more)
        for item in hit.items.order_by("position").select_related("image", "label")
    ]


# A draft is filled by import alone


def test_a_draft_holds_what_the_file_names(contains):
    rows = [
        on(hit="H", image="b.jpg", label="n1"),
        on(hit="H", image="a.jpg", label="n2"),
        on(hit="H", image="a.jpg", label="n1", worker="v"),
        on(hit="H", image="c.jpg", label="n2", worker="v", selected=""),
    ]
    give(contains, rows)
    hit = contains.hits.get()
    items = list(hit.items.order_by("position").values_list("image__key", "label__key", "section"))
    assert items == [
        ("b.jpg", "n1", 0),
        ("a.jpg", "n1", 0),
        ("a.jpg", "n2", 1),
        ("c.jpg", "n2", 1),
    ]
    assert hit.expected_seconds > 0
    assert len(hit.public_id) == 16
    shown = {
        a.worker.external_id: (a.shown, a.selected, a.unseen) for a in Assignment.objects.all()
    }
    assert shown == {"w": ([0, 2], [0, 2], []), "v": ([1, 3], [1], [3])}
    assert contains.pairs.count() == 4
    assert contains.campaign_images.count() == 3
    assert set(contains.labels.values_list("label__key", flat=True)) == {"n1", "n2"}
    assert contains.state == "draft"
    give(contains, [on(hit="H", image="d.jpg", label="n1", worker="x")])
    last = hit.items.order_by("position").last()
    assert (last.position, last.section) == (4, 0)


def test_without_hits_each_pair_is_one(contains):
    give(contains, [on(worker=w, label=label) for w in "abc" for label in ("n0", "n1")])
    assert contains.hits.count() == 2
    assert {hit.assignments.count() for hit in contains.hits.all()} == {3}
    assert not Assignment.objects.exclude(token=None).exists()


def test_order_of_submission_is_by_time_then_by_row(classify):
    times = ["2026-01-02T00:00:00Z", "", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"]
    rows = [
        form(worker=f"w{n}", image=f"{'abcd'[n]}.jpg", submitted_at=t) for n, t in enumerate(times)
    ]
    give(classify, rows)
    assert [row["image"] for row in exported(classify)] == ["c.jpg", "a.jpg", "d.jpg", "b.jpg"]


def test_labels_offered_become_the_images_pairs(classify):
    give(classify, [form(offered=["n0", "n3"]), form(worker="v", image="b.jpg", offered="")])
    pairs = set(classify.pairs.values_list("image__key", "label__key"))
    assert pairs == {("a.jpg", "n0"), ("a.jpg", "n3"), ("b.jpg", "n0")}
    assert CampaignLabel.objects.count() == 2
    assert classify.hits.first().items.get().pair is None


def test_a_filled_draft_is_closed_and_followed(contains, dataset):
    for worker in "uvwxy":
        give(
            contains,
            [
                on(worker=worker, image=image, label=label)
                for image in ("a.jpg", "b.jpg")
                for label in ("n0", "n1")
            ],
        )
    with pytest.raises(Refused, match="filled by import"):
        publish(contains, "a test")
    follow = Campaign.objects.create(
        name="F", slug="f", dataset=dataset, kind="classify", source=contains, follow_up="all"
    )
    with pytest.raises(Refused, match="must be finished or closed"):
        publish(follow, "a test")
    close(contains, "a test")
    published = publish(follow, "a test")
    assert published.groups == {"fu": 2}
    assert follow.hits.exists()
    aggregate(contains)
    assert {row["shown"] for row in exported(contains, "selection_frequencies")} == {5}
    follow.refresh_from_db()
    assert next_assignment(follow, Worker.of("local", "somebody")) is not None


def judged_source(contains: Campaign) -> Campaign:
    """A contains draft with five workers' answers: a fu, b easy, c mis, d amb; e is not in it."""
    said = {
        ("a.jpg", "n0"): [1, 1, 1, 0, 0],
        ("a.jpg", "n1"): [1, 1, 0, 0, 0],
        ("b.jpg", "n1"): [1, 1, 1, 1, 1],
        ("b.jpg", "n0"): [1, 0, 0, 0, 0],
        ("c.jpg", "n2"): [0, 0, 0, 0, 0],
        ("d.jpg", "n3"): [1, 1],
    }
    give(
        contains,
        [
            on(worker=f"w{w}", image=image, label=label, selected=selected)
            for (image, label), answers in said.items()
            for w, selected in enumerate(answers)
        ],
    )
    return contains


def test_a_draft_with_a_source_freezes_its_groups_as_publishing_does(contains, dataset):
    source = judged_source(contains)
    shares = {"fu": 1, "mis": 1, "easy": 0}
    by_import, by_publishing = (
        make_draft(dataset, "classify", slug=slug, source=source, follow_up=shares)
        for slug in ("by-import", "by-publishing")
    )
    rows = [form(image=f"{image}.jpg") for image in "abe"]
    with pytest.raises(Refused, match="follows given-contains, which is draft"):
        give(by_import, rows)
    assert not by_import.campaign_images.exists()
    close(source, "a test")
    notes = give(by_import, rows).notes
    assert (
        "groups of its source given-contains are frozen now: 1 amb, 1 easy, 1 fu, 1 mis" in notes[0]
    )
    assert notes[1].endswith("not in its source, so of no group: 1.")
    assert notes[2].endswith("would never have asked: 1.")
    publish(by_publishing, "a test")
    facts = ("image__key", "group", "inclusion_probability")
    frozen = set(by_import.campaign_images.values_list(*facts))
    assert frozen == {*by_publishing.campaign_images.values_list(*facts), ("e.jpg", "", 1.0)}
    asked = by_import.campaign_images.filter(asked=True).values_list("image__key", flat=True)
    assert set(asked) == {"a.jpg", "b.jpg", "e.jpg"}
    aggregate(by_import)
    groups = {row["image"]: row["group"] for row in exported(by_import, "annotations")}
    expected = {"a.jpg": "fu", "b.jpg": "easy", "c.jpg": "mis", "d.jpg": "amb", "e.jpg": None}
    assert groups == expected


def test_later_imports_into_a_draft_find_its_groups_frozen(contains, dataset):
    source = judged_source(contains)
    close(source, "a test")
    follow = make_draft(dataset, "classify", slug="follow", source=source)
    give(follow, [form(image="a.jpg")])
    Assignment.objects.filter(campaign=source).update(set_aside=True)
    assert give(follow, [form(image="c.jpg", worker="v")]).notes == []
    asked = dict(follow.campaign_images.filter(asked=True).values_list("image__key", "group"))
    assert asked == {"a.jpg": "fu", "c.jpg": "mis"}


def test_among_imported_pairs_of_equal_frequency_the_models_favourite_is_offered(contains, dataset):
    """a.jpg has dataset label n0; n1 and n2 are selected as often, and one of them is offered."""
    labels = dict(dataset.labels.values_list("key", "pk"))
    image = dataset.images.get(key="a.jpg")
    for name, label, score in (
        ("asked", "n2", 0.4),
        ("asked too", "n1", 0.3),
        ("other", "n1", 0.9),
    ):
        Classifier.objects.create(dataset=dataset, name=name).predictions.create(
            image=image, labels=[labels[label]], scores=[score]
        )
    contains.candidates = {"classifiers": ["asked", "asked too"]}
    contains.save()
    said = {"n0": "11111", "n1": "11100", "n2": "11100"}
    give(
        contains,
        [
            on(worker=f"w{w}", label=label, selected=selected)
            for label, answers in said.items()
            for w, selected in enumerate(answers)
        ],
    )
    close(contains, "a test")
    follow = make_draft(dataset, "classify", slug="follow", source=contains, max_offered=2)
    publish(follow, "a test")
    assert set(follow.pairs.values_list("label__key", flat=True)) == {"n0", "n2"}


def test_a_closed_campaign_takes_nothing_new(contains):
    rows = [on(), on(worker="v")]
    give(contains, rows)
    close(contains, "a test")
    assert give(contains, rows).unchanged == 2
    with pytest.raises(ResponsesRefused, match="row 4: campaign 'given-contains' is closed"):
        give(contains, [*rows, on(worker="x")])


def test_an_import_is_logged_once(contains):
    give(contains, [on()])
    give(contains, [on()])
    entry = Transition.objects.get(campaign=contains)
    assert (entry.subject, entry.after, entry.who) == ("responses", "imported", "a test")


def test_who_was_set_aside_stays_so(contains):
    rows = [on(image=image, used="true", status="accepted") for image in ("a.jpg", "b.jpg")]
    give(contains, rows[:1])
    worker = Worker.objects.get()
    set_aside(contains, worker, "careless", "a test")
    assert give(contains, rows).judgments == 1
    assert [row["used"] for row in exported(contains)] == [False, False]
    assert Stop.objects.count() == 1


# A published one takes answers to its own HITs


@pytest.fixture
def published(tmp_path) -> Campaign:
    """Open, R = 4 in rounds of 2."""
    return factories.make_campaign(
        factories.make_awkward_dataset(tmp_path), workers_per_item=4, round_size=2
    )


def test_answers_collected_elsewhere_take_the_places(published):
    hit = published.hits.first()
    places = Place.objects.filter(hit=hit)
    give(published, judgments(published, hit, "elsewhere 1"))
    assert places.filter(free_at=None, holder__imported=True).count() == 1
    for number in (2, 3):  # one more than the round has places
        give(published, judgments(published, hit, f"elsewhere {number}"))
    give(published, judgments(published, hit, "rejected", status="rejected"))
    assert places.filter(free_at=None).count() == places.count() == 3
    workers = factories.make_workers(6)
    factories.work_through(published, workers, factories.random_answers())
    assert (published.state, published.round) == ("finished", 2)
    used = [
        Assignment.objects.filter(
            hit=h, state="submitted", outcome="accepted", set_aside=False
        ).count()
        for h in published.hits.all()
    ]
    assert set(used) == {4}
    assert not Worker.objects.get(external_id="elsewhere 1").assignments.exclude(hit=hit).exists()


def test_answers_beyond_the_rounds_so_far_are_missing_no_more(published):
    """The first of its HITs has all four answers by import, the second three of four."""
    first, second, *others = published.hits.all()
    wanted = 4 * (2 + len(others))
    for hit, workers in ((first, "abcde"), (second, "abc")):
        for worker in workers:
            give(published, judgments(published, hit, worker))
    assert waiting_places(published) == wanted - 4 - 3
    factories.work_through(published, factories.make_workers(6), factories.random_answers())
    assert waiting_places(published) == 0


def test_only_its_own_hits_and_items(published):
    # An image whose key holds a line feed would make its row end a line later.
    plain = HITItem.objects.filter(hit__campaign=published).exclude(image__key__contains="\n")
    hit = plain.first().hit
    row = next(row for row in judgments(published, hit, "w") if "\n" not in row["image"])
    other = next(
        image.key
        for image in published.dataset.images.all()
        if not hit.items.filter(image=image).exists()
    )
    for change, says in (
        ({"hit": "no such"}, "row 2, hit: campaign 'tiny-contains' was published: 'no such'"),
        ({"hit": ""}, "row 2, hit: is missing: campaign 'tiny-contains' was published"),
        ({"image": other}, f", image: HIT {hit.key} has no such item"),
    ):
        with pytest.raises(ResponsesRefused) as error:
            give(published, [row | change])
        assert says in str(error.value)
    assert not Assignment.objects.exists()


def test_never_twice_also_against_the_site(published):
    worker = Worker.of("local", "w")
    assignment = next_assignment(published, worker)
    rows = judgments(published, assignment.hit, "w")
    with pytest.raises(ResponsesRefused, match="already has this HIT"):
        give(published, rows)
    with pytest.raises(ResponsesRefused, match="exists and is not answered yet"):
        give(published, [row | {"assignment": assignment.key} for row in rows])
    factories.work_through(published, worker, factories.random_answers())
    done = exported(published)
    short = [r for r in done if r["hit"] == assignment.hit.key]
    more = on(worker="w", hit=assignment.hit.key, assignment=short[0]["assignment"])
    Assignment.objects.filter(key=short[0]["assignment"]).update(shown=[], selected=[], unseen=[])
    with pytest.raises(ResponsesRefused, match="was answered on the site, without this item"):
        give(published, [more | {"image": short[0]["image"], "label": short[0]["label"]}])


# At once, and many


def test_two_imports_of_a_file_at_once(contains):
    rows = [on(worker=f"w{n}", image=f"{'abcdef'[n % 6]}.jpg") for n in range(600)]
    data = as_csv(rows)
    imports = at_once(*[lambda: import_responses(contains, io.BytesIO(data), "a test")] * 3)
    assert sorted((imported.judgments, imported.unchanged) for imported in imports) == [
        (0, 600),
        (0, 600),
        (600, 0),
    ]
    assert Assignment.objects.count() == 600


def test_many_judgments_are_counted_exactly(db, monkeypatch):
    """Three of five raters judge each of 3,340 pairs; a second import changes nothing."""
    monkeypatch.setattr("tasks.responses.staging.AT_ONCE", 1_000)  # the file takes several COPYs
    dataset = make_lettered_dataset(images=167, labels=20, slug="many")
    campaign = make_draft(dataset, slug="many")
    images = list(dataset.images.order_by("pk").values_list("key", flat=True))
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["worker", "image", "label", "selected"])
    counts = dict.fromkeys(["no", "yes", "maybe"], 0)
    for number in range(10_020):
        pair, turn = divmod(number, 3)
        answer = ("no", "yes", "maybe")[(pair * 7 + turn * turn) % 3]
        counts[answer] += 1
        writer.writerow([f"r{(pair + turn) % 5}", images[pair // 20], f"n{pair % 20}", answer])
    data = out.getvalue().encode()
    added = give(campaign, data)
    assert (added.judgments, added.assignments, added.hits) == (10_020, 10_020, 3_340)
    assert added.workers == 5
    assert give(campaign, data).unchanged == 10_020
    aggregate(campaign)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(shown), sum(selected), sum(maybe), count(*), min(shown)"
            " FROM tasks_pairresult"
        )
        assert cursor.fetchone() == (10_020, counts["yes"], counts["maybe"], 3_340, 3)


def test_a_plain_user_of_the_database_stores_the_same(contains):
    """References are checked row by row where nobody granted more, and nothing else differs."""
    rows = [on(worker=f"w{n % 3}", image=f"{'abc'[n // 3]}.jpg") for n in range(9)]
    give(contains, rows)
    copy = make_draft(contains.dataset, slug="copy")
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE ROLE plain; GRANT ALL ON ALL TABLES IN SCHEMA public TO plain;"
            "GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO plain; SET ROLE plain"
        )
        try:
            cursor.execute("SELECT has_parameter_privilege('session_replication_role', 'SET')")
            assert cursor.fetchone() == (False,)
            give(copy, rows)
        finally:
            cursor.execute("RESET ROLE; DROP OWNED BY plain; DROP ROLE plain")
        cursor.execute("SHOW session_replication_role")
        assert cursor.fetchone() == ("origin",)
    untimed = [
        [{name: row[name] for name in row if name != "submitted_at"} for row in exported(campaign)]
        for campaign in (contains, copy)
    ]
    assert untimed[0] == untimed[1]
