"""rehearse: stand-ins for MTurk and Prolific on this machine, with simulated workers; the bill."""

import contextlib
import signal
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
from django.core.management.base import BaseCommand, CommandError
from django.db import close_old_connections

from annotation.demo.bill import bill_table
from annotation.management.commands.simulate import read_truth
from annotation.serving.web import port_number, web_server
from imagesets.terminal import drawn, progress_bar
from tasks.crowds import CrowdError, crowd_of
from tasks.crowds.mturk import CROWD as MTURK
from tasks.crowds.prolific import CROWD as PROLIFIC
from tasks.management.campaign_command import campaign_named
from tasks.models import Campaign
from tasks.models.campaign import State
from tasks.models.refused import Refused
from tasks.simulation.rehearsal.faults import EVERYTHING
from tasks.simulation.rehearsal.people import Crew
from tasks.simulation.rehearsal.prolific.people import ParticipantCrew
from tasks.simulation.rehearsal.prolific.stage import (
    TOKEN,
    ProlificStage,
    play_sessions,
    prolific_stage,
)
from tasks.simulation.rehearsal.stage import Stage, Stalled, play, stage

PORT = 8008
LOOK = 1.0  # seconds between two searches for work


class Command(BaseCommand):
    help = (
        "Stand in for Mechanical Turk and, at the next port, for Prolific on this machine:"
        " simulated workers do whatever you publish, until Ctrl-C; then print what the real study"
        " would cost and how long it would take."
        " With --campaign: publish this campaign, let the workers finish it, and end."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        # Prolific's is at the next port. 0: any that is free.
        parser.add_argument(
            "--port", type=port_number(0, 65534), default=PORT, metavar="P", help=f"({PORT})"
        )
        parser.add_argument("--campaign", metavar="SLUG", help="play this campaign and end")
        parser.add_argument("--workers", type=int, default=15, metavar="N", help="(15); 0: none")
        parser.add_argument("--seed", type=int, default=0, metavar="S", help="of the workers (0)")
        parser.add_argument("--truth", type=Path, metavar="CSV", help="as for simulate")
        parser.add_argument(
            "--faults", action="store_true", help="let some requests fail, as real ones do"
        )

    def handle(
        self,
        *,
        port: int,
        campaign: str | None,
        workers: int,
        seed: int,
        truth: Path | None,
        faults: bool,
        **options: Any,
    ) -> None:
        rows = read_truth(truth) if truth is not None else None
        rehearsed = _campaign(campaign) if campaign is not None else None
        wrong = EVERYTHING if faults else None
        try:
            with contextlib.ExitStack() as end:
                mturk = end.enter_context(stage(wrong, seed, port))
                prolific = end.enter_context(prolific_stage(wrong, seed, port and port + 1))
                for on in (mturk, prolific):
                    end.callback(self._print_bill, on, rehearsed)
                hits, sessions = mturk.crew(workers, seed, rows), prolific.crew(workers, seed, rows)
                if rehearsed is None:
                    self._serve(mturk, prolific, [hits, sessions])
                elif rehearsed.crowd == MTURK.name:
                    with self._playing(rehearsed, mturk, options["verbosity"]) as count:
                        play(mturk, rehearsed, hits, seed, count)
                else:
                    with self._playing(rehearsed, prolific, options["verbosity"]) as count:
                        play_sessions(prolific, rehearsed, sessions, seed, count)
        except OSError as error:
            raise CommandError(
                f"port {port} cannot be used ({error.strerror}): choose another with --port."
            ) from None

    def _serve(
        self, on: Stage, prolific: ProlificStage, crews: Sequence[Crew | ParticipantCrew]
    ) -> None:
        """Let the people do the work that appears, until a signal ends the rehearsal."""
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        self.stdout.write(
            f"The rehearsal of MTurk is at {on.address} (Ctrl-C ends it). In other terminals:\n"
            f"  MTURK_ENDPOINT_URL={on.address} python manage.py up\n"
            f"  MTURK_ENDPOINT_URL={on.address} PUBLIC_URL=http://127.0.0.1:8000"
            " python manage.py publish CAMPAIGN\n"
            "and then `sync` in place of `publish`, until the campaign is finished.\n"
            f"To do HITs yourself, open {on.address}/ in a browser.\n"
            f"The rehearsal of Prolific is at {prolific.address}: set PROLIFIC_API_URL to it, and"
            f" PROLIFIC_API_TOKEN to {TOKEN}. To take part yourself, open it in a browser."
        )
        self.stdout.flush()
        while True:
            close_old_connections()
            try:
                done = sum(people.work() for people in crews if people.people)
            except httpx.HTTPError as error:
                self.stderr.write(f"The site does not answer: {error}")
                done = 0
            except RuntimeError as error:
                self.stderr.write(f"The site gave an unexpected answer: {error}")
                done = 0
            if done:
                self.stdout.write(f"{done} answers handed in")
                self.stdout.flush()
            time.sleep(LOOK)

    @contextlib.contextmanager
    def _playing(
        self, campaign: Campaign, on: Stage | ProlificStage, verbosity: int
    ) -> Iterator[Callable[[int], None]]:
        """A web server of its own and a progress bar, to play one campaign in."""
        title = f"answers to campaign {campaign.slug}"
        answers = 0
        with (
            progress_bar(title, transient=True, quiet=verbosity == 0) as progress,
            web_server(environment=on.environment) as address,
            on.site(address),
        ):

            def count(number: int) -> None:
                nonlocal answers
                answers += number
                progress(answers, None)

            try:
                yield count
            except (Refused, CrowdError, Stalled) as error:
                raise CommandError(str(error)) from None

    def _print_bill(self, on: Stage | ProlificStage, campaign: Campaign | None) -> None:
        """Print the bill, however the rehearsal ended."""
        bill = on.bill()
        if bill.hits:
            self.stdout.write(drawn(bill_table(bill, campaign)), ending="")


def _campaign(slug: str) -> Campaign:
    campaign = campaign_named(slug)
    if crowd_of(campaign) not in (MTURK, PROLIFIC):
        names = f"{MTURK.name} or {PROLIFIC.name}"
        raise CommandError(f"Campaign {slug} is for the crowd {campaign.crowd}, not {names}.")
    if not campaign.sandbox:
        raise CommandError(f"Campaign {slug} is for production: rehearse one with sandbox true.")
    if campaign.state not in (State.DRAFT, State.OPEN):
        raise CommandError(f"Campaign {slug} is {campaign.state}: there is nothing to rehearse.")
    return campaign
