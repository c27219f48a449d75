"""A worker's page, and what setting them aside would change, against what it does change."""

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from annotation.explorer.changed_pairs import follow_up_of, rules_of
from annotation.explorer.controls import controls_of
from annotation.explorer.without_worker import Effect, effect_of
from tasks.campaigns.follow_up import counted_pairs, groups_of
from tasks.models import (
    Assignment,
    Campaign,
    HITItem,
    ImageResult,
    PairResult,
    Place,
    Stop,
    Transition,
    Worker,
)
from tasks.results import aggregate
from tasks.work.stops import set_aside
from tests.factories import (
    make_awkward_dataset,
    make_campaign,
    make_user,
    make_workers,
    random_answers,
    work_through,
)

pytestmark = pytest.mark.django_db
R = 5


@pytest.fixture(scope="module")
def campaigns(module_db, tmp_path_factory) -> dict[str, Campaign]:
    """One of each kind, answered at random by five workers and aggregated."""
    dataset = make_awkward_dataset(tmp_path_factory.mktemp("explorer") / "pictures")
    made = {}
    for seed, kind in enumerate(("contains", "classify")):
        settings = {"workers_per_item": R, "round_size": R, "reward": Decimal("0.30")}
        made[kind] = make_campaign(dataset, kind, **settings)
        work_through(made[kind], make_workers(R), random_answers(seed))
        aggregate(made[kind])
    return made


@pytest.fixture
def careless() -> Worker:
    return make_workers(R)[1]


def number_of(effect: Effect, beginning: str) -> int:
    (change,) = [each for each in effect.changes if each.title.startswith(beginning)]
    assert len(change.first) == min(change.number, 12)
    return change.number


def without_each(campaign: Campaign) -> Iterator[Effect]:
    """What would change without each worker; the caller then finds it changed."""
    for worker in make_workers(R):
        with transaction.atomic():
            effect = effect_of(campaign, worker)
            assert set_aside(campaign, worker, "careless", "a test")
            aggregate(campaign)
            yield effect
            transaction.set_rollback(True)


def test_selection_frequencies_and_groups_change_as_was_said(campaigns):
    campaign = campaigns["contains"]
    least, share = rules_of(campaign, follow_up_of(campaign))

    def results() -> dict[int, tuple[int, int]]:
        rows = PairResult.objects.filter(pair__campaign=campaign)
        return {pair: counts for pair, *counts in rows.values_list("pair", "selected", "shown")}

    def groups() -> dict[int, str]:
        return groups_of(campaign, counted_pairs(campaign), share, least)

    def sf(counts: list[int]) -> float:
        return counts[0] / counts[1] if counts[1] else 0.0

    def accepted(counts: list[int]) -> bool:
        return counts[1] > 0 and 2 * counts[0] >= counts[1]

    before, grouped = results(), groups()
    told: Counter[str] = Counter()
    for effect in without_each(campaign):
        after, regrouped = results(), groups()
        judged = [pair for pair in before if before[pair][1] != after[pair][1]]
        changed = [image for image in grouped if grouped[image] != regrouped[image]]
        for beginning, number in (
            ("Selection frequencies", sum(sf(before[p]) != sf(after[p]) for p in judged)),
            (
                "Pairs whose majority",
                sum(accepted(before[p]) != accepted(after[p]) for p in judged),
            ),
            ("Pairs left with", sum(before[p][1] >= least > after[p][1] for p in judged)),
            ("Images that would change their group", len(changed)),
        ):
            assert number_of(effect, beginning) == number
            told[beginning] += number
        (moves,) = [each for each in effect.changes if "group" in each.title]
        assert Counter((each.before, each.after) for each in moves.first) == Counter(
            (grouped[image], regrouped[image]) for image in changed
        )
    assert all(told.values())


