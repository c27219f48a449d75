"""publish CAMPAIGN: freezes what it asks, lays it out and opens the first round; or resumes it."""

from argparse import ArgumentParser, ArgumentTypeError
from decimal import Decimal, InvalidOperation
from typing import Any

from rich.console import Console

from annotation.links import door, how_people_begin
from annotation.serving.web import USUAL, public_address
from tasks import money
from tasks.campaigns.findings import confusing_labels, other_findings
from tasks.campaigns.freezing import Published
from tasks.campaigns.publish import publish
from tasks.crowds import crowd_of
from tasks.management.campaign_command import CampaignCommand
from tasks.models import Campaign
from tasks.work.rounds import state_told


def dollars(text: str) -> Decimal:
    """An amount as typed: 123.45."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise ArgumentTypeError(f"{text!r} is not a sum of money, such as 123.45") from None
    if not amount.is_finite():
        raise ArgumentTypeError(f"{text!r} is not a sum of money, such as 123.45")
    return amount


class Command(CampaignCommand):
    help = "Put a draft before its crowd, or resume a paused campaign."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--production",
            action="store_true",
            help="Spend real money. Whatever is not known to be a sandbox asks for this.",
        )
        parser.add_argument(
            "--yes-spend",
            type=dollars,
            metavar="SUM",
            help="The campaign's whole budget, typed out; required with --production.",
        )
        parser.add_argument(
            "--test",
            default="",
            metavar="EMAIL",
            help="Offer it to a test participant of that address alone (prolific); spends nothing.",
        )

    def step(self, campaign: Campaign, who: str, **options: Any) -> None:
        with Console(stderr=True).status(f"Laying out {campaign.slug} ..."):
            published = publish(
                campaign,
                who,
                production=options["production"],
                yes_spend=options["yes_spend"],
                tell=lambda published: self._tell(campaign, published),
                test=options["test"],
            )
        campaign.refresh_from_db()
        if options["test"]:
            self.stdout.write("\n".join(published.tests))
            return
        if published.resumed:
            self.stdout.write(f"Campaign {campaign.slug} is {state_told(campaign)}.")
        address = public_address()
        for note in crowd_of(campaign).notes(campaign):
            below = note.copied.startswith("/")
            copied = f"{address or USUAL}{note.copied}" if below else note.copied
            told = [copied, note.address] if copied or note.address else [note.text]
            self.stdout.write(" ".join(filter(None, [f"{note.title}:", *told])))
        if path := door(campaign):
            invite = f"`manage.py invite {campaign.slug} --count N` makes a link for each"
            self.stdout.write(how_people_begin(campaign, f"{address or USUAL}{path}", invite))
            if not address:
                self.stdout.write(
                    f"{USUAL} is where `manage.py up` serves the site to this machine; PUBLIC_URL"
                    " says where others reach it."
                )

    def _tell(self, campaign: Campaign, published: Published) -> None:
        """Print what it consists of and costs, before anything is put before the crowd."""
        if published.resumed:
            return
        if published.groups:
            groups = ", ".join(f"{n:,} {group}" for group, n in sorted(published.groups.items()))
            self.stdout.write(f"Images of its source by group: {groups}.")
        for note in published.notes:
            self.stdout.write(note)
        controls = f" with {published.controls:,} controls" if published.controls else ""
        self.stdout.write(
            f"Campaign {campaign.slug} is {campaign.state}: {published.images:,} images,"
            f" {published.pairs:,} pairs{controls} in {published.hits:,} HITs;"
            f" round {campaign.round} asks {campaign.target} of {campaign.workers_per_item}"
            " workers."
        )
        if confusing := confusing_labels(campaign):
            self.stdout.write(
                f"{confusing} The labels' texts are frozen now: see the dataset's page."
            )
        for finding in other_findings(campaign):
            self.stdout.write(finding)
        whole = published.whole
        sessions = f" in {whole.sessions:,} sessions" if whole.sessions else ""
        self.stdout.write(
            f"Round 1 costs {published.first_round}; all {whole.answers:,} answers{sessions}"
            f" {whole}. {money.budget_told(campaign.budget, whole)}"
        )
