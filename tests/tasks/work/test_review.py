"""Review by controls, with three outcomes; a sample for a person; rejections, and overturning."""

import pytest
from django.core.management import call_command

from tasks import money
from tasks.campaigns.publish import publish
from tasks.market.sync import sync
from tasks.models import Assignment, Campaign, HITItem, KnownAnswer, Stop, Worker
from tasks.models.refused import Refused
from tasks.work import review
from tasks.work.claiming import next_assignment
from tasks.work.stops import set_aside
from tasks.work.submitting import submit
from tests.factories import answer_no, answer_truly, make_dataset, work_through
from tests.studies.fair import open_for_business

CAREFUL = {"share": 0.3, "min_accuracy": 0.75, "min_items": 10}


def study(dataset, **fields) -> Campaign:
    settings = {"workers_per_item": 6, "round_size": 6, "grid_size": 12, "controls": CAREFUL}
    campaign = Campaign.objects.create(
        name="Study", slug="study", dataset=dataset, kind="contains", **(settings | fields)
    )
    publish(campaign, "a test")
    return campaign


def everything(assignment: Assignment) -> dict:
    """Select every picture."""
    return {"selected": list(assignment.shown), "maybe": [], "unseen": []}


def test_a_worker_who_selects_everything_is_stopped_once_enough_is_known(workers):
    campaign = study(make_dataset(images=40, labels=10))
    *careful, careless = workers(5)
    for worker in careful:
        work_through(campaign, worker, answer_truly)
    work_through(campaign, careless, everything)
    done = sync(campaign)
    assert done.reviewed.stopped == 1
    assert Stop.objects.get(campaign=campaign).worker == careless
    assert "control accuracy 0.5" in Stop.objects.get().reason
    assignments = Assignment.objects.filter(campaign=campaign, worker=careless)
    assert set(assignments.values_list("outcome", "set_aside")) == {("accepted", True)}
    assert next_assignment(campaign, careless) is None
    assert sync(campaign).reviewed.stopped == 0


def test_a_worker_who_selects_nothing_scores_a_half_and_is_stopped_too(workers):
    campaign = study(make_dataset(images=40, labels=10))
    *careful, careless = workers(5)
    for worker in careful:
        work_through(campaign, worker, answer_truly)
    work_through(campaign, careless, answer_no)
    assert sync(campaign).reviewed.stopped == 1


def test_nobody_is_stopped_before_half_of_min_items_of_each_kind(workers):
    campaign = study(make_dataset(images=40, labels=10), controls=CAREFUL | {"min_items": 1000})
    *careful, careless = workers(5)
    for worker in careful:
        work_through(campaign, worker, answer_truly)
    work_through(campaign, careless, everything)
    assert sync(campaign).reviewed.stopped == 0


def test_without_a_least_accuracy_nobody_is_stopped(workers):
    campaign = study(make_dataset(images=40, labels=10), controls=CAREFUL | {"min_accuracy": None})
    for worker, answer in zip(workers(3), (answer_truly, answer_truly, everything), strict=True):
        work_through(campaign, worker, answer)
    assert sync(campaign).reviewed.stopped == 0


# On a marketplace, where answers wait for review


@pytest.fixture
def fair(monkeypatch):
    return open_for_business(monkeypatch)


def hand_in_all(fair, campaign: Campaign, worker: str, answer) -> None:
    """The worker accepts every HIT on offer and hands in the answer."""
    for hit in fair.on_offer(worker):
        work = fair.accept(hit, worker)
        items = list(HITItem.objects.filter(hit=hit).order_by("position"))
        work.answer = answer(items) | {"shown": [item.position for item in items]}
        work.status = "submitted"


def truly(items) -> dict:
    selected = [i.position for i in items if i.label_id == i.image.dataset_label_id]
    return {"selected": selected, "maybe": [], "unseen": []}


def all_of_them(items) -> dict:
    return {"selected": [item.position for item in items], "maybe": [], "unseen": []}


@pytest.mark.parametrize("rejection", [False, True])
def test_careless_work_is_accepted_and_set_aside_or_rejected(fair, db, rejection):
    dataset = make_dataset(images=40, labels=10)
    campaign = study(dataset, crowd="fair", budget=1000, rejection=rejection)
    for name in ("anna", "ben", "clara", "dora"):
        hand_in_all(fair, campaign, name, truly)
    hand_in_all(fair, campaign, "careless", all_of_them)
    done = sync(campaign)
    assert done.reviewed.stopped == 1
    assignments = Assignment.objects.filter(campaign=campaign, worker__external_id="careless")
    others = Assignment.objects.filter(campaign=campaign).exclude(pk__in=assignments)
    assert set(others.values_list("outcome", "set_aside")) == {("accepted", False)}
    outcome = "rejected" if rejection else "accepted"
    assert set(assignments.values_list("outcome", "set_aside", "market_state")) == {
        (outcome, True, "rejected" if rejection else "approved")
    }
    assert (
        all("pictures" in text for text in assignments.values_list("feedback", flat=True))
        == rejection
    )
    assert not money.differences(campaign)
    # A rejection can be overturned: it is paid, and does not count, since its worker is stopped.
    if rejection:
        review.overturn(assignments.first(), "a person", "a mistake of ours")
        sync(campaign)
        again = assignments.first()
        assert (again.outcome, again.market_state, again.used) == ("accepted", "approved", False)
        assert not money.differences(campaign)


