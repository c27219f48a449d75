"""Lets a researcher go through a study as its participants will, before any of them is let in."""

import secrets
from contextlib import suppress

from django.conf import settings

from imagesets.clock import Now
from tasks.crowds import CrowdError
from tasks.crowds.prolific.account import learn
from tasks.crowds.prolific.client import RequestRefused, client
from tasks.crowds.prolific.door import signed_link
from tasks.crowds.prolific.models import Account, Study, StudyState
from tasks.crowds.prolific.money import account_of
from tasks.crowds.prolific.studies import draft_of, end
from tasks.crowds.prolific.visiting import Visitor
from tasks.models import Campaign
from tasks.models.campaign import State


def try_out(campaign: Campaign, email: str) -> list[str]:
    """Make a test participant and a test study of the draft; only certain workspaces can.

    Elsewhere one line says so, and another gives a link of our own. Raises CrowdError.
    """
    api = client()
    learn(campaign)
    Account.objects.filter(campaign=campaign).update(only_tests=True)
    study = draft_of(campaign)
    if study.state != StudyState.UNPUBLISHED:
        said = f"Its study is {study.state.lower()} already, and only a draft can be tested there."
        return [said, preview_line(campaign)]
    first: RequestRefused | None = None
    try:
        api.send("POST", "/researchers/participants/", {"email": email})
    except RequestRefused as refused:  # perhaps because the participant exists
        first = refused
    try:
        made = api.send("POST", f"/studies/{study.market_id}/test-study")
    except RequestRefused as refused:
        said = f"This workspace gives no test study to {email} ({first or refused})."
        return [said, preview_line(campaign)]
    Study.objects.get_or_create(
        market_id=made["study_id"],
        defaults={
            "campaign": campaign,
            "asked_at": Now(),
            "reward": study.reward,
            "minutes": study.minutes,
            "codes": study.codes,
            "test_of": study,
        },
    )
    return [f"Prolific shows its test study to {email}: {made['study_url']}"]


def preview_line(campaign: Campaign) -> str:
    """A link of our own to a session that is a test."""
    name = f"preview-{secrets.token_hex(6)}"
    link = signed_link(campaign, Visitor(name, "", name, is_test=True))
    return f"Try it by this link instead, for a day: {settings.PUBLIC_URL}{link}"


def goes_live(campaign: Campaign) -> None:
    """Let the next offer publish the draft."""
    Account.objects.filter(campaign=campaign).update(only_tests=False)


def end_tests(campaign: Campaign) -> None:
    """Stop its test studies, which Prolific leaves open, once it is more than tried out, or over.

    Nobody waits for that: what goes wrong is left to the next sync.
    """
    account = account_of(campaign)
    if campaign.state == State.OPEN and (account is None or account.only_tests):
        return
    tests = Study.objects.filter(campaign=campaign, test_of__isnull=False)
    stopped = (StudyState.AWAITING_REVIEW, StudyState.COMPLETED)
    for study in tests.exclude(state__in=stopped).select_related("campaign"):
        with suppress(CrowdError):
            end(client(), study)
