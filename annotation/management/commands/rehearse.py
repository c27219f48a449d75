"""rehearse: MTurk stood in for on this machine, with simulated workers; what a study costs."""

import contextlib
import io
import signal
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import httpx
from django.core.management.base import BaseCommand, CommandError
from django.db import close_old_connections
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from annotation.demo.bill import bill_table
from annotation.management.commands.simulate import read_truth
from annotation.serving.web import web_server
from tasks.crowds import CrowdError, crowd_of
from tasks.crowds.mturk import CROWD as MTURK
from tasks.models import Campaign
from tasks.models.campaign import State
from tasks.models.refused import Refused
from tasks.simulation.rehearsal.faults import EVERYTHING
from tasks.simulation.rehearsal.people import Crew
from tasks.simulation.rehearsal.stage import Stage, Stalled, play, stage

PORT = 8008
LOOK = 1.0  # seconds between two looks for work


class Command(BaseCommand):
    help = (
        "Stand in for Mechanical Turk on this machine: simulated workers do what is published"
        " there, until Ctrl-C; then say what the real study would cost and take. With --campaign:"
        " publish this one, let it be done whole, and end."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=PORT, metavar="P", help=f"({PORT})")
        parser.add_argument("--campaign", metavar="SLUG", help="play this one through, and end")
        parser.add_argument("--workers", type=int, default=15, metavar="N", help="(15); 0: none")
        parser.add_argument("--seed", type=int, default=0, metavar="S", help="of the workers (0)")
        parser.add_argument("--truth", type=Path, metavar="CSV", help="as for simulate")
        parser.add_argument(
            "--faults", action="store_true", help="let requests fail, as they do now and then"
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
        found = _campaign(campaign) if campaign is not None else None
        try:
            standing = stage(EVERYTHING if faults else None, seed, port)
            with standing as on:
                people = on.crew(workers, seed, rows)
                with contextlib.ExitStack() as end:
                    end.callback(self._close, on, found)
                    if found is None:
                        self._serve(on, people)
                    else:
                        self._play(on, found, people, seed, options["verbosity"])
        except OSError as error:
            raise CommandError(
                f"port {port} cannot be used ({error.strerror}): choose another with --port."
            ) from None

    def _serve(self, on: Stage, people: Crew) -> None:
        """Let the workers do what appears, until a signal ends it."""
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        self.stdout.write(
            f"The rehearsal of MTurk is at {on.address} (Ctrl-C ends it). In other terminals:\n"
            f"  MTURK_ENDPOINT_URL={on.address} python manage.py up\n"
            f"  MTURK_ENDPOINT_URL={on.address} PUBLIC_URL=http://127.0.0.1:8000"
            " python manage.py publish CAMPAIGN\n"
            "and then `sync` in place of `publish`, until the campaign is finished.\n"
            f"To do HITs yourself, open {on.address}/ in a browser."
        )
        self.stdout.flush()
        while True:
            close_old_connections()
            try:
                done = people.work() if people.people else 0
            except httpx.HTTPError as error:
                self.stderr.write(f"The site does not answer: {error}")
                done = 0
            except RuntimeError as error:
                self.stderr.write(f"The site answered strangely: {error}")
                done = 0
            if done:
                self.stdout.write(f"{done} answers handed in")
                self.stdout.flush()
            time.sleep(LOOK)

    def _play(self, on: Stage, campaign: Campaign, people: Crew, seed: int, verbosity: int) -> None:
        """One campaign from its publication to its last answer, on a web server of its own."""
        bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("answers"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
            disable=verbosity == 0,
        )
        with bars, web_server(environment=on.environment) as address, on.site(address):
            bar = bars.add_task(f"{len(people.people)} workers", total=None)

            def more(number: int) -> None:
                bars.update(bar, advance=number)

            try:
                play(on, campaign, people, seed, more)
            except (Refused, CrowdError, Stalled) as error:
                raise CommandError(str(error)) from None

    def _close(self, on: Stage, campaign: Campaign | None) -> None:
        """The bill, whatever ended the rehearsal."""
        bill = on.bill()
        if bill.hits:
            with io.StringIO() as text:
                Console(file=text, width=80).print(bill_table(bill, campaign))
                self.stdout.write(text.getvalue(), ending="")


def _campaign(slug: str) -> Campaign:
    found = Campaign.objects.filter(slug=slug).first()
    if found is None:
        raise CommandError(f"There is no campaign {slug}.")
    if crowd_of(found) is not MTURK:
        raise CommandError(f"Campaign {slug} is for the crowd {found.crowd}, not {MTURK.name}.")
    if not found.sandbox:
        raise CommandError(f"Campaign {slug} is for production: rehearse one with sandbox true.")
    if found.state not in (State.DRAFT, State.OPEN):
        raise CommandError(f"Campaign {slug} is {found.state}: there is nothing to rehearse.")
    return found