def test_weak_controls_alone_reject_nobody(fair, db):
    dataset = make_dataset(images=40, labels=10)
    half = [f"{number:03d}.jpg" for number in range(20)]
    campaign = study(
        dataset,
        crowd="fair",
        budget=1000,
        rejection=True,
        images=half,
        controls={"share": 0.5, "min_accuracy": 0.75, "min_items": 10},
    )
    hand_in_all(fair, campaign, "careless", all_of_them)  # no peers to agree
    done = sync(campaign)
    assert (done.reviewed.stopped, done.reviewed.rejected) == (1, 0)
    assignments = Assignment.objects.filter(campaign=campaign)
    assert set(assignments.values_list("outcome", "set_aside")) == {("accepted", True)}


def test_known_answers_reject(fair, db):
    dataset = make_dataset(images=40, labels=10)
    half = [f"{number:03d}.jpg" for number in range(20)]
    for image in dataset.images.exclude(key__in=half):
        for label in dataset.labels.all():
            KnownAnswer.objects.create(
                dataset=dataset,
                image=image,
                label=label,
                present=label.pk == image.dataset_label_id,
            )
    campaign = study(
        dataset,
        crowd="fair",
        budget=1000,
        rejection=True,
        images=half,
        controls={"share": 0.5, "min_accuracy": 0.75, "min_items": 10},
    )
    hand_in_all(fair, campaign, "careless", all_of_them)
    assert sync(campaign).reviewed.rejected > 0


def test_known_answers_of_pairs_that_are_asked_count_as_well(workers):
    dataset = make_dataset(images=40, labels=10)
    campaign = study(dataset, controls=CAREFUL | {"share": 0})
    for pair in campaign.pairs.select_related("image"):
        KnownAnswer.objects.create(
            dataset=dataset,
            image=pair.image,
            label=pair.label,
            present=pair.label_id == pair.image.dataset_label_id,
        )
    careful, careless = workers(2)
    work_through(campaign, careful, answer_truly)
    work_through(campaign, careless, everything)
    assert sync(campaign).reviewed.stopped == 1
    assert Stop.objects.get().worker == careless


# A person


def test_the_first_answers_wait_for_a_person(campaign, workers):
    Campaign.objects.update(review_sample=2, rejection=True)
    first, second, third = workers(3)
    done = [
        submit(next_assignment(campaign, w), answer_no(None)).assignment for w in (first, second)
    ]
    assert [a.outcome for a in done] == ["", ""]
    assert submit(next_assignment(campaign, third), answer_no(None)).assignment.used
    sync(campaign)
    assert set(Assignment.objects.filter(for_person=True).values_list("outcome", flat=True)) == {""}
    review.accept(done[0], "a person", "careful")
    free = campaign.places.filter(free_at__isnull=False).count()
    review.reject(done[1], "Not looked at.", "a person")
    assert campaign.places.filter(free_at__isnull=False).count() == free + 1
    for assignment in done:
        assignment.refresh_from_db()
    assert [a.used for a in done] == [True, False]
    # What is accepted or rejected already is not decided again.
    for again in (lambda: review.accept(done[1], "p"), lambda: review.reject(done[0], "x", "p")):
        with pytest.raises(Refused, match="does not wait for review"):
            again()
    assert review.overturn(done[1], "a person", "it was careful")
    done[1].refresh_from_db()
    assert done[1].used
    log = done[1].transitions.order_by("pk").values_list("before", "after", "why")
    assert ("rejected", "accepted", "it was careful") in log


def test_a_rejection_needs_the_campaigns_leave_and_a_feedback(campaign, workers):
    Campaign.objects.update(review_sample=1)
    (worker,) = workers(1)
    done = submit(next_assignment(campaign, worker), answer_no(None)).assignment
    with pytest.raises(Refused, match="does not reject"):
        review.reject(done, "x", "a person")
    Campaign.objects.update(rejection=True)
    with pytest.raises(Refused, match="needs feedback"):
        review.reject(done, "  ", "a person")


def test_an_overturned_answer_counts_only_while_its_place_is_free(dataset, workers):
    campaign = study(
        dataset, workers_per_item=1, round_size=1, review_sample=1, rejection=True,
        images=["000.jpg"], candidates={"classifiers": ["first"], "k": 1}, controls={"share": 0},
    )  # fmt: skip
    first, second = workers(2)
    rejected = submit(next_assignment(campaign, first), answer_no(None)).assignment
    review.reject(rejected, "Not looked at.", "a person")
    assert submit(next_assignment(campaign, second), answer_no(None)).assignment.used
    assert not review.overturn(rejected, "a person", "a mistake")
    rejected.refresh_from_db()
    assert (rejected.outcome, rejected.used) == ("accepted", False)
    assert Assignment.objects.filter(campaign=campaign, payments__kind="base").count() == 2


def test_a_stopped_workers_running_hit_is_paid_and_set_aside(campaign, workers):
    (worker,) = workers(1)
    running = next_assignment(campaign, worker)
    set_aside(campaign, worker, "careless", "a person")
    done = submit(running, answer_no(running)).assignment
    assert (done.outcome, done.set_aside) == ("accepted", True)
    assert done.payments.filter(kind="base").count() == 1
    assert not campaign.places.filter(holder=done).exists()


# The command


def test_the_command_says_what_it_did(fair, db, capsys):
    campaign = study(make_dataset(), crowd="fair", budget=1000, workers_per_item=1, round_size=1)
    hand_in_all(fair, campaign, "anna", truly)
    number = len(fair.work)
    call_command("sync", "study")
    output = capsys.readouterr().out
    assert f"{number} reported by the marketplace, {number} accepted, {number} paid" in output
    assert "is finished" in output
    call_command("sync", "study")
    assert "nothing new" in capsys.readouterr().out
    assert Worker.objects.filter(crowd="fair").count() == 1
