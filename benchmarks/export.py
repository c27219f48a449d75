"""Export of judgments against the database's own limit, `psql \\copy` of the same query.

Makes a study of generated answers in a database of its own, exports it as CSV and JSON lines, and
prints rows per second, the ratio to psql, and what the exporting process's memory grew by.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TILES = 48
WORKERS = 200

# Every value is made by SQL: the database is filled at its own speed.
STUDY = """
    INSERT INTO imagesets_dataset (id, slug, name, created_at) VALUES (1, 'bench', 'Bench', now());
    INSERT INTO imagesets_label (id, dataset_id, key, names, definition, wikipedia, superclass)
      SELECT n, 1, 'n' || lpad(n::text, 8, '0'), ARRAY['thing ' || n], '', '{{}}', ''
      FROM generate_series(1, 1000) n;
    INSERT INTO imagesets_image
        (id, dataset_id, key, public_id, location, sha256, width, height, dataset_label_id)
      SELECT n, 1, 'val/ILSVRC2012_val_' || lpad(n::text, 8, '0') || '.JPEG',
             lpad(n::text, 16, 'x'), '', lpad(n::text, 64, '0'), 500, 375, 1 + n %% 1000
      FROM generate_series(1, {images}) n;
    INSERT INTO tasks_hit (id, campaign_id, key, public_id, expected_seconds)
      SELECT n, {campaign}, lpad(n::text, 6, '0'), lpad(n::text, 16, 'h'), 87
      FROM generate_series(1, {hits}) n;
    INSERT INTO tasks_hititem (hit_id, position, section, image_id, label_id, role)
      SELECT h, p, 0, 1 + (h * 7919 + p * 131) %% {images}, 1 + h %% 1000, 'study'
      FROM generate_series(1, {hits}) h, generate_series(0, {tiles} - 1) p;
    INSERT INTO tasks_worker (id, crowd, external_id, pseudonym, created_at)
      SELECT n, 'local', 'w' || n, 'w' || lpad(n::text, 16, 'a'), now()
      FROM generate_series(1, {workers}) n;
    INSERT INTO tasks_assignment (campaign_id, hit_id, worker_id, key, round, state, outcome,
        set_aside, imported, opened_at, submitted_at, shown, selected, maybe, unseen, comment,
        active_seconds)
      SELECT {campaign}, h, 1 + (h * 13 + r * 17) %% {workers}, 'a' || h || '-' || r, 1 + r / 3,
             'submitted', 'accepted', false, false, now(),
             now() + (r * {hits} + (h * 7919) %% {hits}) * interval '1.1 seconds',
             ARRAY(SELECT (p + r * 5) %% {tiles} FROM generate_series(0, {tiles} - 1) p),
             ARRAY(SELECT p FROM generate_series(0, {tiles} - 1) p WHERE (p * h + r) %% 4 = 0),
             '{{}}', '{{}}', '', 30 + random() * 60
      FROM generate_series(1, {hits}) h, generate_series(0, 8) r;
    ANALYZE;
"""


def make_study(judgments: int):
    """A CONTAINS campaign with so many judgments, nine on each tile."""
    from django.core.management import call_command
    from django.db import connection

    from imagesets.models import Dataset
    from tasks.models import Campaign

    call_command("migrate", verbosity=0)
    hits = max(1, round(judgments / TILES / 9))
    with connection.cursor() as cursor:
        first, rest = STUDY.split(";", 1)
        sizes = {"images": 10_000, "hits": hits, "tiles": TILES, "workers": WORKERS, "campaign": 1}
        cursor.execute(first.format(**sizes).replace("%%", "%"))
        Campaign.objects.create(
            id=1, slug="bench", name="Bench", dataset=Dataset.objects.get(), kind="contains"
        )
        cursor.execute(rest.format(**sizes).replace("%%", "%"))
    return Campaign.objects.get()


def by_psql(campaign) -> float:
    """Seconds that psql takes to copy the whole of the same query to /dev/null."""
    from django.conf import settings

    from annotation.embedded import binaries, database_url
    from annotation.exports.stream import copy_statement
    from annotation.exports.tables import ASSIGNMENTS_IN_ORDER
    from annotation.exports.tables import CONTAINS_JUDGMENTS as TABLE

    copy = copy_statement(TABLE, TABLE.columns, "csv")
    everything = (
        "(SELECT id, row_number() OVER (ORDER BY submitted_at, sequence, id)"
        f" FROM tasks_assignment WHERE campaign_id = {campaign.pk}) AS k (id, place)"
    )
    whole = copy.replace(ASSIGNMENTS_IN_ORDER, everything)
    whole = " ".join(whole.removeprefix("COPY").split()).replace("TO STDOUT", "TO '/dev/null'")
    database = os.environ.get("DATABASE_URL") or database_url(settings.DATA_DIR)
    command = [str(binaries().psql), "-X", "-q", "-d", database, "-c", f"\\copy {whole}"]
    started = time.monotonic()
    subprocess.run(command, check=True)
    return time.monotonic() - started


def by_export(campaign, format: str) -> float:
    """Seconds that an export takes, its bytes thrown away."""
    from annotation.exports import Export

    started = time.monotonic()
    with open(os.devnull, "wb") as nowhere:
        for chunk in Export(campaign, "judgments", format):
            nowhere.write(chunk)
    return time.monotonic() - started


def peak() -> float:
    """The most memory that this process ever had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--judgments", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    import django
    from django.conf import settings

    from annotation.embedded import running

    django.setup()
    with running(settings.DATA_DIR, durable=False):
        campaign = make_study(options.judgments)
        rows = campaign.assignments.count() * TILES
        idle = peak()
        seconds: dict[str, list[float]] = {"psql": [], "csv": [], "jsonl": []}
        for _ in range(options.repeat):  # in turn: a machine's speed drifts
            seconds["psql"].append(by_psql(campaign))
            seconds["csv"].append(by_export(campaign, "csv"))
            seconds["jsonl"].append(by_export(campaign, "jsonl"))
        best = {name: rows / min(times) for name, times in seconds.items()}
        print(
            f"{rows:,} judgments: psql {best['psql']:,.0f} rows/s,"
            f" csv {best['csv']:,.0f} ({best['csv'] / best['psql']:.2f} x),"
            f" jsonl {best['jsonl']:,.0f} ({best['jsonl'] / best['psql']:.2f} x);"
            f" memory grew by {peak() - idle:.0f} MB"
        )


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "annotation.settings")
    with tempfile.TemporaryDirectory(prefix="second-look-bench-") as folder:
        os.environ["DATA_DIR"] = folder  # never the database of a study
        main()
