"""import_responses CAMPAIGN FILE: adds judgments that were collected elsewhere."""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from imagesets.errors import ImportRefused
from imagesets.terminal import progress_bars
from tasks.management.campaign_command import CampaignCommand
from tasks.models import Campaign
from tasks.responses import UNDERSTOOD, ResponsesRefused, described_by, import_responses
from tasks.responses.spreadsheets import is_for_spreadsheets

FORMS = f"""\
The format of FILE is recognized from its contents:

CSV with a header (docs/datasets.md, Tables), JSON lines, or a JSON list, one row per judgment.
Required columns:
  CONTAINS  worker, image, label, selected (true, false, maybe, yes, no, 1, 0; empty: not seen)
  CLASSIFY  worker, image, selected (JSON list of label keys; [] = none of these), main
Optional: campaign, round, hit, assignment, control, submitted_at, seconds, status, used, as in
the table `judgments` that `export` writes; position in CONTAINS; offered in CLASSIFY (default:
all that the file selects for the image). Without hit, each image (and label) is a HIT; without
assignment, each HIT and worker is one; without status, an answer counts as accepted. Any other
column is refused, unless --column says which columns are meant: the others are then passed over.
submitted_at is a time in ISO 8601 (without an offset: UTC), as MTurk writes it, or as spreadsheets
do where day and month cannot be confused.

Files of other tools (docs/from-other-tools.md shows a command for each): --column names the file's
column of a field, as in
  --column worker=annotator --column image=key --column selected=choice --column main=choice
and may name one column for two fields. In JSON `meta.file` is the field `file` inside `meta`.
--choices is for answers that name labels: in CONTAINS each answer becomes a judgment on each
choice, selected or not; in CLASSIFY the choices are what was offered.

{UNDERSTOOD}

The whole file is imported, or nothing. Importing it again changes nothing.
"""


class Command(CampaignCommand):
    help = "Add judgments collected elsewhere, from CSV, JSON lines or MTurk's batch results."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        return super().create_parser(
            prog_name,
            subcommand,
            epilog=FORMS,
            formatter_class=RawDescriptionHelpFormatter,
            **kwargs,
        )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", metavar="FILE", type=Path, help="The judgments; see below.")
        parser.add_argument(
            "--column",
            action="append",
            default=[],
            metavar="FIELD=COLUMN",
            help="The file's column of a field; may be repeated.",
        )
        parser.add_argument(
            "--choices",
            metavar="KEY,KEY,...",
            help="The labels that workers chose among, where answers name labels.",
        )
        parser.add_argument(
            "--image-prefix",
            default="",
            metavar="TEXT",
            help="What stands before each image's key in FILE, such as https://example.org/images/",
        )

    def step(self, campaign: Campaign, who: str, **options: Any) -> None:
        path: Path = options["file"]
        if is_for_spreadsheets(path):
            raise CommandError(
                f"{path} was exported for spreadsheets, which changes some texts: export the table"
                " without --for-spreadsheets."
            )
        try:
            described = described_by(
                campaign, options["column"], options["choices"], options["image_prefix"]
            )
            with path.open("rb") as file, progress_bars() as progress:
                imported = import_responses(campaign, file, who, progress, described)
        except ImportRefused as refused:
            raise CommandError(str(refused)) from None
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror or error}.") from None
        except ResponsesRefused as refused:
            raise CommandError(f"{path}: {refused}") from None
        before = f"; {imported.unchanged:,} had been added before" if imported.unchanged else ""
        self.stdout.write(
            f"Campaign {campaign.slug}: {imported.judgments:,} judgments added"
            f" ({imported.assignments:,} assignments, {imported.hits:,} HITs,"
            f" {imported.workers:,} workers new){before}."
        )
        for note in imported.notes:
            self.stdout.write(note)
