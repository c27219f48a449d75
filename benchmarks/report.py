"""The report of a study of the paper's size, from the database to report.json.

Makes a study in a database of its own: CONTAINS with 14 candidates an image, the CLASSIFY campaign
that followed it, and classifiers with all their logits. Then, each in a process of its own: the
numbers alone, and all that `report --out` writes. Prints seconds, peak memory and sizes.
"""

import argparse
import io
import json
import multiprocessing
import os
import re
import resource
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

# In place of this folder, whose coverage.py hides the package of its name.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks.studies import make_whole_study


def memory() -> float:
    """The peak memory of this process in MB."""
    return int(re.findall(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[0]) / 1024


def numbers() -> tuple[float, float, int]:
    """(seconds, peak MB, bytes) from the database to the text of report.json."""
    import django

    django.setup()
    from annotation.report.document import report_of
    from tasks.models import Campaign

    contains, classify = Campaign.objects.order_by("pk")
    started = time.monotonic()
    text = json.dumps(report_of(contains.dataset, contains, classify), default=str)
    return time.monotonic() - started, memory(), len(text)


def command(out: Path) -> tuple[float, float]:
    """(seconds, peak MB) of `report bench --out`, with the peak of the process that draws."""
    import django

    django.setup()
    from django.core.management import call_command

    started = time.monotonic()
    call_command("report", "bench", "--out", str(out), verbosity=0, stdout=io.StringIO())
    drawing = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return time.monotonic() - started, memory() + drawing


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
            from tasks.models import Campaign

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
        size = sum(file.stat().st_size for file in out.iterdir())
        page = out / "index.html"
        written = f", page {page.stat().st_size / 1e6:.2f} MB" if page.exists() else ""
        print(f"report.json {alone[0][2] / 1e6:.2f} MB, all files {size / 1e6:.1f} MB{written}")
        (seconds, peak), (all_seconds, all_peak) = (
            (min(times), max(peaks))
            for times, peaks, *_ in (zip(*alone, strict=True), zip(*whole, strict=True))
        )
        print(
            f"database to JSON {seconds:.1f} s, {peak:.0f} MB (goal: under 8 s); all files"
            f" {all_seconds:.1f} s, {all_peak:.0f} MB (goal: under 10 s, 1,000 MB, a page of 3 MB)"
        )


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "annotation.settings")
    main()
