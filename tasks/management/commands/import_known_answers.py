"""import_known_answers SLUG FILE: adds pairs whose answer is known, for controls and practice."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from imagesets.errors import ImportRefused
from imagesets.management.dataset_argument import dataset_named
from tasks.campaigns.known_answers import import_known_answers


class Command(BaseCommand):
    help = (
        "Add known answers: controls and practice for the dataset's campaigns. Repeating it adds"
        " nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", metavar="SLUG", help="The dataset.")
        parser.add_argument(
            "file",
            metavar="FILE",
            type=Path,
            help="CSV image,label,present; present: true or false, yes or no, 1 or 0. A column"
            " explanation is read by workers who practise on it.",
        )

    def handle(self, *, slug: str, file: Path, **options: Any) -> None:
        dataset = dataset_named(slug)
        try:
            done = import_known_answers(dataset, file)
        except ImportRefused as refused:
            raise CommandError(str(refused)) from None
        before = f"; {done.unchanged:,} had been added before" if done.unchanged else ""
        before += f", {done.explained:,} of which are explained now" if done.explained else ""
        self.stdout.write(f"Dataset {slug}: {done.added:,} known answers added{before}.")
        for note in done.notes:
            self.stdout.write(f"{note}.")
