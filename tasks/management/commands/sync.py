"""sync CAMPAIGN: fetches, reviews, pays, opens the next round, offers free places."""

from typing import Any

from django.core.management.base import CommandError
from rich.console import Console

from tasks.crowds import CrowdError
from tasks.management.campaign_command import CampaignCommand
from tasks.market.sync import report, sync
from tasks.models import Campaign


class Command(CampaignCommand):
    help = "Bring a campaign and its crowd in step; the queue also does this every few minutes."

    def step(self, campaign: Campaign, who: str, **options: Any) -> None:
        with Console(stderr=True).status(f"Syncing {campaign.slug} ...") as status:
            try:
                done = sync(
                    campaign,
                    patience=600,
                    progress=lambda step: status.update(f"Syncing {campaign.slug}: {step} ..."),
                )
            except CrowdError as error:
                raise CommandError(f"Campaign {campaign.slug}: {error}") from None
        if done.busy:
            raise CommandError(f"Another sync of {campaign.slug} has been running for 10 minutes.")
        for line in report(campaign, done):
            self.stdout.write(line)
        if done.troubles or done.differences:
            first = (done.troubles + done.differences)[0]
            number = len(done.troubles) + len(done.differences)
            more = f" (and {number - 1} more, above)" if number > 1 else ""
            raise CommandError(f"Campaign {campaign.slug}: {first}{more}")
