"""publish CAMPAIGN: freezes what it asks, lays it out and opens the first round; or resumes it."""

from typing import Any

from rich.console import Console

from tasks.management.campaign_command import CampaignCommand
from tasks.models import Campaign
from tasks.publish import publish


class Command(CampaignCommand):
    help = "Put a draft before its crowd, or resume a paused campaign."

    def step(self, campaign: Campaign, who: str, **options: Any) -> None:
        with Console(stderr=True).status(f"Laying out {campaign.slug} ..."):
            published = publish(campaign, who)
        if published.resumed:
            self.stdout.write(f"Campaign {campaign.slug} is {campaign.state}.")
            return
        if published.groups:
            groups = ", ".join(f"{n:,} {group}" for group, n in sorted(published.groups.items()))
            self.stdout.write(f"Images of its source by group: {groups}.")
        if published.nothing_to_offer:
            self.stdout.write(
                f"{published.nothing_to_offer:,} images have nothing to offer and are not asked."
            )
        self.stdout.write(
            f"Campaign {campaign.slug} is {campaign.state}: {published.images:,} images,"
            f" {published.pairs:,} pairs in {published.hits:,} HITs; round {campaign.round} asks"
            f" {campaign.target} of {campaign.workers_per_item} workers."
        )
