"""The books of the stand-in for Prolific: what is kept, what time changes, what participants do.

It follows the API's OpenAPI file and help pages; where they disagree, `Features` says which way it
goes.
"""

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from tasks.simulation.rehearsal.clock import Clock
from tasks.simulation.rehearsal.prolific.errors import NotAllowed, missing
from tasks.simulation.rehearsal.prolific.records import (
    FREED,
    RUNNING,
    WAITING,
    BonusSetUp,
    Payment,
    Rates,
    Study,
    Submission,
    new_id,
)
from tasks.simulation.rehearsal.prolific.tokens import Signer


@dataclass(frozen=True)
class Features:
    """What differs between workspaces, and where the API's texts disagree."""

    test_participants: bool = True
    fixed_screen_out: bool = False
    secure_url: bool = False
    starts_when_full: bool = True  # START is possible from AWAITING REVIEW
    pauses_on_return: bool = False  # a full study pauses when somebody returns a submission
    stops_to_review: bool = False  # a stopped study awaits review while there is any
    completes_in_review: bool = True  # COMPLETE is possible for what awaits review
    more_slots: bool = True  # a published study's screen-outs can be raised
    rounds_by_study: bool = False  # fees on rewards: over a study's, not of each
    no_bonuses_for: tuple[str, ...] = ()  # statuses: one such submission refuses a whole set-up
    delay: timedelta = timedelta(seconds=0.2)  # of bulk approvals and bonus payments


