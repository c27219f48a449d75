"""A careless worker's session is rejected only where every rule allows it (rule S8)."""

from decimal import Decimal

import pytest

from tasks.crowds import SessionVisit
from tasks.crowds.prolific.submissions import may_reject, wrong_feedback
from tasks.market import sessions
from tasks.market.sync import sync
from tasks.models import Assignment, Campaign, KnownAnswer, Place, Session, Stop, Worker
from tasks.models.session import SessionOutcome
from tasks.work.beginning import begin
from tasks.work.claiming import next_assignment
from tasks.work.sessions import end
from tasks.work.submitting import submit
from tests.factories import make_campaign, make_dataset
from tests.studies.bazaar import Bazaar


@pytest.fixture
def studied(db, bazaar):
    """A function (known answers?, **settings) -> campaign of one long session, with controls."""

    def make(known: bool = True, **settings) -> Campaign:
        dataset = make_dataset(images=40, labels=10)
        half = [f"{number:03d}.jpg" for number in range(20)]
        for image in dataset.images.exclude(key__in=half) if known else ():
            for label in dataset.labels.all():
                present = label.pk == image.dataset_label_id
                KnownAnswer.objects.create(
                    dataset=dataset, image=image, label=label, present=present
                )
        defaults = {"rejection": True, "session_minutes": 60, "max_share_per_worker": 1}
        return make_campaign(
            dataset,
            crowd="bazaar",
            images=half,
            grid_size=12,
            workers_per_item=2,
            budget=Decimal(500),
            controls={"share": 0.5, "min_accuracy": 0.75, "min_items": 10},
            **defaults | settings,
        )

    return make


def careless(campaign: Campaign, bazaar: Bazaar) -> Session:
    """Somebody selects every picture, hands in, and a sync follows."""
    key = bazaar.take("careless")
    worker = Worker.of("bazaar", "careless")
    session = begin(campaign, worker, SessionVisit(key, "careless"))
    while (assignment := next_assignment(campaign, worker)) is not None:
        submit(assignment, {"selected": list(assignment.shown), "maybe": [], "unseen": []})
    end(session, SessionOutcome.DONE, "a test")
    bazaar.stalls[key].status = "submitted"
    assert sync(campaign).troubles == []
    session.refresh_from_db()
    assert Stop.objects.get(campaign=campaign).worker == worker
    return session


def outcomes(campaign: Campaign) -> set[str]:
    return set(Assignment.objects.filter(campaign=campaign).values_list("outcome", flat=True))


def test_it_is_rejected_with_the_reason_and_its_places_are_free(studied, bazaar):
    campaign = studied()
    session = careless(campaign, bazaar)
    assert (session.market_state, outcomes(campaign)) == ("rejected", {"rejected"})
    assert bazaar.spent == 0
    assert not Place.objects.exclude(holder=None).exists()
    feedback = Assignment.objects.first().feedback
    assert "control accuracy" in feedback
    assert wrong_feedback(feedback) == ""  # long enough for Prolific
    assert sync(campaign).troubles == []
    assert campaign.payments.count() == 0


@pytest.mark.parametrize("why", ["no rejection", "weak controls", "the policy", "accepted before"])
def test_else_it_is_set_aside_and_paid(studied, bazaar, monkeypatch, why):
    campaign = studied(known=why != "weak controls", rejection=why != "no rejection")
    if why == "the policy":
        monkeypatch.setattr(bazaar, "may_reject", lambda session, failed: False)
    if why == "accepted before":
        accept_the_first(monkeypatch)
    session = careless(campaign, bazaar)
    assert (session.market_state, outcomes(campaign)) == ("approved", {"accepted"})
    assert not Assignment.objects.filter(set_aside=False).exists()
    assert bazaar.spent == session.reward


def accept_the_first(monkeypatch) -> None:
    """A person accepts an answer before the sync."""
    decide = sessions.decide

    def accepted_first(campaign, market, troubles):
        first = Assignment.objects.filter(campaign=campaign).first()
        Assignment.objects.filter(pk=first.pk).update(outcome="accepted")
        return decide(campaign, market, troubles)

    monkeypatch.setattr(sessions, "decide", accepted_first)


@pytest.mark.parametrize(
    ("seconds", "failed", "allowed"), [(299, 1, True), (300, 1, False), (300, 2, True), (60, 0, 0)]
)
def test_on_prolific_one_failed_check_suffices_only_under_five_minutes(seconds, failed, allowed):
    assert may_reject(Session(planned_seconds=seconds), failed) == allowed
