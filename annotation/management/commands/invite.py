"""invite CAMPAIGN: makes invitations and prints their links, one a line; lists or revokes them."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from annotation.serving.web import USUAL, public_address
from tasks.crowds.local.invitations import listed, make, revoke, state_of
from tasks.management.campaign_command import CampaignCommand
from tasks.models import Campaign, Invitation


class Command(CampaignCommand):
    help = (
        "Make invitations to a campaign of the crowd local, and print their links, one a line. A"
        " link of one use names one worker, on any device; one of N uses lets N workers in. The"
        " site keeps no copy of a link."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--count", type=int, metavar="N", help="How many links (default: 1).")
        parser.add_argument(
            "--uses", type=int, metavar="N", help="Workers that each lets in (default: 1)."
        )
        parser.add_argument(
            "--expires", type=int, metavar="DAYS", help="Days until they expire (default: never)."
        )
        instead = parser.add_mutually_exclusive_group()
        instead.add_argument(
            "--list", action="store_true", help="List the campaign's invitations, without links."
        )
        instead.add_argument(
            "--revoke", type=int, metavar="ID", help="Let this invitation open no new work."
        )

    def step(self, campaign: Campaign, who: str, **options: Any) -> None:
        asked = {name: options[name] for name in ("count", "uses", "expires")}
        options_given = [f"--{name}" for name, value in asked.items() if value is not None]
        if options_given and (options["list"] or options["revoke"] is not None):
            raise CommandError(
                f"{options_given[0]} is for new invitations: leave it out with --list and"
                " --revoke.",
                returncode=2,
            )
        if options["list"]:
            return self._list(campaign)
        if options["revoke"] is not None:
            return self._revoke(campaign, options["revoke"], who)
        number = {name: 1 if asked[name] is None else asked[name] for name in ("count", "uses")}
        made = make(campaign, who, **number, days=asked["expires"])
        address = public_address()
        if not address:
            address = USUAL
            self.stderr.write(
                f"The links begin with {USUAL}, because the site does not run and PUBLIC_URL is not"
                " set."
            )
        for invitation in made:
            self.stdout.write(f"{address}{invitation.path}")

    def _list(self, campaign: Campaign) -> None:
        for row in listed(campaign):
            expires = f"expires {row.expires_at:%Y-%m-%d %H:%M} UTC" if row.expires_at else "-"
            self.stdout.write(
                f"{row.pk}\t{row.used} of {row.uses}\t{state_of(row)}\t{expires}"
                f"\t{row.made_by}\t{row.made_at:%Y-%m-%d %H:%M} UTC"
            )

    def _revoke(self, campaign: Campaign, number: int, who: str) -> None:
        try:
            new = revoke(campaign, number, who)
        except Invitation.DoesNotExist:
            raise CommandError(
                f"Campaign {campaign.slug} has no invitation {number}: see --list."
            ) from None
        self.stdout.write(
            f"Invitation {number} opens no new work{'' if new else ' since it was revoked before'}."
        )
