"""aggregate CAMPAIGN: computes its results now, as the nightly job does."""

from typing import Any

from rich.console import Console

from tasks.management.campaign_command import CampaignCommand
from tasks.models import Campaign
from tasks.results import aggregate


class Command(CampaignCommand):
    help = "Compute a campaign's results from its used answers."

    def step(self, campaign: Campaign, who: str, **options: Any) -> None:
        with Console(stderr=True).status(f"Aggregating {campaign.slug} ..."):
            run = aggregate(campaign)
        self.stdout.write(
            f"Run {run.pk} of {campaign.slug}: {run.counts_told} in {run.seconds:.1f} s."
        )
