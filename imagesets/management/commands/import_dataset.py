"""import_dataset SLUG: imports images, labels and dataset labels."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.table import Table

from imagesets.columns import named_columns
from imagesets.errors import ImportRefused
from imagesets.importing.import_dataset import import_dataset
from imagesets.importing.report import Report
from imagesets.terminal import drawn, progress_bars


class Command(BaseCommand):
    """See `help`."""

    help = "Import images, labels and dataset labels. A repeated import adds what is new."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", metavar="SLUG", help="short name of a new or existing dataset")
        parser.add_argument(
            "--images",
            required=True,
            metavar="WHERE",
            help="a folder, an ImageFolder tree (key/file.jpg), a zip, a Parquet file in Hugging"
            " Face's layout, or s3://bucket/prefix",
        )
        parser.add_argument(
            "--classes",
            metavar="CSV",
            help="key,names,definition,wikipedia,superclass; without it, WordNet ids as labels mean"
            " the 1,000 classes of ImageNet-1k",
        )
        parser.add_argument(
            "--labels", metavar="CSV", help="image,label (docs/datasets.md: other names)"
        )
        parser.add_argument(
            "--column",
            action="append",
            default=[],
            metavar="FIELD=COLUMN",
            help="the column of a Parquet file that holds the image or the label"
            " (label=fine_label; label= for none); may be repeated",
        )
        parser.add_argument("--name", metavar="N", help="the dataset's name; default: its slug")
        parser.add_argument(
            "--strict", action="store_true", help="import nothing if any image cannot be used"
        )
        parser.add_argument(
            "--copy",
            action="store_true",
            help="keep copies below DATA_DIR (images in a zip or Parquet are always copied)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            columns = named_columns(options["column"], ("image", "label"))
            with progress_bars() as progress:
                report = import_dataset(
                    options["slug"],
                    options["images"],
                    classes=options["classes"],
                    labels=options["labels"],
                    name=options["name"],
                    strict=options["strict"],
                    copy=options["copy"],
                    progress=progress,
                    columns=columns,
                )
        except ImportRefused as error:
            raise CommandError(str(error)) from error
        for line in report.findings():
            self.stdout.write(line)
        self.stdout.write(drawn(closing_table(report)))


def closing_table(report: Report) -> Table:
    """The counts of an import, within 80 columns."""
    table = Table(title=f"Dataset {report.dataset.slug}", title_justify="left")
    table.add_column("")
    table.add_column("n", justify="right")
    for text, number in report.counts().items():
        table.add_row(text, f"{number:,}")
    rate = report.found / report.seconds if report.seconds else 0
    table.caption = f"{report.seconds:,.1f} s, {rate:,.0f} images/s"
    return table
