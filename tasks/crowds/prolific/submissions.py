"""Fetches what became of submissions, and approves, rejects and asks back."""

import re
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Literal

from tasks.crowds import CrowdError, MarketSession
from tasks.crowds.prolific.client import Client, RequestRefused, client
from tasks.crowds.prolific.models import Account, Study, StudyState
from tasks.crowds.prolific.studies import (
    SCREENED_OUT,
    expect,
    look,
    of_campaign,
    submissions_of,
    taken_of,
)
from tasks.models import Campaign, Session

Status = Literal[
    "active", "submitted", "approved", "rejected", "returned", "timed_out", "screened_out"
]
STATUSES: dict[str, Status] = {
    "RESERVED": "active",
    "ACTIVE": "active",
    "AWAITING REVIEW": "submitted",
    "APPROVED": "approved",
    "PARTIALLY APPROVED": "approved",
    "REJECTED": "rejected",
    "RETURNED": "returned",
    "TIMED-OUT": "timed_out",
    SCREENED_OUT: "screened_out",
}
AT_ONCE = 1000  # ids in a bulk approval
WAITS = (0.1, 0.4, 1.0, 2.0, 4.0)  # seconds until a bulk approval should have taken effect
SHORT = 300  # seconds
LEAST_MESSAGE = 100  # characters of a rejection
CATEGORIES = (
    *("TOO_QUICKLY", "TOO_SLOWLY", "FAILED_INSTRUCTIONS", "INCOMP_LONGITUDINAL", "FAILED_CHECK"),
    *("LOW_EFFORT", "MALINGERING", "NO_CODE", "BAD_CODE", "NO_DATA", "UNSUPP_DEVICE", "OTHER"),
)
CATEGORY = re.compile(rf"\s*({'|'.join(CATEGORIES)}):\s*")


def fetch(campaign: Campaign) -> Iterator[MarketSession]:
    """Every submission of all of the campaign's studies; then how many messages are unread."""
    api = client()
    studies = list(of_campaign(campaign))
    for study in studies:
        if study.state == StudyState.UNPUBLISHED:
            continue
        if study.state != StudyState.COMPLETED:
            look(api, study)
        rows = submissions_of(api, study)
        for row in rows:
            if (status := STATUSES.get(row["status"])) is not None:
                yield _reported(study, row, status)
        expect(study, taken_of(study, rows))
    if studies:
        _count_unread(api, campaign, {study.market_id for study in studies})


def _reported(study: Study, row: dict[str, Any], status: Status) -> MarketSession:
    code = row.get("study_code") or ""
    return MarketSession(
        key=row["id"],
        study=str(study.market_id),
        worker=row["participant_id"],
        status=status,
        code=code,
        said=next((outcome for outcome, known in study.codes.items() if known == code), ""),
        started_at=_time(row.get("started_at")),
        completed_at=_time(row.get("completed_at")),
        return_requested=bool(row.get("return_requested")),
    )


def _time(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None


def _count_unread(api: Client, campaign: Campaign, studies: set[str]) -> None:
    messages = api.read("/messages/unread/").get("results") or []
    about = [(message.get("data") or {}).get("study_id") for message in messages]
    unread = sum(study in studies for study in about)
    Account.objects.filter(campaign=campaign).update(unread=unread)


def approve(campaign: Campaign, sessions: Sequence[Session]) -> None:
    """Approve sessions, and wait until that has taken effect, which it does a moment later.

    Raises CrowdError if some are not approved in the end, by then or for good.
    """
    api = client()
    left = {session.key: session.study for session in sessions}
    for start in range(0, len(sessions), AT_ONCE):
        keys = [session.key for session in sessions[start : start + AT_ONCE]]
        try:
            api.send("POST", "/submissions/bulk-approve/", {"submission_ids": keys})
        except RequestRefused:
            _approve_each(api, keys)
    for wait in WAITS:
        left = _not_approved(api, left)
        if not left:
            return
        time.sleep(wait)
    if left := _not_approved(api, left):
        raise CrowdError(
            f"Prolific has not approved {len(left):,} of {len(sessions):,} sessions yet, the first"
            f" of them {next(iter(left))}: the next sync looks again"
        )


def _approve_each(api: Client, keys: list[str]) -> None:
    """One by one, where one of them keeps Prolific from approving all."""
    for key in keys:
        try:
            api.send("POST", f"/submissions/{key}/transition/", {"action": "APPROVE"})
        except RequestRefused:
            continue


def _not_approved(api: Client, sessions: dict[str, str]) -> dict[str, str]:
    """Those that Prolific does not list as approved."""
    by_study: dict[str, list[str]] = defaultdict(list)
    for key, study in sessions.items():
        by_study[study].append(key)
    left: dict[str, str] = {}
    for study, keys in by_study.items():
        if len(keys) <= 3:
            states = {key: api.read(f"/submissions/{key}/")["status"] for key in keys}
        else:
            rows = api.rows("/submissions/", study=study, ordering="started_at")
            states = {row["id"]: row["status"] for row in rows}
        left |= {k: study for k in keys if STATUSES.get(states.get(k, "")) != "approved"}
    return left


def wrong_feedback(feedback: str) -> str:
    """What keeps Prolific from taking a rejection with this text; "" if nothing does."""
    length = len(CATEGORY.sub("", feedback, count=1).strip())
    if length >= LEAST_MESSAGE:
        return ""
    return (
        f"a rejection on Prolific needs a reason of at least {LEAST_MESSAGE} characters, which the"
        f" participant reads; this one has {length}"
    )


def may_reject(session: Session, failed: int) -> bool:
    """By Prolific's policy: one failed check suffices only in studies under five minutes."""
    return failed >= (1 if session.planned_seconds < SHORT else 2)


def reject(session: Session, feedback: str, failed: int = 0) -> None:
    """Refuse to pay a session; the text may begin with a category (FAILED_CHECK: ...)."""
    if wrong := wrong_feedback(feedback):
        raise CrowdError(wrong)
    named = CATEGORY.match(feedback)
    body = {
        "action": "REJECT",
        "rejection_category": named[1] if named else "FAILED_CHECK" if failed else "OTHER",
        "message": CATEGORY.sub("", feedback, count=1).strip(),
    }
    client().send("POST", f"/submissions/{session.key}/transition/", body)


def request_return(session: Session, reason: str) -> None:
    """Ask for a return, unless it was asked for or there is nothing to return any more."""
    api = client()
    seen = api.read(f"/submissions/{session.key}/")
    waits = STATUSES.get(seen["status"]) in ("active", "submitted")
    if waits and not seen.get("return_requested"):
        body = {"request_return_reasons": [reason]}
        api.send("POST", f"/submissions/{session.key}/request-return/", body)


def study_of(session: Session) -> Study | None:
    """The study by which a session came."""
    return Study.objects.filter(market_id=session.study).first() if session.study else None