def test_objects_and_main_labels_change_as_was_said(campaigns):
    campaign = campaigns["classify"]

    def results() -> dict[int, ImageResult]:
        return {row.image_id: row for row in ImageResult.objects.filter(campaign=campaign)}

    def disagrees(row: ImageResult) -> bool:
        own = row.dataset_object
        return (row.num_objects or 0) > 1 and own is not None and row.main_object != own

    campaign.min_judgments = 1  # of the source's answers
    before, half = results(), (R + 1) // 2
    told: Counter[str] = Counter()
    for effect in without_each(campaign):
        both = [(before[pk], row) for pk, row in results().items()]
        for beginning, number in (
            ("Images whose main label", sum(a.main_label != b.main_label for a, b in both)),
            ("Images whose number", sum(a.num_objects != b.num_objects for a, b in both)),
            ("Images whose main object", sum(disagrees(a) != disagrees(b) for a, b in both)),
            ("Images left with", sum(a.workers >= half > b.workers for a, b in both)),
        ):
            assert number_of(effect, beginning) == number
            told[beginning] += number
        assert any(f"fewer than {half} answers" in each.title for each in effect.changes)
    assert told["Images whose main label"]
    assert told["Images whose number"]


def test_places_that_open_again_are_counted_and_priced(campaigns, careless):
    campaign = campaigns["contains"]
    assert campaign.state == "finished"
    effect = effect_of(campaign, careless)
    number = set_aside(campaign, careless, "careless", "a test")
    free = Place.objects.filter(campaign=campaign, free_at__isnull=False).count()
    assert (effect.answers, effect.places.number) == (number, free)
    assert effect.places.price == f"${Decimal('0.30') * free:.2f}"


def test_answers_since_the_last_aggregation_are_named_and_not_subtracted(campaigns, careless):
    assert effect_of(campaigns["contains"], careless).later == 0
    late = make_workers(R + 1)[R]
    dataset = campaigns["contains"].dataset
    more = make_campaign(dataset, slug="not-aggregated", workers_per_item=R)
    work_through(more, [late], random_answers())
    effect = effect_of(more, late)
    assert (effect.run, effect.changes, effect.later) == (None, [], effect.used)
    aggregate(more)
    assert effect_of(more, late).changes
    answer = Assignment.objects.filter(campaign=more, worker=late)[0]
    changed = {"subject": "assignment", "before": "", "after": "accepted", "who": "a test"}
    Transition.objects.create(campaign=more, assignment=answer, **changed)
    assert effect_of(more, late).later == 1


def address(campaign: Campaign, worker: Worker, step: str = "") -> str:
    return f"/campaigns/{campaign.slug}/workers/{worker.pseudonym}/{step}"


def client_for(role: str, **permissions: bool) -> Client:
    client = Client()
    client.force_login(make_user(f"{role}-{len(permissions)}", role, **permissions))
    return client


@pytest.mark.parametrize("kind", ["contains", "classify"])
def test_a_viewer_reads_it_all_without_raw_ids(campaigns, careless, kind):
    viewer = client_for("viewer")
    Assignment.objects.filter(worker=careless).update(comment="The cup is a bowl.")
    page = viewer.get(address(campaigns[kind], careless))
    text = page.content.decode()
    assert page.context["answered"].all == page.context["answered"].used > 0
    assert "The cup is a bowl." in text
    preview = viewer.get(address(campaigns[kind], careless, "aside/")).content.decode()
    assert "needs the role reviewer" in preview
    assert "<textarea" not in preview
    for each in (text, preview):
        assert careless.external_id not in each
    assert (
        viewer.post(address(campaigns[kind], careless, "aside/"), {"why": "x"}).status_code == 403
    )
    assert not Stop.objects.exists()


def test_a_reviewer_sets_aside_with_a_reason_and_comes_back(campaigns, careless):
    campaign, reviewer = campaigns["contains"], client_for("reviewer")
    here = address(campaign, careless, "aside/")
    assert reviewer.post(here, {"why": " "}).status_code == 422
    assert not Stop.objects.exists()
    page = reviewer.post(here, {"why": "selects everything"}, follow=True)
    assert page.redirect_chain == [(address(campaign, careless), 302)]
    text = page.content.decode()
    assert "selects everything" in text
    assert "answers leave the results at the next aggregation" in text
    assert Stop.objects.get().worker == careless
    assert "They were set aside" in reviewer.get(here).content.decode()


