"""The base of commands on one campaign: finds it, and names the person for its log."""

import getpass
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from imagesets.choices import meant
from tasks.models import Campaign
from tasks.models.refused import Refused


class CampaignCommand(BaseCommand):
    """A command whose argument is a campaign; subclasses take its `step`."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("campaign", metavar="CAMPAIGN", help="The campaign's slug.")

    def handle(self, *, campaign: str, **options: Any) -> None:
        row = campaign_named(campaign)
        try:
            self.step(row, who=person_at_terminal(), **options)
        except Refused as error:
            message = str(error)
            raise CommandError(message[:1].upper() + message[1:]) from None

    def step(self, campaign: Campaign, who: str, **options: Any) -> None:
        """Take the step and print what was done. Raises Refused if it cannot be taken."""
        raise NotImplementedError


def campaign_named(slug: str) -> Campaign:
    """The campaign of that slug. Raises CommandError, naming the one that was perhaps meant."""
    campaign = Campaign.objects.filter(slug=slug).first()
    if campaign is None:
        slugs = Campaign.objects.values_list("slug", flat=True)
        raise CommandError(f"There is no campaign {slug}.{meant(slug, slugs)}")
    return campaign


def person_at_terminal() -> str:
    """The person at the terminal, for the log."""
    try:
        return f"{getpass.getuser()} (terminal)"
    except (KeyError, OSError):  # a user id without a name, as in containers
        return "terminal"
