"""close CAMPAIGN: ends the study with the counts as they are."""

from argparse import ArgumentParser
from typing import Any

from tasks.campaigns.publish import close
from tasks.management.campaign_command import CampaignCommand
from tasks.models import Campaign
from tasks.work.rounds import waiting_places


class Command(CampaignCommand):
    help = "End the study with the counts as they are."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--why", default="", help="For the log.")

    def step(self, campaign: Campaign, who: str, **options: Any) -> None:
        missing = waiting_places(campaign)
        close(campaign, who, options["why"])
        short = f" {missing:,} answers are missing." if missing else ""
        self.stdout.write(f"Campaign {campaign.slug} is {campaign.state}.{short}")
