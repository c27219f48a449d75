"""Aggregation, from answers in Postgres to stored results, against `SELECT count(*)` over the same
judgments; then again after a hundredth of the answers have changed.

Makes a CONTAINS study of generated answers in a database of its own, with 9 workers on each pair
and 48 pairs in a HIT, and aggregates it twice. The first run reads everything, in a process that
has not aggregated before; the second only what changed. Figures: seconds, memory, and the ratio to
counting, which unnests the judgments and joins each to its pair, as every query on them must. The
posteriors are timed apart and left out of the ratio: benchmarks/posterior.py has their goal.
"""

import argparse
import os
import re
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

# In place of this folder, whose coverage.py hides the package of its name.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks.studies import make_study

GOAL = 8

COUNT = """
    SELECT count(*) FROM tasks_assignment a
    CROSS JOIN LATERAL unnest(a.shown) AS s (position)
    JOIN tasks_hititem i ON i.hit_id = a.hit_id AND i.position = s.position
    WHERE a.campaign_id = 1 AND a.state = 'submitted' AND a.outcome = 'accepted'
      AND NOT a.set_aside AND i.pair_id IS NOT NULL
"""
COUNT_TILES = """
    SELECT count(*) FROM tasks_assignment a CROSS JOIN LATERAL unnest(a.shown)
    WHERE a.campaign_id = 1 AND a.state = 'submitted' AND a.outcome = 'accepted'
      AND NOT a.set_aside
"""


def seconds_of(sql: str, repeat: int) -> tuple[float, int]:
    """The shortest of `repeat` times that a counting query takes, and its count."""
    from django.db import connection

    times = []
    with connection.cursor() as cursor:
        for _ in range(repeat):
            started = time.monotonic()
            cursor.execute(sql)
            count = cursor.fetchone()[0]
            times.append(time.monotonic() - started)
    return min(times), count


def change(share: float) -> int:
    """Set a share of the answers aside, as review does, and return how many."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE tasks_assignment SET set_aside = true WHERE id %% %s = 0", [round(1 / share)]
        )
        return cursor.rowcount


def timed(function: Callable[..., Any], took: list[float]) -> Callable[..., Any]:
    """The function, which also adds the seconds of each call to `took`."""

    def call(*arguments: Any) -> Any:
        started = time.monotonic()
        result = function(*arguments)
        took.append(time.monotonic() - started)
        return result

    return call


def memory() -> float:
    """The peak memory of this process in MB, mapped files included."""
    try:
        return int(re.findall(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[0]) / 1024
    except (OSError, IndexError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--judgments", type=int, default=1_300_000)
    parser.add_argument("--workers", type=int, default=400)
    parser.add_argument("--changed", type=float, default=0.01, help="share of the answers")
    parser.add_argument(
        "--repeat", type=int, default=3, help="of counting; the shortest time counts"
    )
    options = parser.parse_args()
    import django
    from django.conf import settings

    from annotation.serving.embedded import running

    django.setup()
    from tasks.results import aggregate, contains

    with running(settings.DATA_DIR, durable=False):
        campaign = make_study(options.judgments, options.workers)
        counting, judgments = seconds_of(COUNT, options.repeat)
        tiles, _ = seconds_of(COUNT_TILES, options.repeat)
        idle = memory()
        seconds: dict[str, float] = {}
        posteriors: list[float] = []
        contains.fit_posteriors = timed(contains.fit_posteriors, posteriors)
        for name in ("all", "changed"):
            if name == "changed":
                change(options.changed)
            run = aggregate(campaign)
            seconds[name] = run.seconds - posteriors[-1]
            print(
                f"{name}: {run.counts['read']:,} assignments read, {run.counts['judgments']:,}"
                f" judgments used, {run.counts['pairs']:,} pairs, {seconds[name]:.2f} s and"
                f" {posteriors[-1]:.2f} s for the posteriors; memory grew by"
                f" {memory() - idle:.0f} MB so far"
            )
        print(f"counting: {counting:.2f} s with their pairs, {tiles:.2f} s the tiles alone")
        ratio, again = (seconds[name] / counting for name in ("all", "changed"))
        print(
            f"{judgments:,} judgments to stored results, posteriors apart: {ratio:.1f} x count(*)"
            f" (goal: under {GOAL}); after {options.changed:.0%} changed: {again:.1f} x"
        )


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "annotation.settings")
    with tempfile.TemporaryDirectory(prefix="second-look-bench-") as folder:
        os.environ["DATA_DIR"] = folder  # never the database of a study
        main()
