"""Progress bars on standard error, with rate and time left, for steps of over two seconds."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

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

from imagesets.importing.checks import Progress as Callback


class RateColumn(ProgressColumn):
    """Items a second."""

    def render(self, task: Task) -> Text:
        return Text("" if not task.speed else f"{task.speed:,.0f}/s")


@contextmanager
def progress_bars() -> Iterator[Callback]:
    """A callback progress(step, done, total) that draws one bar per step."""
    console = Console(stderr=True)
    bars = Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        RateColumn(),
        TimeRemainingColumn(),
        console=console,
    )
    tasks: dict[str, int] = {}
    started = time.monotonic()

    def progress(step: str, done: int, total: int | None) -> None:
        if step not in tasks:
            tasks[step] = bars.add_task(step, total=total)
        bars.update(tasks[step], completed=done, total=total)  # type: ignore[arg-type]
        if not bars.live.is_started and time.monotonic() - started > 1:
            bars.start()

    try:
        yield progress
    finally:
        bars.stop()
