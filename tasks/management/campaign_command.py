"""What the commands on one campaign share: finding it, and who took the step."""

import getpass
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tasks.campaigns.publish import Refused
from tasks.models import Campaign


class CampaignCommand(BaseCommand):
    """A command whose argument is a campaign; subclasses say what it does in `step`."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("campaign", metavar="CAMPAIGN", help="The campaign's slug.")

    def handle(self, *, campaign: str, **options: Any) -> None:
        found = Campaign.objects.filter(slug=campaign).first()
        if found is None:
            raise CommandError(f"There is no campaign {campaign}.")
        try:
            self.step(found, who=_who(), **options)
        except Refused as error:
            message = str(error)
            raise CommandError(message[:1].upper() + message[1:]) from None

    def step(self, campaign: Campaign, who: str, **options: Any) -> None:
        """Do it and say what was done; raises Refused where it cannot be."""
        raise NotImplementedError


def _who() -> str:
    """The person at the terminal, for the log."""
    try:
        return f"{getpass.getuser()} (terminal)"
    except (KeyError, OSError):  # a user id without a name, as containers have
        return "terminal"
