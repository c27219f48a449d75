"""compare A B: the headline figures of two studies side by side, with their differences."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotation.management.study_command import aggregate_all, study_named, write_files
from annotation.report.comparison_document import comparison_of, files_of
from annotation.report.comparison_groups import rows_of
from annotation.report.page.compared import names_of, page_of
from imagesets.terminal import progress_bar
from tasks.management.campaign_command import campaign_named


class Command(BaseCommand):
    help = (
        "Compare two studies: their headline figures side by side, and the first less the second"
        " with its interval. --out writes compare.json, compare.csv and a page,"
        " index.html."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("a", metavar="A", help="A campaign of the first study.")
        parser.add_argument("b", metavar="B", help="A campaign of the second study.")
        parser.add_argument("--out", metavar="DIR", type=Path, help="A folder; it is made.")
        parser.add_argument(
            "--seed", type=int, default=0, help="Of the splits of workers into halves (0)."
        )

    def handle(self, *, a: str, b: str, out: Path | None, seed: int, **options: Any) -> None:
        first, second = (
            study_named(campaign.dataset, campaign) for campaign in map(campaign_named, (a, b))
        )
        if first == second:
            raise CommandError(f"{a} and {b} are of one study: name a campaign of another one.")
        with progress_bar("aggregating and comparing", quiet=options["verbosity"] == 0):
            aggregate_all(first, second)
            compared = comparison_of(first, second, seed)
        if compared["missing"]:
            raise CommandError(f"{a} and {b} cannot be compared: they need {compared['missing']}.")
        self.stdout.write(_line(a, b, "difference"))
        for pointer, values in rows_of(compared):
            self.stdout.write(pointer)
            self.stdout.write(_line(*(_said(*each) for each in values)))
        if out is not None:
            page = page_of(compared, names_of(compared))
            write_files(out, [*files_of(compared), ("index.html", page)])
            self.stdout.write(f"compare.json, compare.csv and index.html in {out}")


def _line(first: str, second: str, difference: str) -> str:
    """A line of three columns, within 80 as long as names are short."""
    return f"  {first:<24} {second:<24} {difference}"


def _said(value: float | None, interval: list[float]) -> str:
    if value is None:
        return "-"
    between = f" ({interval[0]:.3f} to {interval[1]:.3f})" if interval else ""
    return f"{value:.3f}{between}"
