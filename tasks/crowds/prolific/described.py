"""What Prolific's participants see of a campaign: a study's texts, address, codes and settings."""

import math
import secrets
from decimal import Decimal
from typing import Any, NamedTuple

from django.conf import settings
from django.utils import translation
from django.utils.html import escape
from django.utils.translation import gettext_lazy as _

from tasks.crowds.prolific.money import cents
from tasks.models import Campaign
from tasks.models.campaign import Kind
from tasks.models.session import SessionOutcome

PARTICIPANT, STUDY, SESSION, TOKEN = "PROLIFIC_PID", "STUDY_ID", "SESSION_ID", "prolific_token"
ADDRESS = "&".join(f"{name}={{{{%{name}%}}}}" for name in (PARTICIPANT, STUDY, SESSION))
TITLES = {
    Kind.CONTAINS: _("Find what is in pictures"),
    Kind.CLASSIFY: _("Say which labels fit a picture, and which names its main object"),
}
DESCRIPTIONS = {
    Kind.CONTAINS: _("Look at small sets of photographs and select those that show a given thing."),
    Kind.CLASSIFY: _(
        "For a few photographs, check the labels of the things in it, and the main one."
    ),
}
# What becomes of a submission by the outcome of its session; "": as the campaign's `approve` says.
CODES: dict[str, tuple[str, str]] = {
    SessionOutcome.DONE: ("COMPLETED", ""),
    SessionOutcome.NO_CONSENT: ("NO_CONSENT", "You did not agree to take part."),
    SessionOutcome.DEVICE: (
        "INCOMPATIBLE_DEVICE",
        "The study cannot be done on the device that you used.",
    ),
    SessionOutcome.NO_WORK: ("OTHER", "There was no work left when you came."),
    SessionOutcome.SCREENED_OUT: (
        "SCREENED_OUT",
        "The practice showed that this study does not suit you. Your time is paid by a bonus.",
    ),
}
FIXED = "FIXED_SCREEN_OUT_PAYMENT"
SCREEN_OUT = "screen_out"  # the code of the site's own that pays a practice; nobody sees it
APPROVE = {"review": "MANUALLY_REVIEW", "at_once": "AUTOMATICALLY_APPROVE"}


def new_codes() -> dict[str, str]:
    """A random completion code for each outcome and one more, of characters nobody mistakes."""
    alphabet = "ACDEFGHJKLMNPQRTUVWXYZ2346789"
    names = [*OUTCOMES, SCREEN_OUT]
    codes = ["".join(secrets.choice(alphabet) for _ in range(10)) for _ in names]
    return dict(zip(names, codes, strict=True))


OUTCOMES = [str(outcome) for outcome in CODES]


def study_fields(
    campaign: Campaign,
    internal_name: str,
    codes: dict[str, str],
    minutes: int,
    places: int,
    screens_out: bool = False,
) -> dict[str, Any]:
    """The body that makes the campaign's study there.

    `screens_out`: with fixed pay for the practice of whoever does not pass it.
    """
    assert campaign.session_reward is not None  # fixed at publish
    kind = Kind(campaign.kind)
    given = campaign.prolific or {}
    with translation.override(campaign.languages[0]):  # the list has one text for everybody
        title = campaign.texts.title or str(TITLES[kind])
        about = campaign.texts.description or str(DESCRIPTIONS[kind])
    fields: dict[str, Any] = {
        "name": str(title),
        "internal_name": internal_name,
        "description": escape(str(about)),
        "external_study_url": f"{settings.PUBLIC_URL}/tasks/{campaign.public_id}/?{ADDRESS}",
        "prolific_id_option": "url_parameters",
        "total_available_places": places,
        "estimated_completion_time": minutes,
        "maximum_allowed_time": least_allowed(minutes),
        "reward": cents(campaign.session_reward),
        "completion_codes": _completion_codes(campaign, codes, places if screens_out else 0),
        "study_labels": ["annotation"],
        "submissions_config": {"max_submissions_per_participant": 1},
        "filters": given.get("filters") or [],
        "metadata": campaign.public_id,
    }
    for name in ("project", "device_compatibility", "content_warnings"):
        if given.get(name):
            fields[name] = given[name]
    if campaign.content_warning and given.get("content_warnings"):
        with translation.override(campaign.languages[0]):
            fields["content_warning_details"] = str(campaign.texts.content_warning)
    if given.get("secure_url"):
        fields["is_external_study_url_secure"] = True
    return fields


def least_allowed(minutes: float) -> int:
    """The least `maximum_allowed_time` that Prolific takes, in minutes, and two to spare."""
    return math.ceil(2 + 2 * minutes + 2 * math.sqrt(minutes)) + 2


class FixedPay(NamedTuple):
    """What a study pays whoever does not pass the practice, as Prolific has it."""

    code: str
    reward: int  # cents
    slots: int  # people, until the study pauses


def fixed_pay(seen: dict[str, Any]) -> FixedPay | None:
    """What a study, as it was read, pays for that; None: nothing."""
    for code in seen.get("completion_codes") or []:
        for action in code.get("actions") or []:
            if action["action"] == FIXED and code.get("actor") == "researcher":
                reward, slots = int(action["fixed_screen_out_reward"]), int(action["slots"])
                return FixedPay(str(code["code"]), reward, slots)
    return None


def practice_pay(campaign: Campaign) -> int:
    """What whoever does not pass the practice is owed for all tries, in cents.

    0: nothing, or more than fixed pay may be, which is less than a session's.
    """
    rewards = campaign.practice_hits.values_list("reward", flat=True) if campaign.practice else ()
    paid = sum(rewards, Decimal(0))
    return cents(paid) if paid < (campaign.session_reward or 0) else 0


def _completion_codes(
    campaign: Campaign, codes: dict[str, str], slots: int
) -> list[dict[str, Any]]:
    """`slots`: how many may be screened out by fixed pay; 0: nobody."""
    approve = APPROVE[(campaign.prolific or {}).get("approve") or "review"]
    described = []
    for outcome, (kind, reason) in CODES.items():
        action: dict[str, Any] = {"action": approve}
        if slots and outcome == SessionOutcome.SCREENED_OUT:
            action = {"action": "MANUALLY_REVIEW"}  # the next sync screens them out
        elif reason:
            action = {"action": "REQUEST_RETURN", "return_reason": reason}
        described.append(_code(codes[outcome], kind, "participant", action))
    if slots:
        described.append(paying_code(FixedPay(codes[SCREEN_OUT], practice_pay(campaign), slots)))
    return described


def paying_code(fixed: FixedPay) -> dict[str, Any]:
    """The code by which the site, and nobody else, has a practice paid."""
    paid = {"fixed_screen_out_reward": fixed.reward, "slots": fixed.slots}
    return _code(fixed.code, "FIXED_SCREENOUT", "researcher", {"action": FIXED, **paid})


def _code(code: str, kind: str, actor: str, action: dict[str, Any]) -> dict[str, Any]:
    return {"code": code, "code_type": kind, "actions": [action], "actor": actor}
