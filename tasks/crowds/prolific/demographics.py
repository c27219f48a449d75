"""Who took part, as counts that single nobody out, of people who agreed to the consent text."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from tasks.crowds import CrowdError
from tasks.crowds.prolific.client import RequestRefused, client
from tasks.crowds.prolific.models import Account
from tasks.crowds.prolific.money import account_of
from tasks.crowds.prolific.studies import of_campaign
from tasks.models import Campaign, Consent

LEAST = 5  # people in a cell that is shown
ASKED = {  # by the beginning of Prolific's own names, which have changed now and then
    "age": "age",
    "sex": "sex",
    "ethnicity": "ethnicity",
    "first language": "first language",
    "language": "first language",
    "country of residence": "country of residence",
    "current country": "country of residence",
    "nationality": "nationality",
    "student": "student",
    "employment": "employment",
}
NOT_TOLD = ("", "DATA_EXPIRED", "CONSENT_REVOKED")
BANDS = (18, 25, 35, 45, 55, 65)


def keep_demographics(campaign: Campaign) -> None:
    """Ask Prolific for them once, when the study is over, and keep the counts alone.

    Nothing is asked of a campaign without a consent text, nor again where Prolific refused. What
    goes wrong otherwise the next sync tries again.
    """
    account = account_of(campaign)
    if account is None or not campaign.consent or account.demographics is not None:
        return
    agreed = set(
        Consent.objects.filter(text__campaign=campaign, agreed=True).values_list(
            "worker__external_id", flat=True
        )
    )
    people: dict[str, Mapping[str, str]] = {}
    with suppress(RequestRefused):
        for study in of_campaign(campaign):
            path = f"/studies/{study.market_id}/demographic-export/"
            try:
                rows = _rows(client().send("POST", path, {}))
            except RequestRefused:
                raise
            except CrowdError:
                return
            for row in rows:
                named = {name.strip().lower(): str(value or "") for name, value in row.items()}
                person = named.get("participant id", "")
                if person in agreed and named.get("status", "APPROVED") == "APPROVED":
                    people[person] = named
    account.demographics = counts_of(people.values())
    account.save(update_fields=["demographics"])


def demographics(campaign: Campaign) -> dict[str, Any] | None:
    """The counts that are kept; None: nobody was asked."""
    found = Account.objects.filter(campaign=campaign).values_list("demographics", flat=True)
    return found.first()


def _rows(answer: Any) -> list[dict[str, Any]]:
    """The rows of an export, as JSON or as the text of a CSV."""
    if isinstance(answer, dict):
        answer = answer.get("results") or answer.get("data") or []
    if isinstance(answer, str):
        return list(csv.DictReader(io.StringIO(answer)))
    return [row for row in answer or [] if isinstance(row, dict)]


def counts_of(people: Iterable[Mapping[str, str]]) -> dict[str, Any]:
    """{"people": n, "answers": {question: {answer: people}}}; small cells are hidden.

    `people` maps lower-case questions to answers. A cell under five is hidden, and with it as many
    of the next smallest as keep the hidden ones from being worked out: they are five at least.
    """
    rows = list(people)
    if len(rows) < LEAST:
        return {"people": None, "answers": {}}
    answers: dict[str, dict[str, int]] = {}
    for question in dict.fromkeys(ASKED.values()):
        values = (_answer(row, question) for row in rows)
        counted = Counter(value for value in values if value is not None)
        if counted:
            answers[question] = _shown(counted)
    return {"people": len(rows), "answers": answers}


def _answer(row: Mapping[str, str], question: str) -> str | None:
    """Somebody's answer; None: the export has no such question."""
    for begins, name in ASKED.items():
        if name != question:
            continue
        for column, value in row.items():
            if column.startswith(begins):
                if value in NOT_TOLD:
                    return "not told"
                return _band(value) if question == "age" else value
    return None


def _band(age: str) -> str:
    if not age.isdigit():
        return "not told"
    lower = max((least for least in BANDS if int(age) >= least), default=0)
    above = [least for least in BANDS if least > lower]
    return f"{lower} to {above[0] - 1}" if above else f"{lower} and more"


def _shown(counted: Counter[str]) -> dict[str, int]:
    hidden = 0
    shown = dict(counted.most_common())
    for value, people in reversed(counted.most_common()):
        if people >= LEAST and (not hidden or hidden >= LEAST):
            break
        hidden += people
        del shown[value]
    return shown
