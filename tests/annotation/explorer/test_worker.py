"""A worker's page, and what setting them aside would change, against what it does change."""

from collections import Counter
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from annotation.explorer.controls import controls_of
from annotation.explorer.without_worker import Effect, effect_of, rules_of
from tasks.campaigns.follow_up import counted_pairs, groups_of
from tasks.models import Assignment, Campaign, HITItem, ImageResult, PairResult, Place, Stop, Worker
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


def test_selection_frequencies_and_groups_change_as_was_said(campaigns, careless):
    campaign = campaigns["contains"]

    def results() -> dict[int, tuple[int, int]]:
        rows = PairResult.objects.filter(pair__campaign=campaign)
        return {
            pair: (yes, shown) for pair, yes, shown in rows.values_list("pair", "selected", "shown")
        }

    def groups() -> dict[int, str]:
        least, share = rules_of(campaign)
        return groups_of(campaign, counted_pairs(campaign), share, least)

    effect = effect_of(campaign, careless)
    before, grouped = results(), groups()
    set_aside(campaign, careless, "careless", "a test")
    aggregate(campaign)
    after, regrouped = results(), groups()
    judged = [pair for pair in before if before[pair][1] != after[pair][1]]

    def sf(counts: tuple[int, int]) -> float:
        return counts[0] / counts[1] if counts[1] else 0.0

    def accepted(counts: tuple[int, int]) -> bool:
        return counts[1] > 0 and 2 * counts[0] >= counts[1]

    least, _ = rules_of(campaign)
    moved = [pair for pair in judged if sf(before[pair]) != sf(after[pair])]
    turned = [pair for pair in judged if accepted(before[pair]) != accepted(after[pair])]
    short = [pair for pair in judged if before[pair][1] >= least > after[pair][1]]
    changed = [image for image in grouped if grouped[image] != regrouped[image]]
    assert number_of(effect, "Selection frequencies") == len(moved) > 0
    assert number_of(effect, "Pairs whose majority") == len(turned) > 0
    assert number_of(effect, "Pairs left with fewer than 3") == len(short)
    assert number_of(effect, "Images that would change their group") == len(changed) > 0
    (told,) = [each for each in effect.changes if "group" in each.title]
    pairs = Counter((each.before, each.after) for each in told.first)
    assert pairs == Counter((grouped[image], regrouped[image]) for image in changed)


def test_objects_and_main_labels_change_as_was_said(campaigns, careless):
    campaign = campaigns["classify"]

    def results() -> dict[int, ImageResult]:
        return {row.image_id: row for row in ImageResult.objects.filter(campaign=campaign)}

    effect = effect_of(campaign, careless)
    before = results()
    set_aside(campaign, careless, "careless", "a test")
    aggregate(campaign)
    after = results()

    def differ(name: str) -> int:
        return sum(getattr(before[pk], name) != getattr(after[pk], name) for pk in before)

    assert number_of(effect, "Images whose main label") == differ("main_label") > 0
    assert number_of(effect, "Images whose number of objects") == differ("num_objects") > 0
    short = [pk for pk in before if before[pk].workers >= 3 > after[pk].workers]
    assert number_of(effect, "Images left with fewer than 3") == len(short)


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
    answer.become("a test", set_aside=True)
    answer.become("a test", set_aside=False)
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
    assert "answers left the results" in text
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
    assert counts["aside/", many.slug] <= counts["aside/", few.slug] + 1
