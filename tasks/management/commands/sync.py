"""sync CAMPAIGN: fetches, reviews, pays, opens the next round, offers free places."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from rich.console import Console

from tasks.crowds import CrowdError
from tasks.management.campaign_command import CampaignCommand
from tasks.market.sync import Decisions, sync
from tasks.market.synced import for_a_person, report
from tasks.models import Campaign


class Command(CampaignCommand):
    help = "Bring a campaign and its crowd in step; the queue also does this every few minutes."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        for option, what in {
            "--offer-again": "Offer HITs anew that are gone at the marketplace.",
            "--give-up": "Ask no more answers to HITs that are gone at the marketplace.",
            "--paid-by-hand": "Record that what is owed for HITs that are gone has been paid.",
            "--leave-unpaid": "Name no more what is owed for HITs that are gone; it stays owed.",
        }.items():
            parser.add_argument(
                option, nargs="+", default=[], metavar="HIT", help=f"{what} HIT: a name, or `all`."
            )
        parser.add_argument(
            "--enter-bonuses",
            action="store_true",
            help="Enter bonuses in the ledger that were paid on the marketplace by hand.",
        )

    def step(self, campaign: Campaign, who: str, **options: Any) -> None:
        with Console(stderr=True).status(f"Syncing {campaign.slug} ...") as status:
            try:
                done = sync(
                    campaign,
                    patience=600,
                    progress=lambda step: status.update(f"Syncing {campaign.slug}: {step} ..."),
                    decisions=Decisions(
                        who,
                        options["offer_again"],
                        options["give_up"],
                        options["enter_bonuses"],
                        options["paid_by_hand"],
                        options["leave_unpaid"],
                    ),
                )
            except CrowdError as error:
                raise CommandError(f"Campaign {campaign.slug}: {error}") from None
        if done.busy:
            raise CommandError(f"Another sync of {campaign.slug} has been running for 10 minutes.")
        lines = report(campaign, done)
        if found := for_a_person(done):
            lines.remove(found[0])  # the error says it
        for line in lines:
            self.stdout.write(line)
        if found:
            more = f" (and {len(found) - 1} more, above)" if len(found) > 1 else ""
            raise CommandError(f"Campaign {campaign.slug}: {found[0]}{more}")
