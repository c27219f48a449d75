"""Import of judgments collected elsewhere, against `COPY` of the same file into a bare table.

Writes a file of 85 workers' judgments, five on each pair, and imports it into one campaign after
another of a database of its own, so that later imports meet full tables. Figures: seconds and
memory of each import, seconds for a million judgments at the rate of the slowest, and its ratio to
the database's own COPY.
"""

import argparse
import csv
import io
import os
import random
import resource
import sys
import tempfile
import time
from pathlib import Path

# In place of this folder, whose coverage.py hides the package of its name.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

GOAL = 60  # seconds a million
WORKERS = 85
PER_PAIR = 5
PER_IMAGE = 4  # pairs

BARE = "CREATE TEMPORARY TABLE bare (worker text, image text, label text, selected text, hit text)"


def make_dataset(images: int):
    """A dataset of a thousand labels and `images` images, only in the database."""
    from django.db import connection

    from benchmarks.studies import IMAGES
    from imagesets.models import Dataset

    with connection.cursor() as cursor:
        cursor.execute(IMAGES.format(images=images))
    return Dataset.objects.get()


def write_file(path: Path, judgments: int, tiles: int) -> None:
    """Judgments in random order; `hit` names HITs of `tiles` tiles, or is empty for 0."""
    rng = random.Random(0)
    rows = []
    for pair in range(judgments // PER_PAIR):
        image = f"val/ILSVRC2012_val_{1 + pair // PER_IMAGE:08d}.JPEG"
        label = f"n{1 + pair * 7 % 1000:08d}"
        hit = f"hit {pair // tiles}" if tiles else ""
        first = (pair // tiles if tiles else pair) * 11
        for worker in range(PER_PAIR):
            answer = rng.choices(("true", "false", "maybe"), (3, 6, 1))[0]
            rows.append((f"rater {(first + 17 * worker) % WORKERS}", image, label, answer, hit))
    rng.shuffle(rows)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("worker", "image", "label", "selected", "hit"))
        writer.writerows(rows)


def seconds_of_copy(path: Path) -> float:
    from django.db import connection, transaction

    content = io.BytesIO(path.read_bytes())
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"{BARE} ON COMMIT DROP")
        started = time.monotonic()
        cursor.copy_expert("COPY bare FROM STDIN (FORMAT csv, HEADER)", content)
        return time.monotonic() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--judgments", type=int, default=924_810)
    parser.add_argument("--campaigns", type=int, default=3, help="one after the other")
    parser.add_argument("--tiles", type=int, default=0, help="in a HIT; 0: the file names no HITs")
    options = parser.parse_args()
    import django
    from django.conf import settings

    from annotation.serving.embedded import running

    django.setup()
    from django.core.management import call_command

    from tasks.models import Campaign
    from tasks.responses import import_responses

    with running(settings.DATA_DIR, durable=False):
        call_command("migrate", verbosity=0)
        dataset = make_dataset(options.judgments // PER_PAIR // PER_IMAGE + 1)
        path = Path(settings.DATA_DIR) / "judgments.csv"
        write_file(path, options.judgments, options.tiles)
        copying = seconds_of_copy(path)
        slowest = 0.0
        for number in range(1, options.campaigns + 1):
            campaign = Campaign.objects.create(
                name=f"C{number}", slug=f"c{number}", dataset=dataset, kind="contains", maybe=True
            )
            started = time.monotonic()
            with path.open("rb") as file:
                done = import_responses(campaign, file, "benchmark")
            seconds = time.monotonic() - started
            slowest = max(slowest, seconds)
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            made = f"{done.assignments:,} assignments, {done.hits:,} HITs"
            print(
                f"campaign {number}: {done.judgments:,} judgments as {made} in {seconds:.1f} s;"
                f" {memory:.0f} MB at most so far"
            )
    million = slowest / options.judgments * 1e6
    print(
        f"a million judgments: {million:.0f} s at the slowest (goal: under {GOAL}),"
        f" {slowest / copying:.1f} x COPY of the file into a bare table ({copying:.1f} s)"
    )


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "annotation.settings")
    with tempfile.TemporaryDirectory(prefix="second-look-bench-") as folder:
        os.environ["DATA_DIR"] = folder  # never the database of a study
        main()
