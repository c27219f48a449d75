"""pause CAMPAIGN: stops giving work; workers may finish what they have open."""

from argparse import ArgumentParser
from typing import Any

from tasks.campaigns.publish import pause
from tasks.management.campaign_command import CampaignCommand
from tasks.models import Campaign


class Command(CampaignCommand):
    help = "Stop giving work; publish resumes it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--why", default="", help="For the log.")

    def step(self, campaign: Campaign, who: str, **options: Any) -> None:
        pause(campaign, who, options["why"])
        self.stdout.write(f"Campaign {campaign.slug} is {campaign.state}.")
