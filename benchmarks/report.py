"""The report of a study of the paper's size, from the database to report.json.

Makes a study in a database of its own: CONTAINS with 14 candidates an image, the CLASSIFY campaign
that followed it, and classifiers with all their logits. Then, each in a process of its own: the
numbers alone, all that `report --out` writes, and the page on the site. Prints seconds, peak memory
and sizes.
"""

import argparse
import io
import json
import multiprocessing
import os
import re
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

# In place of this folder, whose coverage.py hides the package of its name.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks.studies import make_whole_study


class Measured(NamedTuple):
    """cpu: seconds of processor time, of the slower process. peak: MB, of both."""

    seconds: float
    cpu: float
    peak: float


@contextmanager
def measured(into: list[Measured], draws: bool = False) -> Iterator[None]:
    """Measure this process, which does nothing else, and the one in which it draws."""
    started = time.monotonic(), time.process_time()
    yield
    seconds, cpu = time.monotonic() - started[0], time.process_time() - started[1]
    peak = int(re.findall(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[0])
    if draws:
        other = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu, peak = max(cpu, other.ru_utime + other.ru_stime), peak + other.ru_maxrss
    into.append(Measured(seconds, cpu, peak / 1024))


def numbers() -> tuple[Measured, int]:
    """From the database to the text of report.json, and its bytes."""
    import django

    django.setup()
    from annotation.report.document import report_of
    from tasks.models import Campaign

    contains, classify = Campaign.objects.order_by("pk")
    found: list[Measured] = []
    with measured(found):
        text = json.dumps(report_of(contains.dataset, contains, classify), default=str)
    return found[0], len(text)


def command(out: Path) -> Measured:
    """`report bench --out`."""
    import django

    django.setup()
    from django.core.management import call_command

    found: list[Measured] = []
    with measured(found, draws=True):
        call_command("report", "bench", "--out", str(out), verbosity=0, stdout=io.StringIO())
    return found[0]


def page() -> tuple[float, float, int]:
    """Of the report's page on the site: its first seconds, the median of ten more, its bytes."""
    import django

    django.setup()
    from django.contrib.auth import get_user_model
    from django.test import Client
    from django.urls import reverse

    researcher, _ = get_user_model().objects.get_or_create(username="bench", is_superuser=True)
    browser = Client(headers={"host": "localhost"})
    browser.force_login(researcher)
    browser.get(reverse("reports"))  # a site that is up has met some request
    seconds = []
    for _ in range(11):
        started = time.monotonic()
        response = browser.get(reverse("report", args=["bench"]))
        seconds.append(time.monotonic() - started)
    return seconds[0], statistics.median(seconds[1:]), len(response.content)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=400)
    parser.add_argument("--classifiers", type=int, default=10)
    parser.add_argument("--repeat", type=int, default=2, help="the shortest time counts")
    parser.add_argument("--keep", type=Path, help="a folder: its database is made once, and stays")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="second-look-bench-") as folder:
        os.environ["DATA_DIR"] = str(options.keep or folder)  # never the database of a study
        measure(options, Path(folder))


def measure(options: argparse.Namespace, folder: Path) -> None:
    import django
    from django.conf import settings

    from annotation.serving.embedded import running

    made = Path(settings.DATA_DIR) / "made"
    django.setup()
    with running(settings.DATA_DIR, durable=False):
        if made.exists():
            from django.core.management import call_command

            from tasks.models import Campaign

            call_command("migrate", verbosity=0)
            contains, classify = Campaign.objects.order_by("pk")
        else:
            sizes = (options.images, options.workers, options.classifiers)
            contains, classify = make_whole_study(*sizes)
            made.touch()
        counts = [campaign.runs.latest().counts for campaign in (contains, classify)]
        print(
            f"{options.images:,} images, {counts[0]['judgments']:,} judgments,"
            f" {counts[1]['responses']:,} responses, {options.classifiers} classifiers"
        )
        out = folder / "report"
        runs = range(options.repeat)
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=spawn, max_tasks_per_child=1) as pool:
            alone = [pool.submit(numbers).result() for _ in runs]
            whole = [pool.submit(command, out).result() for _ in runs]
            first, later, length = pool.submit(page).result()
        size = sum(file.stat().st_size for file in out.iterdir())
        written = (out / "index.html").stat().st_size
        print(
            f"report.json {alone[0][1] / 1e6:.2f} MB, all files {size / 1e6:.1f} MB,"
            f" page {written / 1e6:.2f} MB"
        )
        print(
            f"on the site: first {first:.2f} s, then {later:.3f} s (median of 10),"
            f" {length / 1000:.0f} kB"
        )
        json_alone, everything = min(found for found, _ in alone), min(whole)
        print(
            f"database to JSON {said(json_alone)} (goal: under 8 s); all files {said(everything)}"
            " (goal: under 10 s, 1,000 MB, a page of 3 MB)"
        )


def said(found: Measured) -> str:
    return f"{found.seconds:.1f} s ({found.cpu:.1f} of them computing), {found.peak:.0f} MB"


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "annotation.settings")
    main()
