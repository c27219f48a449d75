"""Whatever people in sessions do, in whatever order: never a cent over, paid once, none forgotten.

On real Postgres; the marketplace is one in memory that keeps its own books (tests/studies/bazaar).
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
from tasks.campaigns.publish import pause, preview, publish, resume
from tasks.crowds import CrowdError, SessionVisit
from tasks.market.sync import sync
from tasks.models import Assignment, Campaign, Place, PracticeTry, Session, Worker
from tasks.models.session import SessionOutcome
from tasks.work.beginning import begin
from tasks.work.claiming import conclude, give_back, next_assignment
from tasks.work.resuming import take_up_again
from tasks.work.rounds import finish_if_done
from tasks.work.sessions import end, progress_of
from tasks.work.stops import set_aside
from tasks.work.submitting import submit
from tests.factories import answer_no, make_dataset
from tests.studies.bazaar import Bazaar, Stall, open_bazaar
from tests.studies.panels import PANEL

CREW = st.integers(0, 6)
LUCK = st.randoms(use_true_random=True)


class Study(RuleBasedStateMachine):
    """A campaign of few HITs, a crew of seven, and a budget that may not carry all sessions."""

    crowd = "panel"
    market: Bazaar

    @initialize(
        spare=st.sampled_from([0, 1, 3, 100]),
        r=st.integers(2, 4),
        minutes=st.sampled_from([1, 2]),
        goes_on=st.booleans(),
        share=st.sampled_from([0, 0.6, 1]),
    )
    def begin_study(self, spare: int, r: int, minutes: int, goes_on: bool, share: float) -> None:
        """`spare`: how many sessions beyond the first round's the budget pays for."""
        self.savepoint = transaction.atomic()
        self.savepoint.__enter__()
        if self.crowd == "bazaar":
            self.market.__init__()  # type: ignore[misc]
        self.campaign = Campaign.objects.create(
            name="Study",
            slug="study",
            dataset=make_dataset(images=6, labels=4),
            kind="contains",
            crowd=self.crowd,
            contact="ada@lab.example",
            candidates={"classifiers": ["first"], "k": 2},
            grid_size=6,
            max_sections=4,
            workers_per_item=r,
            round_size=2,
            session_minutes=minutes,
            continue_for_bonus=goes_on,
            max_share_per_worker=share,
            budget=Decimal(1000),
            panel=PANEL if self.crowd == "panel" else None,
        )
        first = preview(self.campaign).first_round
        self.campaign.budget = first.total + spare * first.total / first.sessions
        self.campaign.save()
        real = self.crowd == "panel"
        publish(self.campaign, "a test", production=real, yes_spend=self.campaign.budget)
        self.campaign.refresh_from_db()
        self.crew = [Worker.of(self.crowd, f"person-{n}") for n in range(7)]
        self.keys = [f"key-{n}" for n in range(7)]
        self.late: set[str] = set()  # sessions that were handed in after their time was over
        note(f"{self.campaign.hits.count()} HITs, {self.campaign.session_hits} a session, R = {r}")

    def teardown(self) -> None:
        if hasattr(self, "savepoint"):
            transaction.set_rollback(True)
            self.savepoint.__exit__(None, None, None)

    # What people do

    @rule(who=CREW, anew=st.booleans())
    def comes(self, who: int, anew: bool) -> None:
        """By the same address as before, or by another one."""
        if anew:
            self.keys[who] += "x"
        key, worker = self.keys[who], self.crew[who]
        study = ""
        if self.crowd == "bazaar":
            study = "study"
            if key not in self.market.stalls and not self._takes_a_place():
                return
            stall = self.market.stalls.setdefault(key, Stall(key, worker.external_id))
            if stall.status not in ("active", "timed_out"):
                return
        begin(self._now(), worker, SessionVisit(key, worker.external_id, study))

    def _takes_a_place(self) -> bool:
        """Whether the marketplace has one, which is then somebody's."""
        if not self.market.places:
            return False
        self.market.places -= 1
        return True

    @rule(who=CREW, goes_on=st.booleans())
    def takes_a_hit(self, who: int, goes_on: bool) -> None:
        self._take(who, goes_on)

    def _take(self, who: int, goes_on: bool) -> Assignment | None:
        campaign, worker = self._now(), self.crew[who]
        assignment = next_assignment(campaign, worker, goes_on)
        session = Session.objects.filter(worker=worker, outcome="").first()
        if assignment is None and session is not None:
            conclude(campaign, session)
        return assignment

    @rule(who=CREW, hits=st.integers(1, 6), goes_on=st.booleans(), finishes=st.booleans())
    def works(self, who: int, hits: int, goes_on: bool, finishes: bool) -> None:
        self.comes(who, anew=False)
        for _ in range(hits):
            if (assignment := self._take(who, goes_on)) is None:
                break
            submit(assignment, answer_no(assignment))
        if finishes:
            self.finishes(who)

    @rule(luck=LUCK)
    def answers_late_or_in_time(self, luck: random.Random) -> None:
        unanswered = [a for a in self._all() if a.submitted_at is None]
        if unanswered:
            assignment = luck.choice(unanswered)
            submit(assignment, answer_no(assignment))
            if luck.random() < 0.2:
                assert submit(assignment, answer_no(assignment)).status == "repeated"

    @rule(luck=LUCK)
    def gives_back_or_takes_up_again(self, luck: random.Random) -> None:
        live = [a for a in self._all() if a.state in ("open", "expired") and not a.submitted_at]
        if live:
            assignment = luck.choice(live)
            (give_back if luck.random() < 0.5 else take_up_again)(assignment)

    @rule(who=CREW)
    def finishes(self, who: int) -> None:
        session = Session.objects.filter(worker=self.crew[who], outcome="").first()
        if session is not None and progress_of(session).is_full:
            end(session, SessionOutcome.DONE, "a test")
        if self.crowd == "bazaar":
            stall = self.market.stalls.get(self.keys[who])
            if stall is not None and stall.status == "active":
                stall.status = "submitted"

    @rule(who=CREW)
    def refuses_consent(self, who: int) -> None:
        session = Session.objects.filter(worker=self.crew[who], outcome="").first()
        if session is not None:
            end(session, SessionOutcome.NO_CONSENT, "a test")

    @precondition(lambda self: self.crowd == "bazaar")
    @rule(luck=LUCK, status=st.sampled_from(["returned", "timed_out", "submitted", "rejected"]))
    def the_marketplace_ends_one(self, luck: random.Random, status: str) -> None:
        live = [s for s in self.market.stalls.values() if s.status in ("active", "timed_out")]
        if not live:
            return
        stall = luck.choice(live)
        if stall.status == "timed_out" and status == "submitted":
            if not self._takes_a_place():
                return  # others have taken it
            self.late.add(stall.key)
        stall.status = status

    @precondition(lambda self: self.crowd == "bazaar")
    @rule()
    def the_marketplace_approves_what_nobody_returned(self) -> None:
        self.market.approve_what_waits(self._now())

    @rule(minutes=st.sampled_from([5, 40, 90, 200]))
    def time_passes(self, minutes: int) -> None:
        """Everything happened that much longer ago."""
        for model, times in (
            (Assignment, ("opened_at", "expires_at", "submitted_at")),
            (Session, ("began_at", "kept_until", "ended_at")),
            (PracticeTry, ("expires_at",)),
            (Place, ("free_at",)),
            (Campaign, ("synced_at",)),
        ):
            model.objects.update(**{t: F(t) - timedelta(minutes=minutes) for t in times})

    # What the researcher and the clock do

    @rule(who=CREW)
    def somebody_is_set_aside(self, who: int) -> None:
        if Assignment.objects.filter(campaign=self.campaign, worker=self.crew[who]).exists():
            set_aside(self._now(), self.crew[who], "careless", "a person")

    @rule(failing=st.sampled_from([False, False, False, True]))
    def sync_runs(self, failing: bool) -> None:
        if self.crowd == "bazaar":
            self.market.failing = failing
        try:
            done = sync(self._now())
        except CrowdError:
            assert failing
        else:
            assert failing or done.troubles == []
            assert failing or done.differences == []
        finally:
            if self.crowd == "bazaar":
                self.market.failing = False

    @rule()
    def a_pause(self) -> None:
        if self._now().state == "open":
            pause(self._now(), "a person")
            stranger = Worker.of(self.crowd, "new")
            assert begin(self._now(), stranger, SessionVisit("new", "new")) is None
            resume(self._now(), "a person")

    # What must hold

    def _now(self) -> Campaign:
        return Campaign.objects.get(pk=self.campaign.pk)

    def _all(self) -> list[Assignment]:
        assignments = Assignment.objects.filter(campaign=self.campaign).order_by("pk")
        return list(assignments.select_related("campaign", "hit", "worker", "session"))

    @invariant()
    def the_budget_holds(self) -> None:
        if hasattr(self, "crew"):
            campaign = self._now()
            finish_if_done(campaign)
            assert money.spent(campaign) <= money.held(campaign) <= campaign.budget

    @invariant()
    def everybody_is_owed_once_what_they_did(self) -> None:
        if not hasattr(self, "crew"):
            return
        for session in Session.objects.prefetch_related("payments", "assignments__hit"):
            answers = [a for a in session.assignments.all() if a.state == "submitted"]
            base = [p.amount for p in session.payments.all() if p.kind == "base"]
            parts = [p for p in session.payments.all() if p.kind == "bonus"]
            part = [p.amount for p in parts if p.assignment_id is None]
            within = [a for a in answers if not a.is_extra and a.outcome != "rejected"]
            assert len(within) <= session.hits
            worth = min(sum(a.hit.reward for a in within), session.reward)
            rejected = session.market_state == "rejected"
            if session.market_state == "approved":
                assert base == [session.reward]
                assert part in ([], [worth] if session.key in self.late else [])
            elif session.settled_at is None:
                assert (base, part) == ([], [])
            elif session.outcome == "done" and not rejected:
                assert (base, part) == ([session.reward], [])
            else:
                assert (base, part) == ([], [worth] if worth and not rejected else [])
            extra = Counter(a.pk for a in answers if a.is_extra and a.outcome == "accepted")
            assert Counter(p.assignment_id for p in parts if p.assignment_id) == extra

    @invariant()
    def places_are_as_many_as_answers(self) -> None:
        if not hasattr(self, "crew"):
            return
        campaign, assignments = self._now(), self._all()
        rows = list(Place.objects.filter(campaign=campaign))
        used = Counter(a.hit_id for a in assignments if a.used)
        assert max(used.values(), default=0) <= campaign.target <= campaign.workers_per_item
        active = [(a.hit_id, a.worker_id) for a in assignments if a.state in ("open", "submitted")]
        assert len(active) == len(set(active))
        answered = {place.holder_id for place in rows if place.free_at is None}
        assert answered == {
            a.pk
            for a in assignments
            if a.state == "submitted" and a.outcome != "rejected" and not a.set_aside
        }
        if campaign.state == "finished" and not campaign.out_of_money:
            assert used == dict.fromkeys((hit.pk for hit in campaign.hits.all()), campaign.target)
            assert campaign.target == campaign.workers_per_item


class OnMarketplace(Study):
    crowd = "bazaar"


OPTIONS = settings(
    max_examples=settings().max_examples // 10,  # each is a whole study
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.django_db
def test_sessions_of_a_panel():
    run_state_machine_as_test(Study, settings=OPTIONS)


@pytest.mark.django_db
def test_sessions_of_a_marketplace(monkeypatch):
    OnMarketplace.market = open_bazaar(monkeypatch)
    run_state_machine_as_test(OnMarketplace, settings=OPTIONS)
