"""What Prolific's participants see of a campaign: a study's texts, address, codes and settings."""

import math
import secrets
from typing import Any

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
APPROVE = {"review": "MANUALLY_REVIEW", "at_once": "AUTOMATICALLY_APPROVE"}


def new_codes() -> dict[str, str]:
    """A random completion code for each outcome, of characters that nobody mistakes."""
    alphabet = "ACDEFGHJKLMNPQRTUVWXYZ2346789"
    codes = ["".join(secrets.choice(alphabet) for _ in range(10)) for _ in OUTCOMES]
    return dict(zip(OUTCOMES, codes, strict=True))


OUTCOMES = [str(outcome) for outcome in CODES]


def study_fields(
    campaign: Campaign, internal_name: str, codes: dict[str, str], minutes: int, places: int
) -> dict[str, Any]:
    """The body that makes the campaign's study there."""
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
        "completion_codes": _completion_codes(campaign, codes),
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


def _completion_codes(campaign: Campaign, codes: dict[str, str]) -> list[dict[str, Any]]:
    approve = APPROVE[(campaign.prolific or {}).get("approve") or "review"]
    described = []
    for outcome, code in codes.items():
        kind, reason = CODES[outcome]
        action = {"action": approve}
        if reason:
            action = {"action": "REQUEST_RETURN", "return_reason": reason}
        described.append(
            {"code": code, "code_type": kind, "actions": [action], "actor": "participant"}
        )
    return described