class Books:
    """A researcher's studies, submissions and wallet, and what participants do with them."""

    def __init__(
        self,
        clock: Clock | None = None,
        balance: int = 1_000_000,
        currency: str = "GBP",
        rates: Rates | None = None,
        features: Features | None = None,
    ) -> None:
        self.clock = clock or Clock()
        self.deposited, self.currency = balance, currency
        self.rates, self.features = rates or Rates(), features or Features()
        self.workspace, self.project = new_id(), new_id()
        self.studies: dict[str, Study] = {}
        self.submissions: dict[str, Submission] = {}
        self.set_ups: dict[str, BonusSetUp] = {}
        self.payments: list[Payment] = []
        self.messages: list[dict[str, Any]] = []
        self.test_participants: list[str] = []
        self.demographics: dict[str, dict[str, str]] = {}  # by participant
        self.subscriptions: dict[str, dict[str, Any]] = {}
        self.secret = ""
        self.news: list[tuple[str, dict[str, Any]]] = []  # events that hooks have not told yet
        self.calls: Counter[str] = Counter()
        self.last_call = ""
        self.broken: list[str] = []  # answers of the stand-in that its schemas do not allow
        self.signer = Signer()
        self.lock = threading.RLock()
        self._later: list[tuple[datetime, Callable[[], None]]] = []

    # Money

    @property
    def spent(self) -> int:
        return sum(payment.total for payment in self.payments)

    @property
    def available(self) -> int:
        """What is neither spent nor set aside for studies that are published."""
        return self.deposited - self.spent - sum(map(self._reserved, self.studies.values()))

    def _reserved(self, study: Study) -> int:
        if study.status == "UNPUBLISHED" or study.test_of:
            return 0
        unpaid = study.awaiting()
        if study.status != "COMPLETED":
            paid = sum(bool(s.paid) and not s.frees_its_place for s in study.submissions)
            unpaid = max(unpaid, study.places - paid)
        return unpaid * self.rates.total(study.reward)

    def pay(self, kind: str, submission: Submission, cents: int) -> None:
        if submission.study.test_of:
            return
        self.payments.append(
            Payment(
                kind,
                submission.id,
                submission.participant,
                cents,
                self.rates.fee_of(cents),
                self.rates.vat_of(cents),
                self.clock.now(),
            )
        )

    # Time

    def settle(self) -> None:
        """What happens by itself: submissions time out, old ones are approved, money arrives."""
        with self.lock:
            now = self.clock.now()
            due = [action for at, action in self._later if at <= now]
            self._later = [(at, action) for at, action in self._later if at > now]
            for action in due:
                action()
            for submission in list(self.submissions.values()):
                study = submission.study
                if submission.status in RUNNING and submission.started + study.allowed <= now:
                    self.become(submission, "TIMED-OUT")
                elif submission.status == WAITING and submission.overdue(now):
                    self.approve(submission)
            for study in self.studies.values():
                self._look_whether_full(study)

    def soon(self, action: Callable[[], None]) -> None:
        self._later.append((self.clock.now() + self.features.delay, action))

    # What a study and a submission become

    def _look_whether_full(self, study: Study) -> None:
        if study.status == "ACTIVE" and study.taken >= study.places:
            self.move(study, WAITING)
        over = study.stopped or study.taken >= study.places
        if study.status == WAITING and over and not study.awaiting():
            self.move(study, "COMPLETED")

    def move(self, study: Study, status: str) -> None:
        study.status = status
        self._tell("study.status.change", {"resource_id": study.id, "status": status})

    def become(self, submission: Submission, status: str) -> None:
        submission.status = status
        study = submission.study
        if status in FREED and study.status == WAITING and self.features.pauses_on_return:
            self.move(study, "PAUSED")
        self._tell(
            "submission.status.change",
            {
                "resource_id": submission.id,
                "participant_id": submission.participant,
                "status": status,
            },
        )

    def _tell(self, kind: str, event: dict[str, Any]) -> None:
        self.news.append((kind, {"event_type": kind, **event}))

    def approve(self, submission: Submission) -> None:
        if submission.status in ("APPROVED", "PARTIALLY APPROVED", "SCREENED OUT"):
            return
        submission.paid = submission.study.reward
        self.pay("reward", submission, submission.paid)
        self.become(submission, "APPROVED")

    # What participants do

    def open_studies(self) -> list[Study]:
        """Studies in which a place can be taken now."""
        with self.lock:
            self.settle()
            return [s for s in self.studies.values() if s.status == "ACTIVE" and not s.test_of]

    def take(self, study: Study, participant: str) -> Submission:
        """A participant takes a place. Raises NotAllowed."""
        with self.lock:
            self.settle()
            if study.status != "ACTIVE" or study.taken >= study.places:
                raise NotAllowed("the study has no place")
            if study.test_of and participant not in self.test_participants:
                raise NotAllowed("it is a test study")
            if any(s.participant == participant for s in study.submissions):
                raise NotAllowed("they have taken part in it")
            taken = Submission(new_id(), study, participant, self.clock.now())
            study.submissions.append(taken)
            self.submissions[taken.id] = taken
            self._tell(
                "submission.status.change",
                {"resource_id": taken.id, "study_id": study.id, "status": taken.status},
            )
            self._look_whether_full(study)
            return taken

    def address_of(self, submission: Submission) -> str:
        """Where the participant is sent: the study's URL, its placeholders filled in."""
        study = submission.study
        named = {
            "{{%PROLIFIC_PID%}}": submission.participant,
            "{{%STUDY_ID%}}": study.id,
            "{{%SESSION_ID%}}": submission.id,
        }
        address = study.fields["external_study_url"]
        for placeholder, value in named.items():
            address = address.replace(placeholder, value)
        if not study.fields.get("is_external_study_url_secure"):
            return address
        parts = urlsplit(address)
        given = parse_qsl(parts.query, keep_blank_values=True)
        token = self.signer.token(
            self.clock.now(),
            audience=address,
            subject=submission.id,
            claim={**dict(given), "workspace_id": self.workspace},
        )
        return urlunsplit(parts._replace(query=urlencode([*given, ("prolific_token", token)])))

    def complete(self, submission: Submission, code: str | None) -> None:
        """A participant comes back with a code, right or wrong. Raises NotAllowed."""
        with self.lock:
            self.settle()
            study = submission.study
            late = submission.status == "TIMED-OUT" and study.taken < study.places
            if submission.status not in RUNNING and not late:
                raise NotAllowed(f"the submission is {submission.status}")
            submission.completed, submission.code = self.clock.now(), code
            self.become(submission, WAITING)
            for action in study.actions_of(code):
                self.act(submission, action)
            self._look_whether_full(study)

    def act(self, submission: Submission, action: Mapping[str, Any]) -> None:
        """Do what a completion code's action says."""
        if action["action"] == "AUTOMATICALLY_APPROVE":
            self.approve(submission)
        elif action["action"] == "REQUEST_RETURN":
            submission.return_requested = self.clock.now()
        elif action["action"] == "FIXED_SCREEN_OUT_PAYMENT":
            submission.paid = action["fixed_screen_out_reward"]
            self.pay("reward", submission, submission.paid)
            self.become(submission, "SCREENED OUT")
            study = submission.study
            if study.status == "ACTIVE" and study.screened_out >= action["slots"]:
                self.move(study, "PAUSED")

    def give_back(self, submission: Submission) -> None:
        """A participant returns their submission. Raises NotAllowed."""
        with self.lock:
            self.settle()
            if submission.status not in (*RUNNING, WAITING, "TIMED-OUT"):
                raise NotAllowed(f"the submission is {submission.status}")
            self.become(submission, "RETURNED")

    def write(self, participant: str, study: str, text: str) -> None:
        """A participant writes to the researcher."""
        with self.lock:
            self.messages.append(
                {
                    "id": new_id(),
                    "sender_id": participant,
                    "body": text,
                    "sent_at": self.clock.now().isoformat(),
                    "type": "message",
                    "channel_id": new_id(),
                    "data": {"study_id": study},
                }
            )

    # Finding

    def find_study(self, name: str) -> Study:
        if (found := self.studies.get(name)) is None:
            raise missing("The study")
        return found

    def find_submission(self, name: str) -> Submission:
        if (found := self.submissions.get(name)) is None:
            raise missing("The submission")
        return found

    def check_workspace(self, workspace: str) -> None:
        if workspace != self.workspace:
            raise missing("The workspace")
