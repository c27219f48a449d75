"""export CAMPAIGN TABLE: a table to a file, whole or not at all, or to standard output."""

import os
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import Progress

from annotation.exports import FORMATS, NAMES, Export, NoSuchTable, NotYet
from tasks.models import Campaign


@contextmanager
def whole_file(out: Path) -> Iterator[BinaryIO]:
    """A file that appears under its name when all of it is written; nothing where that fails.

    A device or a pipe is written to as it comes, and a link's file replaced, not the link.
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
        part.chmod(0o666 & ~umask)  # as any new file: mkstemp's are for one user alone
        part.replace(out)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


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
            "--raw-workers", action="store_true", help="Workers' own ids, not pseudonyms."
        )

    def handle(self, *, campaign: str, table: str, out: Path | None, **options: Any) -> None:
        found = Campaign.objects.filter(slug=campaign).first()
        if found is None:
            raise CommandError(f"There is no campaign {campaign}.")
        if out is not None and out.is_dir():
            raise CommandError(f"{out}: is a directory.")
        by_name = out.suffix[1:] if out and out.suffix[1:] in FORMATS else "csv"
        try:
            export = Export(
                found, table, options["format"] or by_name, raw_workers=options["raw_workers"]
            )
        except (NoSuchTable, NotYet) as error:
            raise CommandError(str(error)) from None
        if out is None:
            try:
                self._write(export, sys.stdout.buffer)
                sys.stdout.buffer.flush()
            except BrokenPipeError:  # who reads has enough, as `head` after some lines
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        else:
            with whole_file(out) as file:
                self._write(export, file)

    def _write(self, export: Export, file: BinaryIO) -> None:
        console = Console(stderr=True)
        with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
            total = export.total() if console.is_terminal else None
            task = progress.add_task(export.name, total=total)
            for chunk in export:
                file.write(chunk)
                progress.update(task, completed=export.done)
