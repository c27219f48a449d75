"""export CAMPAIGN TABLE: writes a table to a file, whole or not at all, or to standard output."""

import os
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import BaseCommand, CommandError

from annotation.exports import FORMATS, NAMES, Export, NoSuchTable, NotYet
from imagesets.terminal import progress_bar
from tasks.management.campaign_command import campaign_named
from tasks.responses.spreadsheets import SPREADSHEET


@contextmanager
def whole_file(out: Path) -> Iterator[BinaryIO]:
    """A file that appears under its name once it is complete, and not at all after an error.

    Writes straight to a device or a pipe; of a link, replaces the file that it leads to.
    """
    if out.exists() and not out.is_file():
        with out.open("wb") as file:
            yield file
        return
    out = out.resolve()
    try:
        handle, name = tempfile.mkstemp(prefix=f".{out.name}.", dir=out.parent)
    except OSError as error:
        raise CommandError(f"{out.parent}: {error.strerror}.") from None
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        umask = os.umask(0)
        os.umask(umask)
        part.chmod(0o666 & ~umask)  # like any new file: mkstemp's belong to one user alone
        part.replace(out)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _check_spreadsheet(out: Path | None, format: str | None) -> None:
    """Let no program take the file for the exact one."""
    if format not in (None, "csv"):
        raise CommandError(f"--for-spreadsheets writes csv, not {format}.")
    if out is None or not all(path.name.endswith(SPREADSHEET) for path in (out, out.resolve())):
        raise CommandError(
            f"--for-spreadsheets changes some texts: give it --out NAME{SPREADSHEET}, which"
            " import_responses refuses."
        )


class Command(BaseCommand):
    help = "Write a table of a campaign: the same bytes as the API's export."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("campaign", metavar="CAMPAIGN", help="The campaign's slug.")
        parser.add_argument("table", metavar="TABLE", help=", ".join(NAMES))
        parser.add_argument(
            "--format", choices=FORMATS, help="Default: by FILE's extension, else csv."
        )
        parser.add_argument("--out", metavar="FILE", type=Path, help="Default: standard output.")
        parser.add_argument(
            "--for-spreadsheets",
            action="store_true",
            help=f"CSV in which no text begins as a formula; FILE must end in {SPREADSHEET}.",
        )
        parser.add_argument(
            "--raw-workers", action="store_true", help="Workers' own ids, not pseudonyms."
        )

    def handle(self, *, campaign: str, table: str, out: Path | None, **options: Any) -> None:
        exported = campaign_named(campaign)
        if out is not None and out.is_dir():
            raise CommandError(f"{out} is a directory.")
        for_spreadsheets = options["for_spreadsheets"]
        if for_spreadsheets:
            _check_spreadsheet(out, options["format"])
        by_name = out.suffix[1:] if out and out.suffix[1:] in FORMATS else "csv"
        try:
            export = Export(
                exported,
                table,
                options["format"] or by_name,
                raw_workers=options["raw_workers"],
                for_spreadsheets=for_spreadsheets,
            )
        except (NoSuchTable, NotYet) as error:
            raise CommandError(str(error)) from None
        if out is None:
            try:
                self._write(export, sys.stdout.buffer)
                sys.stdout.buffer.flush()
            except BrokenPipeError:  # the reader has had enough, as `head` does
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        else:
            with whole_file(out) as file:
                self._write(export, file)

    def _write(self, export: Export, file: BinaryIO) -> None:
        with progress_bar(export.name, transient=True) as progress:
            total = export.total() if sys.stderr.isatty() else None  # counting takes time
            for chunk in export:
                file.write(chunk)
                progress(export.done, total)
