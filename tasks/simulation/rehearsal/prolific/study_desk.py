"""What a researcher does with studies at the stand-in for Prolific, one method an operation."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from tasks.simulation.rehearsal.prolific import pool
from tasks.simulation.rehearsal.prolific.books import Books
from tasks.simulation.rehearsal.prolific.errors import Plain, missing, wrong
from tasks.simulation.rehearsal.prolific.records import WAITING, Payment, Study, new_id

AFTER_PUBLISHING = {
    *("internal_name", "total_available_places", "submissions_config"),
    "completion_codes",  # more slots, and nothing else
}
LEAST_WAGES = {"USD": 800, "GBP": 600}  # cents an hour


class StudyDesk(Books):
    """The workspace, its money, and its studies."""

    def my_workspaces(self, given: Mapping[str, Any]) -> Any:
        return {"results": [{"id": self.workspace, "title": "A rehearsal"}]}

    def a_project(self, given: Mapping[str, Any], project: str) -> Any:
        if project != self.project:
            raise missing("The project")
        return {"id": project, "title": "A rehearsal", "workspace": self.workspace}

    def balance(self, given: Mapping[str, Any], workspace: str) -> Any:
        self.check_workspace(workspace)
        return {
            "currency_code": self.currency,
            "total_balance": self.deposited - self.spent,
            "available_balance": self.available,
        }

    def calculate_cost(self, given: Mapping[str, Any]) -> Any:
        return {"total_cost": given["total_available_places"] * self.rates.total(given["reward"])}

    def count_eligible(self, given: Mapping[str, Any]) -> Any:
        self.check_workspace(given.get("workspace_id", self.workspace))
        return {"count": pool.count(given["filters"])}

    def unread_messages(self, given: Mapping[str, Any]) -> Any:
        return {"results": self.messages}

    def make_participant(self, given: Mapping[str, Any]) -> Any:
        if not self.features.test_participants:
            raise wrong("Test participants are not enabled for this workspace.")
        self.test_participants.append(new_id())
        return {"participant_id": self.test_participants[-1]}

    def keys(self, given: Mapping[str, Any]) -> Any:
        return self.signer.jwks()

    # Studies

    def create_study(self, given: Mapping[str, Any]) -> Any:
        self._check_study(given)
        fields = {"submissions_config": {"max_submissions_per_participant": 1}, **given}
        minutes = given["estimated_completion_time"]
        fields.setdefault("maximum_allowed_time", _least_allowed(minutes))
        fields.setdefault("project", self.project)
        fields.setdefault("is_external_study_url_secure", False)
        study = Study(new_id(), fields, self.clock.now())
        self.studies[study.id] = study
        return self._described(study)

    def _check_study(self, given: Mapping[str, Any]) -> None:
        if given.get("project", self.project) != self.project:
            raise wrong("project: there is no such project")
        if given.get("is_external_study_url_secure") and not self.features.secure_url:
            raise wrong("is_external_study_url_secure: not available to this workspace")
        pool.check(given.get("filters") or [])
        codes = given.get("completion_codes", [])
        if len({code["code"] for code in codes}) < len(codes):
            raise wrong("completion_codes: each code must be unique within a study")
        actions = [action for code in codes for action in code["actions"]]
        fixed = [a for a in actions if a["action"] == "FIXED_SCREEN_OUT_PAYMENT"]
        if fixed and not self.features.fixed_screen_out:
            raise wrong("FIXED_SCREEN_OUT_PAYMENT: not available to this workspace")
        if any(a["fixed_screen_out_reward"] >= given.get("reward", math.inf) for a in fixed):
            raise wrong("fixed_screen_out_reward: must be less than the reward")
        minutes = given.get("estimated_completion_time")
        allowed = given.get("maximum_allowed_time")
        if minutes and allowed and allowed < _least_allowed(minutes):
            raise wrong(f"maximum_allowed_time: at least {_least_allowed(minutes)} minutes")
        least = LEAST_WAGES.get(self.currency, 0) * (minutes or 0) / 60
        if given.get("reward", least) < least:
            raise wrong("reward: is under the least pay by the hour")

    def list_studies(self, given: Mapping[str, Any]) -> Any:
        return {"results": [self._short(study) for study in self.studies.values()]}

    def a_study(self, given: Mapping[str, Any], study: str) -> Any:
        return self._described(self.find_study(study))

    def change_study(self, given: Mapping[str, Any], study: str) -> Any:
        changed = self.find_study(study)
        if changed.status == "UNPUBLISHED":
            self._check_study({**changed.fields, **given})
            changed.fields |= given
            return self._described(changed)
        if refused := sorted(set(given) - AFTER_PUBLISHING):
            raise wrong(f"{refused[0]}: cannot be changed after publishing")
        more = given.get("total_available_places", changed.places) - changed.places
        if more < 0:
            raise wrong("total_available_places: can only be increased")
        if more * self.rates.total(changed.reward) > self.available:
            raise Plain(400, "Not enough balance", "The wallet does not cover these places.")
        self._more_slots(changed, given.get("completion_codes", []))
        changed.fields |= {k: v for k, v in given.items() if k != "completion_codes"}
        if more and changed.status in (WAITING, "COMPLETED"):
            changed.stopped = False
            self.move(changed, "ACTIVE")
        return self._described(changed)

    def _more_slots(self, study: Study, codes: list[dict[str, Any]]) -> None:
        if codes and not self.features.more_slots:
            raise wrong("completion_codes: cannot be changed after publishing")
        for given in codes:
            for known in study.fields["completion_codes"]:
                (action,), (new,) = known["actions"], given["actions"]
                if known["code"] == given["code"]:
                    if "slots" not in action or new["slots"] < action["slots"]:
                        raise wrong("completion_codes: only more slots can be given")
                    action["slots"] = new["slots"]

    def move_study(self, given: Mapping[str, Any], study: str) -> Any:
        moved, action = self.find_study(study), given["action"]
        after = {
            ("UNPUBLISHED", "PUBLISH"): "ACTIVE",
            ("SCHEDULED", "CANCEL_PUBLISH"): "UNPUBLISHED",
            ("ACTIVE", "PAUSE"): "PAUSED",
            ("PAUSED", "START"): "ACTIVE",
            ("ACTIVE", "STOP"): "COMPLETED",
            ("PAUSED", "STOP"): "COMPLETED",
            (WAITING, "STOP"): "COMPLETED",
        }
        if self.features.starts_when_full:
            after[WAITING, "START"] = "ACTIVE"
        if (moved.status, action) not in after or (moved.stopped and action != "STOP"):
            raise wrong(f"{action} is not possible for a study that is {moved.status}")
        if action == "START" and moved.slots_are_used():
            raise wrong("START: as many participants were screened out as there are slots")
        if action == "PUBLISH" and moved.places * self.rates.total(moved.reward) > self.available:
            raise Plain(400, "Not enough balance", "The wallet does not cover the study.")
        if action == "PUBLISH":
            moved.published = self.clock.now()
        moved.stopped = action == "STOP"
        waits = moved.stopped and self.features.stops_to_review and moved.awaiting()
        self.move(moved, WAITING if waits else after[moved.status, action])
        return self._described(moved)

    def cost_of_study(self, given: Mapping[str, Any], study: str) -> Any:
        of = self.find_study(study)
        ids = {submission.id for submission in of.submissions}
        paid = [payment for payment in self.payments if payment.submission in ids]
        rewards = [p for p in paid if p.kind == "reward"]
        bonuses = [p for p in paid if p.kind == "bonus"]
        costs = {
            "rewards": self._costs(*self._summed_rewards(rewards)),
            "bonuses": self._costs(*_summed(bonuses)),
        }
        if str(given.get("is_projected", "")).lower() == "true":
            each = of.reward, self.rates.fee_of(of.reward), self.rates.vat_of(of.reward)
            costs["rewards"] = self._costs(*(of.places * cents for cents in each))
        return costs

    def _summed_rewards(self, rewards: list[Payment]) -> tuple[int, int, int]:
        if not self.features.rounds_by_study:
            return _summed(rewards)
        cents = sum(payment.amount for payment in rewards)
        fees = round(cents * self.rates.fee)
        return cents, fees, round(fees * self.rates.vat)

    def _costs(self, rewards: int, fees: int, tax: int) -> dict[str, Any]:
        parts = {"rewards": rewards, "fees": fees, "tax": tax}
        return {n: {"amount": cents, "currency": self.currency} for n, cents in parts.items()}

    def test_study(self, given: Mapping[str, Any], study: str) -> Any:
        tested = self.find_study(study)
        if not self.features.test_participants:
            raise wrong("Test studies are not enabled for this workspace.")
        if not self.test_participants:
            raise wrong("There is no test participant.")
        if tested.status != "UNPUBLISHED":
            raise wrong("Only a draft can be tested.")
        made = Study(new_id(), dict(tested.fields), self.clock.now(), test_of=tested.id)
        made.fields["internal_name"] = f"{tested.fields.get('internal_name') or ''} (test)"
        made.status, made.published = "ACTIVE", self.clock.now()
        self.studies[made.id] = made
        return {"study_id": made.id, "study_url": f"https://app.prolific.com/studies/{made.id}"}

    def _described(self, study: Study) -> dict[str, Any]:
        return {
            **study.fields,
            "id": study.id,
            "status": study.status,
            "places_taken": study.taken,
            "number_of_submissions": len(study.submissions),
        }

    def _short(self, study: Study) -> dict[str, Any]:
        return {
            "id": study.id,
            "name": study.fields["name"],
            "internal_name": study.fields.get("internal_name"),
            "status": study.status,
            "study_type": "SINGLE",
            "estimated_completion_time": study.fields["estimated_completion_time"],
            "total_available_places": study.places,
            "places_taken": study.taken,
            "number_of_submissions": len(study.submissions),
            "reward": study.reward,
            "total_cost": study.places * self.rates.total(study.reward),
            "published_at": _time(study.published),
            "publish_at": None,
            "date_created": _time(study.created),
            "is_ready_to_publish": study.status == "UNPUBLISHED",
        }


def _least_allowed(minutes: float) -> int:
    return math.ceil(2 + 2 * minutes + 2 * math.sqrt(minutes))


def _summed(payments: list[Payment]) -> tuple[int, int, int]:
    return (
        sum(p.amount for p in payments),
        sum(p.fee for p in payments),
        sum(p.vat for p in payments),
    )


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat()
