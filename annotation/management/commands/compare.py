"""compare A B: the headline figures of two studies side by side, with their differences."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.table import Table

from annotation.report.campaigns import NoStudy, study_of
from annotation.report.comparison_document import Campaigns, comparison_of, files_of, rows_of
from imagesets.files import write_whole
from imagesets.terminal import drawn, progress_bar
from tasks.management.campaign_command import campaign_named
from tasks.models.refused import Refused
from tasks.results import aggregate


class Command(BaseCommand):
    help = (
        "Compare two studies: their headline figures side by side, and the first less the second"
        " with its interval. --out writes compare.json and compare.csv."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("a", metavar="A", help="A campaign of the first study.")
        parser.add_argument("b", metavar="B", help="A campaign of the second study.")
        parser.add_argument("--out", metavar="DIR", type=Path, help="A folder; it is made.")
        parser.add_argument(
            "--seed", type=int, default=0, help="Of the splits of workers into halves (0)."
        )

    def handle(self, *, a: str, b: str, out: Path | None, seed: int, **options: Any) -> None:
        first, second = (_study(slug) for slug in (a, b))
        if first == second:
            raise CommandError(f"{a} and {b} are of one study: name a campaign of another one.")
        with progress_bar("aggregating and comparing", quiet=options["verbosity"] == 0):
            try:
                for each in filter(None, dict.fromkeys(first + second)):
                    aggregate(each)
            except Refused as error:
                raise CommandError(str(error)) from None
            compared = comparison_of(first, second, seed)
        if compared["missing"]:
            raise CommandError(f"{a} and {b} cannot be compared: they need {compared['missing']}.")
        table = Table("figure", a, b, "difference")
        for pointer, values in rows_of(compared):
            table.add_row(pointer, *(_said(*each) for each in values))
        self.stdout.write(drawn(table))
        if out is not None:
            try:
                out.mkdir(parents=True, exist_ok=True)
                for name, content in files_of(compared):
                    write_whole(out / name, content)
            except OSError as error:
                raise CommandError(f"{out}: {error.strerror or error}.") from None
            self.stdout.write(f"compare.json and compare.csv in {out}")


def _study(slug: str) -> Campaigns:
    campaign = campaign_named(slug)
    try:
        return study_of(campaign.dataset, campaign)
    except NoStudy as error:
        raise CommandError(f"{str(error)[:1].upper()}{str(error)[1:]}.") from None


def _said(value: float | None, interval: list[float]) -> str:
    if value is None:
        return "-"
    between = f" ({interval[0]:.3f} to {interval[1]:.3f})" if interval else ""
    return f"{value:.3f}{between}"
