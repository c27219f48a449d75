"""simulate CAMPAIGN: simulated workers do its open work through the real pages."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.table import Table

from annotation.serving.web import web_server
from imagesets.errors import ImportRefused
from imagesets.tables.named_rows import NamedRows
from imagesets.terminal import drawn, progress_bar
from tasks.crowds import crowd_of
from tasks.management.campaign_command import campaign_named
from tasks.models import Campaign
from tasks.models.campaign import State
from tasks.simulation.simulate import SimulationError, SimulationResult, simulate
from tasks.simulation.workers import BadTruth, StrangePage
from tasks.work.rounds import state_told


class Command(BaseCommand):
    help = "Let simulated workers of varying care do a campaign's open work through the real pages."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("campaign", metavar="CAMPAIGN", help="The campaign's slug.")
        parser.add_argument("--workers", type=int, default=12, metavar="N", help="(default: 12)")
        parser.add_argument(
            "--seed", type=int, default=0, metavar="S", help="Which workers these are (default: 0)."
        )
        parser.add_argument(
            "--truth",
            type=Path,
            metavar="CSV",
            help="What is in the images: image,label,main; an image without a row shows nothing."
            " Without a file each image's one object is its dataset label.",
        )

    def handle(
        self, *, campaign: str, workers: int, seed: int, truth: Path | None, **options: Any
    ) -> None:
        if workers < 1:
            raise CommandError(f"--workers: {workers} is too few: at least 1")
        study = campaign_named(campaign)
        if crowd_of(study).door is None:
            raise CommandError(
                f"The marketplace of the crowd {study.crowd} gives out the work of campaign"
                f" {campaign}: use `rehearse --campaign {campaign}`."
            )
        if study.state not in (State.OPEN, State.FINISHED):
            raise CommandError(f"Campaign {campaign} is {study.state}: it has no open work.")
        rows = read_truth(truth) if truth is not None else None
        title, quiet = f"answers of {workers} workers", options["verbosity"] == 0
        try:
            with (
                progress_bar(title, transient=True, quiet=quiet) as progress,
                web_server() as address,
            ):
                outcome = simulate(
                    address, study, workers=workers, seed=seed, truth=rows, progress=progress
                )
        except (SimulationError, StrangePage, BadTruth) as error:
            where = f"{truth}: " if isinstance(error, BadTruth) and truth else ""
            raise CommandError(f"{where}{error}") from None
        self._print(study, outcome)
        if study.state == State.PAUSED:
            raise CommandError(f"Campaign {campaign} was paused meanwhile.")
        if outcome.places_left:
            raise CommandError(
                f"Campaign {campaign} needs new workers: none of these {workers} may take the"
                f" {outcome.places_left:,} places that are left;"
                f" {outcome.workers_needed:,} more workers are needed"
                f" (try --workers {workers + outcome.workers_needed})."
            )

    def _print(self, campaign: Campaign, outcome: SimulationResult) -> None:
        table = Table(title=f"{campaign.slug}: {state_told(campaign)}, round {campaign.round}")
        table.add_column("worker", overflow="fold")
        table.add_column("answers", justify="right")
        table.add_column("")
        for name, count in outcome.answers.items():
            table.add_row(name, f"{count:,}", "careless" if name in outcome.careless else "")
        table.add_section()
        rate = outcome.total / outcome.seconds if outcome.seconds else 0.0
        table.add_row("all", f"{outcome.total:,}", f"{rate:.1f} a second")
        self.stdout.write(drawn(table), ending="")


def read_truth(path: Path) -> list[dict[str, str]]:
    """Rows of image, label, main, and `row`, as truth_of takes them; raises CommandError."""
    table = NamedRows(path, {"image": ("image",), "label": ("label",)}, ("main",), "img0.jpg,cat")
    try:
        rows = [cells | {"row": str(row)} for row, cells in table]
        table.refuse_any()
    except ImportRefused as error:
        raise CommandError(f"{error}.") from None
    return rows
