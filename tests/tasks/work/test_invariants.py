"""Whatever happens in whatever order: never over R, never twice, never over the budget, paid once.

On real Postgres; the marketplace is one in memory that keeps its own books (tests/studies/fair.py).
"""

import random
from collections import Counter
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from django.db.models import F
from hypothesis import HealthCheck, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tasks import money
from tasks.campaigns.changing import CannotChange, change
from tasks.campaigns.consequences import consequences
from tasks.campaigns.publish import pause, preview, publish, resume
from tasks.crowds import CrowdError, crowd_of
from tasks.market.sync import sync
from tasks.models import Assignment, Campaign, Place, Worker
from tasks.models.refused import Refused
from tasks.work import review
from tasks.work.claiming import give_back, next_assignment
from tasks.work.rounds import finish_if_done
from tasks.work.stops import set_aside
from tasks.work.submitting import submit
from tasks.work.take_up import NotOffered, take_up
from tests.factories import make_dataset
from tests.studies.fair import Fair, open_for_business

CREW = st.integers(0, 7)
# One seed each: what is drawn then depends on which HIT the database happens to give.
LUCK = st.randoms(use_true_random=True)


class Study(RuleBasedStateMachine):
    """A campaign of few HITs, a crew of eight, and a budget that may not carry all rounds."""

    crowd = "local"
    market: Fair

    @initialize(
        spare=st.sampled_from([0, 1, 3, 6, 100]),
        r=st.integers(2, 5),
        share=st.sampled_from([0, 0.3]),
    )
    def begin(self, spare: int, r: int, share: float) -> None:
        """`spare`: how many answers beyond the first round's the budget pays for."""
        self.savepoint = transaction.atomic()
        self.savepoint.__enter__()
        if self.crowd == "fair":
            self.market.__init__()  # type: ignore[misc]
        self.campaign = Campaign.objects.create(
            name="Study",
            slug="study",
            dataset=make_dataset(images=4, labels=4),
            kind="contains",
            crowd=self.crowd,
            candidates={"classifiers": ["first"], "k": 2},
            grid_size=7,
            max_sections=4,
            workers_per_item=r,
            round_size=2,
            reward=Decimal("0.20"),
            budget=Decimal(1000),
            rejection=True,
            review_sample=2,
            controls={"share": share, "min_accuracy": 0.7, "min_items": 4},
        )
        first = preview(self.campaign).first_round
        self.campaign.budget = first.total + spare * first.total / first.answers
        self.campaign.save()
        publish(self.campaign, "a test")
        self.crew = [Worker.of(self.crowd, f"person {n}") for n in range(8)]
        note(f"{self.campaign.hits.count()} HITs, R = {r}, budget {self.campaign.budget}")

    def teardown(self) -> None:
        if hasattr(self, "savepoint"):
            if hasattr(self, "crew"):
                self.check_log()
            transaction.set_rollback(True)
            self.savepoint.__exit__(None, None, None)

    # What workers do

    @rule(who=CREW, luck=LUCK)
    def takes_work(self, who: int, luck: random.Random) -> None:
        worker = self.crew[who]
        if self.crowd == "local":
            next_assignment(self._now(), worker)
            return
        offers = self.market.on_offer(worker.external_id)
        if offers:
            hit = luck.choice(offers)
            work = self.market.accept(hit, worker.external_id)
            if luck.random() < 0.9:  # else the page is not opened, or not yet
                self._open(work)

    def _open(self, work) -> None:
        worker = Worker.of(self.crowd, work.worker)
        try:
            take_up(self.campaign.hits.get(pk=work.hit), worker, work.key)
        except NotOffered:
            work.status = "returned"

    @rule(who=CREW, hits=st.integers(1, 4), luck=LUCK)
    def works_through(self, who: int, hits: int, luck: random.Random) -> None:
        for _ in range(hits):
            before = {a.pk for a in self._all()}
            self.takes_work(who, luck)
            for assignment in self._all():
                if assignment.pk not in before:
                    self._submit(assignment, luck, hands_in=0.95)

    @rule(crew=st.lists(CREW, min_size=2, max_size=4, unique=True), luck=LUCK)
    def several_work_and_a_sync_runs(self, crew: list[int], luck: random.Random) -> None:
        for who in crew:
            self.works_through(who, 3, luck)
        self.sync_runs(failing=False)

    @rule(luck=LUCK)
    def answers(self, luck: random.Random) -> None:
        running = [a for a in self._all() if a.submitted_at is None]
        if not running:
            return
        assignment = luck.choice(running)
        if self.crowd == "fair" and self.market.work[assignment.key].status == "returned":
            return
        self._submit(assignment, luck)

    def _submit(self, assignment: Assignment, luck: random.Random, hands_in: float = 0.7) -> None:
        answer = self._answer(assignment, luck)
        submit(assignment, answer)
        if luck.random() < 0.2:
            assert submit(assignment, answer).status == "repeated"
        if self.crowd == "fair" and luck.random() < hands_in:
            self._hand_in(assignment.key, answer)

    def _answer(self, assignment: Assignment, luck: random.Random) -> dict:
        return {
            "selected": [position for position in assignment.shown if luck.random() < 0.3],
            "maybe": [],
            "unseen": [],
        }

    def _hand_in(self, key: str, answer: dict | None) -> None:
        work = self.market.work[key]
        if work.status == "accepted":
            work.status, work.answer = "submitted", answer

    @precondition(lambda self: self.crowd == "fair")
    @rule(luck=LUCK)
    def hands_in_without_having_answered_on_the_site(self, luck: random.Random) -> None:
        open_there = [w for w in self.market.work.values() if w.status == "accepted"]
        if open_there:
            work = luck.choice(open_there)
            items = self.campaign.hits.get(pk=work.hit).items.values_list("position", flat=True)
            answer = {"shown": list(items), "selected": [], "maybe": [], "unseen": []}
            self._hand_in(work.key, luck.choice([answer, None]))

    @rule(luck=LUCK)
    def returns_work(self, luck: random.Random) -> None:
        running = [a for a in self._all() if a.state == "open"]
        if running:
            assignment = luck.choice(running)
            if self.crowd == "fair":
                work = self.market.work[assignment.key]
                if work.status == "accepted":
                    work.status = "returned"
                if luck.random() < 0.5:
                    return  # without notice
            give_back(assignment)

    @precondition(lambda self: self.crowd == "fair")
    @rule(luck=LUCK)
    def the_marketplace_forgets_what_was_never_handed_in(self, luck: random.Random) -> None:
        open_there = [w for w in self.market.work.values() if w.status == "accepted"]
        if open_there:
            luck.choice(open_there).status = "returned"

    @rule(minutes=st.sampled_from([5, 30, 90]))
    def time_passes(self, minutes: int) -> None:
        """Everything happened that much longer ago."""
        for model, times in (
            (Assignment, ("opened_at", "expires_at", "submitted_at")),
            (Place, ("free_at",)),
            (Campaign, ("synced_at",)),
        ):
            model.objects.update(**{t: F(t) - timedelta(minutes=minutes) for t in times})

    # What the researcher and the clock do

    @rule(who=CREW)
    def somebody_is_set_aside(self, who: int) -> None:
        if Assignment.objects.filter(campaign=self.campaign, worker=self.crew[who]).exists():
            set_aside(self.campaign, self.crew[who], "careless", "a person")

    @rule(luck=LUCK)
    def a_person_accepts_or_rejects(self, luck: random.Random) -> None:
        waiting = list(review.to_review(self._now()))
        if waiting:
            assignment = luck.choice(waiting)
            if luck.random() < 0.5:
                review.accept(assignment, "a person")
            else:
                review.reject(assignment, "not looked at", "a person")

    @rule(luck=LUCK)
    def a_rejection_is_overturned(self, luck: random.Random) -> None:
        rejected = [a for a in self._all() if a.outcome == "rejected"]
        if rejected:
            try:
                review.overturn(luck.choice(rejected), "a person", "it was careful after all")
            except Refused as refused:
                self._expect(refused, "budget")

    def _expect(self, refused: Refused, *words: str) -> None:
        assert any(word in str(refused) for word in words), refused

    @rule(luck=LUCK, cents=st.integers(1, 120), reason=st.sampled_from(["thorough", "quick"]))
    def a_bonus(self, luck: random.Random, cents: int, reason: str) -> None:
        accepted = [a for a in self._all() if a.outcome == "accepted"]
        if accepted:
            try:
                money.owe_bonus(luck.choice(accepted), Decimal(cents) / 100, reason)
            except Refused as refused:
                self._expect(refused, "budget", "for that reason")

    @rule(failing=st.sampled_from([False, False, False, True]))
    def sync_runs(self, failing: bool) -> None:
        if self._now().state == "draft":
            return
        if self.crowd == "fair":
            self.market.failing = failing
        try:
            done = sync(self._now())
        except CrowdError:
            assert failing
        else:
            if not failing:
                assert not done.troubles
                assert not money.differences(self._now())
                assert not self.campaign.payments.filter(state="due").exists() or (
                    self.crowd == "local"
                )
        finally:
            if self.crowd == "fair":
                self.market.failing = False

    @rule()
    def a_pause(self) -> None:
        if self._now().state == "open":
            pause(self._now(), "a person")
            if self.crowd == "local":
                assert next_assignment(self._now(), Worker.of("local", "new")) is None
            resume(self._now(), "a person")

    @rule(r=st.integers(2, 7))
    def another_r(self, r: int) -> None:
        self._changed({"workers_per_item": r})

    @rule(cents=st.integers(-200, 400))
    def another_budget(self, cents: int) -> None:
        self._changed({"budget": self._now().budget + Decimal(cents) / 100})

    def _changed(self, values: dict) -> None:
        """Change the study: told beforehand what it opens, and never fewer answers than asked."""
        before = self._now()
        told = " ".join(consequences(before, values))
        try:
            change(self._now(), values, "a person")
        except CannotChange as refused:
            self._expect(refused, "only be raised", "spent or promised", "no further round")
            return
        after = self._now()
        assert ("The next round opens" in told) == (after.round > before.round)
        assert ("open again" in told) == (before.state != after.state)
        again = Place.objects.filter(campaign=after, round__lte=before.round).count()
        assert ("are asked again" in told) == (again > self.places)

    # What must hold

    def _now(self) -> Campaign:
        return Campaign.objects.get(pk=self.campaign.pk)

    def _all(self) -> list[Assignment]:
        assignments = Assignment.objects.filter(campaign=self.campaign).order_by("pk")
        return list(assignments.select_related("campaign", "hit", "worker"))

    @invariant()
    def all_of_it_holds(self) -> None:
        if not hasattr(self, "crew"):
            return
        campaign, assignments = self._now(), self._all()
        finish_if_done(campaign)
        rows = list(Place.objects.filter(campaign=campaign))
        used = Counter(a.hit_id for a in assignments if a.used)
        places_of = Counter(place.hit_id for place in rows)
        self.places = len(rows)
        # Never over R, never twice.
        assert max(used.values(), default=0) <= campaign.target <= campaign.workers_per_item
        assert max(places_of.values(), default=0) <= campaign.target
        active = [(a.hit_id, a.worker_id) for a in assignments if a.state in ("open", "submitted")]
        assert len(active) == len(set(active))
        # A place is taken by exactly those answers that count or may come to count.
        answered = {place.holder_id for place in rows if place.free_at is None}
        counting = {
            a.pk
            for a in assignments
            if a.state == "submitted" and a.outcome != "rejected" and not a.set_aside
        }
        assert answered == counting
        # Never over the budget; everybody accepted is owed once, and nobody else.
        spent = money.spent(campaign)
        assert spent <= money.committed(campaign) <= campaign.budget
        payments = list(campaign.payments.filter(kind="base"))
        accepted = {a.pk: a.hit.reward for a in assignments if a.outcome == "accepted"}
        assert Counter(p.assignment_id for p in payments) == dict.fromkeys(accepted, 1)
        assert all(p.amount == accepted[p.assignment_id] for p in payments)
        if self.crowd == "fair":
            paid = Counter((p.kind, p.assignment, p.reason) for p in self.market.payments)
            assert set(paid.values()) <= {1}
            fee = crowd_of(campaign).fee
            total = sum((p.amount + fee(p.amount) for p in self.market.payments), 0)
            assert total <= spent
        # Finished: every answer that the budget could pay is there.
        if campaign.state == "finished" and not campaign.out_of_money:
            assert used == dict.fromkeys((hit.pk for hit in campaign.hits.all()), campaign.target)
            assert campaign.target == campaign.workers_per_item

    def check_log(self) -> None:
        """Every state that something has it came to by a logged change."""
        for assignment in self._all():
            log = assignment.transitions.order_by("pk").values_list("after", flat=True)
            for fact in (assignment.state, assignment.outcome):
                assert fact in ("open", "", *log) or (self.crowd == "fair" and fact == "expired")
            assert not assignment.set_aside or "set aside" in log


class Marketplace(Study):
    crowd = "fair"


OPTIONS = settings(
    max_examples=settings().max_examples // 10,  # each is a whole study
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.django_db
def test_a_study_on_the_site():
    run_state_machine_as_test(Study, settings=OPTIONS)


@pytest.mark.django_db
def test_a_study_on_a_marketplace(monkeypatch):
    Marketplace.market = open_for_business(monkeypatch)
    run_state_machine_as_test(Marketplace, settings=OPTIONS)
