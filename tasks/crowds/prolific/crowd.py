"""The crowd of Prolific's participants, as the engine knows it (tasks/crowds/crowd.py)."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from tasks.crowds import Crowd, Door, Frame, Marketplace, Note, SessionMarket, time_on_site
from tasks.crowds.prolific import audience, market, money, testing
from tasks.crowds.prolific import door as prolific_door
from tasks.crowds.prolific.client import wrong_token
from tasks.crowds.prolific.demographics import demographics
from tasks.crowds.prolific.models import Study
from tasks.crowds.rehearsals import is_loopback, is_rehearsal
from tasks.models import HIT, Campaign, PracticeHIT
from tasks.models.prolific_filters import in_words
from tasks.models.spoken import all_languages_of

LONGEST = {"title": 120}


class Prolific(Crowd):
    """Prolific, or whatever speaks its API at PROLIFIC_API_URL."""

    name = prolific_door.NAME
    about = (
        "Participants of Prolific, over its API: needs a token (PROLIFIC_API_TOKEN) and money in"
        " the workspace. Try a study with `manage.py rehearse` first."
    )
    accepts_at_once = False
    pays = True
    door: Door | None = prolific_door
    frame: Frame | None = None
    marketplace: Marketplace | None = None
    pays_by_session = True
    session_market: SessionMarket | None = market

    def time_allowed(self, campaign: Campaign, hit: HIT | PracticeHIT) -> timedelta:
        """As on any site of work (rule P5)."""
        return time_on_site(campaign, hit)

    def devices(self, campaign: Campaign) -> Sequence[str]:
        """By the campaign's setting `prolific.device_compatibility`."""
        return (campaign.prolific or {}).get("device_compatibility") or ()

    def is_production(self, campaign: Campaign) -> bool:
        """Everywhere but at the site's own rehearsal: Prolific has no sandbox."""
        return not is_rehearsal(settings.PROLIFIC_API_URL)

    def missing(self, campaign: Campaign) -> list[str]:
        """What keeps Prolific from taking the campaign."""
        missing = []
        if wrong := wrong_token():
            missing.append(wrong)
        address = urlsplit(settings.PUBLIC_URL)
        if not settings.PUBLIC_URL:
            missing.append(
                "PUBLIC_URL is not set: Prolific must know where participants reach this site"
            )
        elif address.scheme != "https" and not (
            is_loopback(settings.PUBLIC_URL) and is_loopback(settings.PROLIFIC_API_URL)
        ):
            missing.append(f"PUBLIC_URL is {settings.PUBLIC_URL}: participants need https")
        for name, longest in LONGEST.items():
            texts = all_languages_of(getattr(campaign, name), campaign.languages)
            if any(len(text) > longest for text in texts):
                missing.append(f"its {name} is longer than Prolific's {longest} characters")
        least = money.LEAST_WAGES.get(campaign.currency or "", Decimal(0))
        if campaign.reward is None and campaign.wage < least:
            wage, least_wage = campaign.as_money(campaign.wage), campaign.as_money(least)
            missing.append(f"its wage of {wage} is under Prolific's least of {least_wage} an hour")
        return missing

    def round_reward(self, amount: Decimal) -> Decimal:
        """Whole cents, rounded up."""
        return money.round_up(amount)

    def fee(self, amount: Decimal, campaign: Campaign | None = None) -> Decimal:
        """By the account's share, once Prolific has said it."""
        return money.surcharges(amount, campaign)[0]

    def vat(self, amount: Decimal, campaign: Campaign | None = None) -> Decimal:
        """The VAT on the fee, likewise."""
        return money.surcharges(amount, campaign)[1]

    def pays_parts(self, campaign: Campaign) -> bool:
        """By the campaign's setting `prolific.partial`."""
        return (campaign.prolific or {}).get("partial", "pay") == "pay"

    def audience(self, campaign: Campaign) -> str:
        """By its filters, and Prolific's count of whoever passes them."""
        return audience.audience(campaign)

    def tries_out(self) -> None:
        """Prolific has test participants, and where a workspace has not, a link stands for them."""

    def try_out(self, campaign: Campaign, email: str) -> Sequence[str]:
        """A test study for a test participant, or a link of our own where Prolific has none."""
        return testing.try_out(campaign, email)

    def goes_live(self, campaign: Campaign) -> None:
        """From the next offer on participants are let in."""
        testing.goes_live(campaign)

    def demographics(self, campaign: Campaign) -> dict[str, Any] | None:
        """As Prolific exports them, of those who agreed to the consent text."""
        return demographics(campaign)

    def notes(self, campaign: Campaign) -> Sequence[Note]:
        """Its studies there, what they cost, and messages that nobody has read."""
        notes = []
        for study in Study.objects.filter(campaign=campaign, market_id__isnull=False):
            cost = ""
            if study.fee is not None:
                cost = f", {study.reward} + fee {study.fee} + VAT {study.vat or 0} a session"
            notes.append(
                Note(
                    "Test study on Prolific" if study.test_of_id else "Study on Prolific",
                    f"{study.state.lower() or 'changing'}, {study.places} places{cost}",
                    address=f"{prolific_door.SITE}/researcher/workspaces/studies/{study.market_id}",
                )
            )
        if filters := (campaign.prolific or {}).get("filters"):
            notes.append(Note("Who may take part", f"Whoever passes: {in_words(filters)}."))
        account = money.account_of(campaign)
        if account is not None and account.unread:
            number = account.unread
            notes.append(
                Note(
                    f"{number} unread message{'s' if number > 1 else ''} of participants",
                    "Prolific keeps them; answer them there.",
                    address=f"{prolific_door.SITE}/messages/inbox",
                )
            )
        return notes


CROWD = Prolific()
