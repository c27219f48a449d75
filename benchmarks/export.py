"""Export of judgments and conditions against the database's limit, `psql \\copy` of their queries.

Makes a study of generated answers in a database of its own, exports both tables of its CONTAINS
and of its CLASSIFY campaign as CSV and JSON lines, and prints rows per second, the ratio to psql,
and by how much the exporting process's memory grew.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from itertools import product
from pathlib import Path

# In place of this folder, whose coverage.py hides the package of its name.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks.studies import PICTURES, TILES, make_classify_study, make_study


def by_psql(campaign, name: str) -> float:
    """Seconds that psql takes to copy the query of a table, whole, to /dev/null."""
    from django.conf import settings

    from annotation.exports.stream import copy_statement
    from annotation.exports.table import ASSIGNMENTS_IN_ORDER
    from annotation.exports.tables import table_of
    from annotation.serving.embedded import binaries, database_url

    table = table_of(campaign, name)
    copy = copy_statement(table, table.columns, "csv")
    everything = (
        "(SELECT id, row_number() OVER (ORDER BY submitted_at, sequence, id)"
        f" FROM tasks_assignment WHERE campaign_id = {campaign.pk}) AS k (id, place)"
    )
    whole = copy.replace(ASSIGNMENTS_IN_ORDER, everything)
    whole = whole.replace("%(campaign)s", str(campaign.pk))
    whole = " ".join(whole.removeprefix("COPY").split()).replace("TO STDOUT", "TO '/dev/null'")
    database = os.environ.get("DATABASE_URL") or database_url(settings.DATA_DIR)
    command = [str(binaries().psql), "-X", "-q", "-d", database, "-c", f"\\copy {whole}"]
    started = time.monotonic()
    subprocess.run(command, check=True)
    return time.monotonic() - started


def by_export(campaign, name: str, format: str) -> float:
    """Seconds that an export of a table to /dev/null takes."""
    from annotation.exports import Export

    started = time.monotonic()
    with open(os.devnull, "wb") as nowhere:
        for chunk in Export(campaign, name, format):
            nowhere.write(chunk)
    return time.monotonic() - started


def add_conditions() -> None:
    """Give each answer what the page's script would have counted: three items of it changed."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE tasks_assignment SET language = 'en', device = 'mouse', viewport = '1440x900',"
            " zooms = '{}', changes = array_fill(0, ARRAY[3]) || '{1,2}', wall_seconds = 60"
        )
        cursor.execute("VACUUM (FULL, ANALYZE) tasks_assignment")


def peak() -> float:
    """The peak memory of this process in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--judgments", type=int, default=1_000_000, help="of CONTAINS")
    parser.add_argument("--responses", type=int, default=180_000, help="of CLASSIFY")
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    import django
    from django.conf import settings

    from annotation.serving.embedded import running

    django.setup()
    with running(settings.DATA_DIR, durable=False):
        contains = make_study(options.judgments)
        classify = make_classify_study(contains, options.responses)
        add_conditions()
        figures = []
        studies = ((contains, TILES), (classify, PICTURES))
        for name, (campaign, items) in product(("judgments", "conditions"), studies):
            rows = campaign.assignments.count() * items
            idle = peak()
            seconds: dict[str, list[float]] = {"psql": [], "csv": [], "jsonl": []}
            for _ in range(options.repeat):  # in turns, since a machine's speed drifts
                seconds["psql"].append(by_psql(campaign, name))
                seconds["csv"].append(by_export(campaign, name, "csv"))
                seconds["jsonl"].append(by_export(campaign, name, "jsonl"))
            best = {name: rows / min(times) for name, times in seconds.items()}
            csv, jsonl = (best[name] / best["psql"] for name in ("csv", "jsonl"))
            print(
                f"{name} of {campaign.kind}, {rows:,} rows: psql {best['psql']:,.0f} rows/s,"
                f" csv {best['csv']:,.0f}, jsonl {best['jsonl']:,.0f};"
                f" memory grew by {peak() - idle:.0f} MB"
            )
            figures.append(f"{name} of {campaign.kind} csv {csv:.2f} x, jsonl {jsonl:.2f} x")
        print(f"to psql's rows a second: {'; '.join(figures)} (goals: 0.8 x, 0.6 x)")


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "annotation.settings")
    with tempfile.TemporaryDirectory(prefix="second-look-bench-") as folder:
        os.environ["DATA_DIR"] = folder  # never the database of a study
        main()
