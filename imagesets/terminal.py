"""Progress bars on standard error, if that is a terminal, and tables as text."""

import io
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text


class StepProgress(Protocol):
    """Hears of each step: its name, how much is done, and of how much (None: not known)."""

    def __call__(self, step: str, done: int, total: int | None) -> None: ...


class RateColumn(ProgressColumn):
    """Items a second."""

    def render(self, task: Task) -> Text:
        return Text("" if not task.speed else f"{task.speed:,.0f}/s")


@contextmanager
def progress_bars(
    console: Console | None = None,
    transient: bool = False,
    quiet: bool = False,
    patience: float = 1.0,
) -> Iterator[StepProgress]:
    """A callback progress(step, done, total) that draws one bar a step, after `patience` seconds.

    Nothing is drawn if `quiet`; `transient` bars disappear at the end.
    """
    console = console or Console(stderr=True)
    bars = Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        RateColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=transient,
        disable=quiet or not console.is_terminal,
    )
    tasks: dict[str, int] = {}
    started = time.monotonic()

    def progress(step: str, done: int, total: int | None) -> None:
        if step not in tasks:
            tasks[step] = bars.add_task(step, total=total)
        bars.update(tasks[step], completed=done, total=total)  # type: ignore[arg-type]
        if not bars.live.is_started and time.monotonic() - started >= patience:
            bars.start()

    try:
        yield progress
    finally:
        bars.stop()


@contextmanager
def progress_bar(
    title: str, console: Console | None = None, transient: bool = False, quiet: bool = False
) -> Iterator[Callable[[int, int | None], None]]:
    """One bar, drawn at once: a callback progress(done, total), callable from any thread."""
    with progress_bars(console, transient, quiet, patience=0) as progress:
        progress(title, 0, None)
        yield partial(progress, title)


class _AsStandardOutput(io.StringIO):
    """Text in memory, with the encoding of standard output: rich draws its lines to suit."""

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return getattr(sys.stdout, "encoding", None) or "utf-8"


def drawn(*shown: object) -> str:
    """What rich draws, 80 columns wide; in ASCII where standard output is not UTF-8."""
    with _AsStandardOutput() as text:
        Console(file=text, width=80, highlight=False).print(*shown)
        return text.getvalue()