def test_all_answers_are_there_page_by_page(campaigns, careless):
    viewer, campaign = client_for("viewer"), campaigns["contains"]
    seen, at = [], address(campaign, careless)
    while at:
        page = viewer.get(at)
        seen += [drawn.assignment.pk for drawn in page.context["answers"]]
        older = page.context["older"]
        at = f"{address(campaign, careless)}?before={older}" if older else ""
    theirs = Assignment.objects.filter(campaign=campaign, worker=careless)
    assert seen == sorted(theirs.values_list("pk", flat=True), reverse=True)
    assert len(seen) > 3


def test_controls_are_right_or_wrong_by_what_is_known(campaigns, careless):
    campaign = campaigns["contains"]
    answer = Assignment.objects.filter(campaign=campaign, worker=careless).first()
    assert answer is not None
    HITItem.objects.filter(hit=answer.hit).update(role="control", pair=None, known=True)
    controls = controls_of(campaign, careless)
    seen = set(answer.shown) - set(answer.unseen)
    assert controls.right == len(seen & set(answer.selected))
    assert controls.wrong == len(seen) - controls.right
    assert {
        control.said for word, part in controls.shown for control in part if word == "right"
    } <= {"selected"}
    form = campaigns["classify"]
    response = Assignment.objects.filter(campaign=form, worker=careless).first()
    assert response is not None
    item = HITItem.objects.get(hit=response.hit, position=response.shown[0])
    offered = response.answers[0]["offered"][0]
    HITItem.objects.filter(pk=item.pk).update(role="control", known=True, label=offered)
    response.answers[0] |= {"selected": [offered], "main": offered}
    response.save()
    assert (controls_of(form, careless).right, controls_of(form, careless).wrong) == (1, 0)
    response.answers[0] |= {"selected": response.answers[0]["offered"]}
    response.save()
    assert (controls_of(form, careless).right, controls_of(form, careless).wrong) == (0, 1)


def test_who_did_nothing_here_has_no_page(campaigns, careless):
    viewer, campaign = client_for("viewer"), campaigns["contains"]
    stranger = Worker.of("local", "stranger@example.org")
    for worker in (stranger, Worker(pseudonym="pw-nobody"), Worker(pseudonym="pw-\0")):
        for step in ("", "aside/"):
            assert viewer.get(address(campaign, worker, step)).status_code == 404
    Stop.objects.create(campaign=campaign, worker=stranger, reason="before they came")
    text = viewer.get(address(campaign, stranger)).content.decode()
    assert "have not handed in any answer" in text
    assert "before they came" in text
    somebody = Client()
    somebody.force_login(make_user("nobody"))
    assert somebody.get(address(campaign, careless)).status_code == 404


def test_the_campaigns_page_leads_here(campaigns, careless):
    text = client_for("reviewer").get(f"/campaigns/{campaigns['contains'].slug}/").content.decode()
    assert address(campaigns["contains"], careless) in text
    assert address(campaigns["contains"], careless, "aside/") in text


def test_queries_do_not_grow_with_what_they_did(campaigns, careless):
    """Neither page asks more for twenty HITs than for two; both ask only about this worker."""
    viewer = client_for("viewer")
    many = campaigns["contains"]
    few = make_campaign(
        many.dataset, slug="few", workers_per_item=R, images=[many.dataset.images.all()[0].key]
    )
    work_through(few, make_workers(R), random_answers())
    aggregate(few)
    counts = {}
    for step in ("", "aside/"):
        for campaign in (few, many):
            viewer.get(address(campaign, careless, step))
            with CaptureQueriesContext(connection) as queries:
                viewer.get(address(campaign, careless, step))
            counts[step, campaign.slug] = len(queries)
    drawn = 4 * 3  # queries, each answer that is drawn
    assert counts["", many.slug] <= counts["", few.slug] + drawn
    shown = 2  # queries where anything changes: the pictures, and their labels
    assert counts["aside/", many.slug] <= counts["aside/", few.slug] + shown
