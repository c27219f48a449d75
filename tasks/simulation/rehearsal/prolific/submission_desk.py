"""What a researcher does with submissions, bonuses and hooks, one method an operation."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

from tasks.crowds.rehearsals import is_loopback
from tasks.simulation.rehearsal.prolific.books import Books
from tasks.simulation.rehearsal.prolific.errors import Plain, missing, wrong
from tasks.simulation.rehearsal.prolific.records import (
    FREED,
    RUNNING,
    WAITING,
    BonusSetUp,
    Submission,
    new_id,
)

PAGE = 20


class SubmissionDesk(Books):
    """Reviewing, paying, and being told."""

    def submissions_of_study(self, given: Mapping[str, Any], study: str) -> Any:
        return {"results": [_listed(s) for s in self.find_study(study).submissions]}

    def list_submissions(self, given: Mapping[str, Any]) -> Any:
        if "study" not in given:
            raise wrong("study: this parameter is required")
        found = self.find_study(given["study"]).submissions
        size, page = int(given.get("page_size", PAGE)), int(given.get("page", 1))
        if size < 1 or page < 1 or (page > 1 and (page - 1) * size >= len(found)):
            raise missing("The page")
        return {"results": [_listed(s) for s in found[(page - 1) * size : page * size]]}

    def count_submissions(self, given: Mapping[str, Any], study: str) -> Any:
        found = Counter(s.status for s in self.find_study(study).submissions)
        names = ["ACTIVE", "APPROVED", WAITING, "REJECTED", "RESERVED", *FREED[:2]]
        names += ["PARTIALLY APPROVED", "SCREENED OUT"]
        return {name: found[name] for name in names} | {"TOTAL": found.total()}

    def a_submission(self, given: Mapping[str, Any], submission: str) -> Any:
        return _described(self.find_submission(submission))

    def move_submission(self, given: Mapping[str, Any], submission: str) -> Any:
        moved, action = self.find_submission(submission), given["action"]
        if action == "APPROVE":
            if moved.status not in (WAITING, "APPROVED", "REJECTED"):
                raise wrong(f"a submission that is {moved.status} cannot be approved")
            self.approve(moved)
        elif action == "REJECT":
            if moved.status not in (WAITING, "REJECTED"):
                raise wrong(f"a submission that is {moved.status} cannot be rejected")
            moved.rejection = (given["rejection_category"], given["message"])
            self.become(moved, "REJECTED")
        elif action == "COMPLETE":
            self._complete_for(moved, given["completion_code"])
        else:
            if moved.status not in (WAITING, "REJECTED"):
                raise wrong(f"a submission that is {moved.status} was not rejected")
            self.become(moved, WAITING)
        return _described(moved)

    def _complete_for(self, submission: Submission, code: str) -> None:
        """A researcher completes a submission by a code of theirs; again: nothing happens."""
        if submission.status == "SCREENED OUT":
            return
        study = submission.study
        actions = [a for a in study.actions_of(code, "researcher") if "slots" in a]
        may_end = (*RUNNING, WAITING) if self.features.completes_in_review else RUNNING
        if not actions or submission.status not in may_end:
            raise wrong(f"{submission.id} cannot be completed by that code")
        for action in actions:
            if study.screened_out >= action["slots"]:
                raise wrong("as many participants were screened out as there are slots")
            if self.rates.total(action["fixed_screen_out_reward"]) > self.available:
                raise Plain(400, "Not enough balance", "The wallet does not cover the payment.")
            submission.completed = submission.completed or self.clock.now()
            self.act(submission, action)

    def approve_many(self, given: Mapping[str, Any]) -> Any:
        found = [self.find_submission(name) for name in given["submission_ids"]]
        if other := [s for s in found if s.status not in (WAITING, "APPROVED")]:
            raise wrong(f"{other[0].id} is {other[0].status} and cannot be approved")

        def approve_all() -> None:
            for submission in found:
                if submission.status == WAITING:
                    self.approve(submission)

        self.soon(approve_all)
        return {"message": "The request to bulk approve has been made successfully."}

    def request_return(self, given: Mapping[str, Any], submission: str) -> Any:
        asked = self.find_submission(submission)
        if asked.status not in (*RUNNING, WAITING):
            raise wrong(f"a submission that is {asked.status} cannot be returned")
        asked.return_requested = self.clock.now()
        return {
            "id": asked.id,
            "status": asked.status,
            "participant": asked.participant,
            "return_requested": asked.return_requested.isoformat(),
        }

    # Bonuses

    def set_up_bonuses(self, given: Mapping[str, Any]) -> Any:
        study = self.find_study(given["study_id"])
        lines = []
        for line in given["csv_bonuses"].strip().splitlines():
            name, amount = line.split(",")
            submission = self.submissions.get(name)
            if submission is None or submission.study is not study:
                raise wrong(f"{name} has not taken part in the study")
            if submission.status in self.features.no_bonuses_for:
                raise wrong(f"{name} cannot be paid a bonus")
            lines.append((submission, int(Fraction(amount) * 100)))
        made = BonusSetUp(new_id(), study.id, lines)
        self.set_ups[made.id] = made
        amount = sum(cents for _, cents in lines)
        fees = sum(self.rates.fee_of(cents) for _, cents in lines)
        vat = sum(self.rates.vat_of(cents) for _, cents in lines)
        return {
            "id": made.id,
            "study": study.id,
            "amount": amount,
            "fees": fees,
            "vat": vat,
            "total_amount": amount + fees + vat,
        }

    def pay_bonuses(self, given: Mapping[str, Any], set_up: str) -> Any:
        """Pay all of a set-up, as often as this is called."""
        if (paid := self.set_ups.get(set_up)) is None:
            raise missing("The bonus payment")
        total = sum(self.rates.total(cents) for _, cents in paid.lines)
        if total > self.available:
            raise Plain(400, "Not enough balance", "The wallet does not cover the bonuses.")
        paid.paid += 1

        def pay() -> None:
            for submission, cents in paid.lines:
                submission.bonuses.append(cents)
                self.pay("bonus", submission, cents)

        self.soon(pay)
        return {"message": "The bonuses will be paid."}

    def demographics_of(self, given: Mapping[str, Any], study: str) -> Any:
        rows = [
            {
                "Submission id": submission.id,
                "Participant id": submission.participant,
                "Status": submission.status,
                **self.demographics.get(submission.participant, {}),
            }
            for submission in self.find_study(study).submissions
        ]
        return {"results": rows}

    # Hooks

    def make_secret(self, given: Mapping[str, Any]) -> Any:
        self.check_workspace(given["workspace_id"])
        self.secret = new_id()
        return {"id": new_id(), "value": self.secret, "workspace_id": self.workspace}

    def list_secrets(self, given: Mapping[str, Any]) -> Any:
        made = {"id": new_id(), "value": self.secret, "workspace_id": self.workspace}
        return {"results": [made] if self.secret else []}

    def list_subscriptions(self, given: Mapping[str, Any]) -> Any:
        return {"results": [_shown(s) for s in self.subscriptions.values()]}

    def subscribe(self, given: Mapping[str, Any]) -> Any:
        self.check_workspace(given["workspace_id"])
        if not self.secret:
            raise wrong("Create a secret for the workspace first.")
        if not given["target_url"].startswith("https://") and not is_loopback(given["target_url"]):
            raise wrong("target_url: must be https")
        made = {"id": new_id(), "is_enabled": False, "confirmation": new_id(), **given}
        self.subscriptions[made["id"]] = made
        return {"results": [_shown(s) for s in self.subscriptions.values()]}

    def confirm_subscription(self, given: Mapping[str, Any], subscription: str) -> Any:
        confirmed = self.subscriptions.get(subscription)
        if confirmed is None or given["secret"] != confirmed["confirmation"]:
            raise wrong("The secret is not this subscription's.")
        confirmed["is_enabled"] = True
        return _shown(confirmed)


def _shown(subscription: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in subscription.items() if name != "confirmation"}


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat()


def _listed(submission: Submission) -> dict[str, Any]:
    return {
        "id": submission.id,
        "participant_id": submission.participant,
        "status": submission.status,
        "started_at": _time(submission.started),
        "completed_at": _time(submission.completed),
        "has_siblings": submission.siblings,
        "study_code": submission.code,
        "return_requested": _time(submission.return_requested),
    }


def _described(submission: Submission) -> dict[str, Any]:
    return {
        "id": submission.id,
        "participant": submission.participant,
        "study_id": submission.study.id,
        "status": submission.status,
        "entered_code": submission.code,
        "started_at": _time(submission.started),
        "completed_at": _time(submission.completed),
        "bonus_payments": list(submission.bonuses),
        "return_requested": _time(submission.return_requested),
    }
