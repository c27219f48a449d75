"""Aggregation, from answers in Postgres to stored results, against `SELECT count(*)` over the same
judgments; and again after a hundredth of the answers has changed.

Makes a CONTAINS study of generated answers in a database of its own, 9 workers on each pair and 48
pairs in a HIT, and aggregates it twice. The first run reads everything, in a process that has not
aggregated before; the second only what changed. Figures: seconds, memory, and the ratio to
counting, which unnests the judgments and joins each to its pair as every query on them must.
"""

import argparse
import os
import re
import resource
import sys
import tempfile
import time
from pathlib import Path

TILES = 48
R = 9
GOAL = 15

IMAGES = """
    INSERT INTO imagesets_dataset (id, slug, name, created_at) VALUES (1, 'bench', 'Bench', now());
    INSERT INTO imagesets_label (id, dataset_id, key, names, definition, wikipedia, superclass)
      SELECT n, 1, 'n' || lpad(n::text, 8, '0'), ARRAY['thing ' || n], '', '{{}}', ''
      FROM generate_series(1, 1000) n;
    INSERT INTO imagesets_image
        (id, dataset_id, key, public_id, location, sha256, width, height, dataset_label_id)
      SELECT n, 1, 'val/ILSVRC2012_val_' || lpad(n::text, 8, '0') || '.JPEG',
             lpad(n::text, 16, 'x'), '', lpad(n::text, 64, '0'), 500, 375, 1 + n % 1000
      FROM generate_series(1, {images}) n;
"""
# Pair p is a true one where p % 4 = 0; worker w misses 5 to 35% and invents 2 to 12%.
STUDY = """
    INSERT INTO tasks_pair (id, campaign_id, image_id, label_id, sources)
      SELECT n, 1, 1 + n / 1000 % {images}, 1 + n % 1000, '[]'
      FROM generate_series(0, {hits} * {tiles} - 1) n;
    INSERT INTO tasks_hit (id, campaign_id, key, public_id, expected_seconds)
      SELECT n, 1, lpad(n::text, 7, '0'), lpad(n::text, 16, 'h'), 87
      FROM generate_series(1, {hits}) n;
    INSERT INTO tasks_hititem (hit_id, position, section, image_id, label_id, role, pair_id)
      SELECT 1 + id / {tiles}, id % {tiles}, 0, image_id, label_id, 'study', id FROM tasks_pair;
    INSERT INTO tasks_worker (id, crowd, external_id, pseudonym, created_at)
      SELECT n, 'local', 'w' || n, 'w' || lpad(n::text, 16, 'a'), now()
      FROM generate_series(1, {workers}) n;
    INSERT INTO tasks_assignment (campaign_id, hit_id, worker_id, key, round, state, outcome,
        set_aside, imported, opened_at, submitted_at, shown, selected, maybe, unseen, comment,
        active_seconds)
      SELECT 1, h, w, 'a' || h || '-' || r, 1 + r / 3, 'submitted', 'accepted', false, false,
             now(), now() + (r * {hits} + h) * interval '1 second',
             ARRAY(SELECT (p + r * 5) % {tiles} FROM generate_series(0, {tiles} - 1) p),
             ARRAY(SELECT p FROM generate_series(0, {tiles} - 1) p
                   WHERE random() < CASE WHEN p % 4 = 0 THEN 0.65 + w % 4 * 0.1
                                         ELSE 0.02 + w % 3 * 0.05 END),
             '{{}}', '{{}}', '', 30 + random() * 60
      FROM (SELECT h, r, 1 + (h * 13 + r * 17) % {workers} AS w
            FROM generate_series(1, {hits}) h, generate_series(0, {r} - 1) r) a;
    ANALYZE;
"""
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


def make_study(judgments: int, workers: int):
    """A CONTAINS campaign with about so many judgments, nine on each pair."""
    from django.core.management import call_command
    from django.db import connection

    from imagesets.models import Dataset
    from tasks.models import Campaign

    call_command("migrate", verbosity=0)
    hits = max(1, round(judgments / TILES / R))
    sizes = {"hits": hits, "tiles": TILES, "workers": workers, "r": R}
    sizes["images"] = hits * TILES // 14 + 1000
    with connection.cursor() as cursor:
        cursor.execute(IMAGES.format(**sizes))
        campaign = Campaign.objects.create(
            id=1, slug="bench", name="Bench", dataset=Dataset.objects.get(), kind="contains"
        )
        cursor.execute(STUDY.format(**sizes))
    return campaign


def seconds_of(sql: str, repeat: int) -> tuple[float, int]:
    """The best of some times that a counting query takes, and the count."""
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
    """Set a share of the answers aside, as review does; how many."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE tasks_assignment SET set_aside = true WHERE id %% %s = 0", [round(1 / share)]
        )
        return cursor.rowcount


def memory() -> float:
    """The most memory that this process ever had, in MB; what is mapped from files counts too."""
    try:
        return int(re.findall(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[0]) / 1024
    except (OSError, IndexError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--judgments", type=int, default=1_300_000)
    parser.add_argument("--workers", type=int, default=400)
    parser.add_argument("--changed", type=float, default=0.01, help="share of the answers")
    parser.add_argument("--repeat", type=int, default=3, help="of counting; the best counts")
    options = parser.parse_args()
    import django
    from django.conf import settings

    from annotation.embedded import running

    django.setup()
    from tasks.results import aggregate

    with running(settings.DATA_DIR, durable=False):
        campaign = make_study(options.judgments, options.workers)
        counting, judgments = seconds_of(COUNT, options.repeat)
        tiles, _ = seconds_of(COUNT_TILES, options.repeat)
        idle = memory()
        figures = {}
        for name in ("all", "changed"):
            if name == "changed":
                change(options.changed)
            run = aggregate(campaign)
            figures[name] = run
            print(
                f"{name}: {run.counts['read']:,} assignments read, {run.counts['judgments']:,}"
                f" judgments used, {run.counts['pairs']:,} pairs, {run.convergence['iterations']}"
                f" iterations, {run.seconds:.2f} s; memory grew by {memory() - idle:.0f} MB so far"
            )
        print(f"counting: {counting:.2f} s with their pairs, {tiles:.2f} s the tiles alone")
        ratio, again = (figures[name].seconds / counting for name in ("all", "changed"))
        print(
            f"{judgments:,} judgments to stored results: {ratio:.1f} x count(*)"
            f" (goal: under {GOAL}); after {options.changed:.0%} changed: {again:.1f} x"
        )


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "annotation.settings")
    with tempfile.TemporaryDirectory(prefix="second-look-bench-") as folder:
        os.environ["DATA_DIR"] = folder  # never the database of a study
        main()
