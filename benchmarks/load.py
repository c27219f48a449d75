"""Next HIT and submit under load: does the time grow with the campaign, do the invariants hold?

Serves the real site with gunicorn, as in production, from a database of its own. Clients on the
same machine work through the real pages (a GET and a POST a HIT, plain HTTP, no pictures):

1. `--clients` that never pause, at each size of `--hits`: p50, p95 and HITs a second.
2. Workers who think: each time for between half and one and a half of their average, which is
   `--think` of the time that a HIT is expected to take (87 s); they arrive over one average. As
   the page does, each sends a draft of its choices 4 s after its page came, then every 10 s. First
   10 of them, then `--workers` on a campaign too small for all; then, for comparison, as many who
   never pause: they wait for each other, whatever the site does.
3. The same crowd in the frame of the stand-in for MTurk: accept, page, submit, hand in, while
   another process syncs the campaign every few seconds.

With `--attacked` also:

4. The crowd of 2 behind the project's nginx, while one client holds 40 half-sent requests open and
   another guesses passwords, each from an address of its own.

The last lines are the figures, and whether after 2, 3 and 4 every HIT has exactly R used answers of
different workers, no answer was lost or doubled, and both ledgers agree.
"""

import argparse
import contextlib
import os
import sys
import tempfile
import threading
import time
from decimal import Decimal
from multiprocessing import get_context
from pathlib import Path
from typing import Any

# In place of this folder, whose coverage.py hides the package of its name.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks.studies.crowds import TILES, Board, Times, at, crowd, in_frame, on_site

R = 9
SECONDS = 87  # that a HIT is expected to take
ROOT = Path(__file__).resolve().parents[1]
PRODUCTION = {
    "DEBUG": "0",
    "SECRET_KEY": "the benchmark's own, and long enough for a site in production",
    "PUBLIC_URL": "http://127.0.0.1",
    "ALLOWED_HOSTS": "127.0.0.1",
    "ALLOW_EMBEDDED": "1",
}

DATASET = """
    INSERT INTO imagesets_dataset (id, slug, name, created_at) VALUES (1, 'load', 'Load', now());
    INSERT INTO imagesets_label (id, dataset_id, key, names, definition, wikipedia, superclass)
      SELECT n, 1, 'n' || lpad(n::text, 8, '0'), ARRAY['thing ' || n], 'a thing', '{}', ''
      FROM generate_series(1, 1000) n;
    INSERT INTO imagesets_image
        (id, dataset_id, key, public_id, location, sha256, width, height, dataset_label_id)
      SELECT n, 1, n || '.jpg', lpad(n::text, 16, 'x'), '', lpad(n::text, 64, '0'), 500, 375,
             1 + n %% 1000
      FROM generate_series(1, 50000) n;
"""
HITS = """
    INSERT INTO tasks_campaignlabel (campaign_id, label_id, names, definition, wikipedia)
      SELECT %(campaign)s, n, '["thing"]', 'a thing', '[]' FROM generate_series(1, 1000) n;
    WITH hits AS (
      INSERT INTO tasks_hit (campaign_id, key, public_id, expected_seconds)
      SELECT %(campaign)s, n, left(md5(%(campaign)s || '-' || n), 16), %(seconds)s
      FROM generate_series(1, %(hits)s) n RETURNING id)
    INSERT INTO tasks_hititem (hit_id, position, section, image_id, label_id, role)
      SELECT id, p, p / 8, 1 + (id * 7919 + p * 131) %% 50000, 1 + (id + p / 8) %% 1000, 'study'
      FROM hits, generate_series(0, %(tiles)s - 1) p;
"""


def make_campaign(hits: int, **fields: Any) -> Any:
    """An open CONTAINS campaign of `hits` HITs of 48 tiles in six sections, made by SQL."""
    from django.db import connection

    from imagesets.models import Dataset
    from tasks.models import Campaign
    from tasks.work.rounds import open_round

    campaign = Campaign.objects.create(
        name=f"{hits} HITs",
        slug=f"load-{Campaign.objects.count()}",
        dataset=Dataset.objects.get(slug="load"),
        kind="contains",
        state="open",
        workers_per_item=R,
        **fields,
    )
    with connection.cursor() as cursor:
        sizes = {"hits": hits, "tiles": TILES, "seconds": SECONDS}
        cursor.execute(HITS, {"campaign": campaign.pk, **sizes})
        open_round(campaign, 0, "the benchmark")
        cursor.execute("ANALYZE")
    campaign.refresh_from_db()
    return campaign


INVARIANTS = """
    WITH used AS (SELECT hit_id, count(*) AS n, count(DISTINCT worker_id) AS workers
                  FROM tasks_assignment WHERE campaign_id = %s AND state = 'submitted'
                    AND outcome = 'accepted' AND NOT set_aside GROUP BY hit_id)
    SELECT (SELECT count(*) FROM tasks_hit WHERE campaign_id = %s), count(*), min(n), max(n),
           sum(n - workers)::int, sum(n)::int FROM used
"""


def held(campaign: Any, times: Times) -> bool:
    """Whether every HIT has R used answers of different workers, each of them thanked."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(INVARIANTS, [campaign.pk, campaign.pk])
        hits, answered, least, most, twice, stored = cursor.fetchone()
    campaign.refresh_from_db()
    r = campaign.workers_per_item
    print(
        f"  {answered} of {hits} HITs answered, {least} to {most} used answers (R = {r}),"
        f" {twice} doubled, {len(times.submits)} thanks for {stored} stored; {campaign.state}"
    )
    return (
        times.errors == 0
        and (answered, least, most, twice) == (hits, r, r, 0)
        and stored == len(times.submits)
        and campaign.state == "finished"
    )


def keep_in_step(slug: str) -> None:
    """Sync the campaign every few seconds until it ends, in a process of its own like Celery's."""
    import django

    django.setup()
    from annotation.celery import give_way
    from tasks.market.sync import sync
    from tasks.models import Campaign

    give_way()
    campaign = Campaign.objects.get(slug=slug)
    while campaign.state == "open":
        sync(campaign)
        time.sleep(5)


def framed(on: Any, address: str, workers: int, think: float, hits: int) -> tuple[Times, bool]:
    """Let the crowd do a campaign in the frame of the stand-in for MTurk; whether all is well."""
    from tasks.market.sync import sync
    from tasks.simulation.rehearsal.audit import audit

    campaign = make_campaign(
        hits, round_size=R, crowd="mturk", budget=Decimal(10**6), reward=Decimal("0.35")
    )
    campaign.hits.update(reward=campaign.reward)
    sync(campaign)
    os.environ |= on.environment | {"PUBLIC_URL": address}
    syncing = get_context("spawn").Process(target=keep_in_step, args=[campaign.slug], daemon=True)
    syncing.start()
    over = threading.Event()

    def wait_for_it() -> None:
        syncing.join()
        over.set()

    work = in_frame(Board(on.market), on.address, over)
    times = crowd(f"{workers} in MTurk's frame", address, workers, think, work, wait_for_it)
    sync(campaign)
    wrong = audit(campaign, on.market)
    for text in wrong:
        print(f"  WRONG: {text}")
    return times, held(campaign, times) and not wrong


def attacked(site: str, workers: int, think: float, hits: int) -> tuple[Times, bool]:
    """Let the crowd do a campaign behind nginx, under attack; whether the invariants hold."""
    from benchmarks.studies.attackers import guess, half_open
    from tests.studies.nginx import in_front_of

    spawn = get_context("spawn")
    over = spawn.Event()
    campaign = make_campaign(hits)
    with in_front_of(site) as address:
        attackers = [
            spawn.Process(target=half_open, args=[address, 40, over], daemon=True),
            spawn.Process(target=guess, args=[address, over], daemon=True),
        ]
        for attacker in attackers:
            attacker.start()
        times = crowd(
            f"{workers} under attack", address, workers, think, on_site(campaign, workers, 3600)
        )
        over.set()
        for attacker in attackers:
            attacker.join(60)
    return times, held(campaign, times)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hits", type=int, nargs="+", default=[1000, 100_000])
    parser.add_argument("--clients", type=int, default=8, help="at once, at each size (8)")
    parser.add_argument("--seconds", type=float, default=15, help="at each size (15)")
    parser.add_argument("--workers", type=int, default=200, help="at once in the crowd (200)")
    parser.add_argument(
        "--think", type=float, default=0.2, help="share of a HIT's expected time (0.2)"
    )
    parser.add_argument(
        "--answers", type=int, default=4, help="of each worker of the crowd, about (4)"
    )
    parser.add_argument(
        "--attacked", action="store_true", help="also under attack behind nginx, which must be here"
    )
    options = parser.parse_args()
    if options.workers < R:
        parser.error(f"--workers: at least {R}, for as many answers to each HIT")

    with tempfile.TemporaryDirectory(prefix="second-look-bench-") as folder:
        os.environ |= PRODUCTION | {"DATA_DIR": folder}
        os.environ["DJANGO_SETTINGS_MODULE"] = "annotation.settings"
        import django

        from annotation.serving.embedded import remove_database, running

        with running(Path(folder)):
            django.setup()
            from django.db import connection

            lines, fine = measure(options)
            connection.close()
        with contextlib.suppress(Exception):
            remove_database(Path(folder))
    print("\n".join(lines))
    sys.exit(0 if fine else 1)


def measure(options: argparse.Namespace) -> tuple[list[str], bool]:
    """The lines of figures, and whether all invariants held."""
    from django.core.management import call_command
    from django.db import connection

    from annotation.serving.web import web_server
    from tasks.simulation.rehearsal.stage import stage

    call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute(DATASET.replace("%%", "%"))
    think, workers = options.think * SECONDS, options.workers
    few = max(workers * options.answers // R, 1)  # HITs; towards the end more workers than places
    clients = {}
    attack: list[str] = []
    given = {"TRUSTED_PROXIES": "127.0.0.1"}  # nginx, where it is used
    with stage() as on, web_server(environment={**on.environment, **given}) as address:
        crowd("warming up", address, 8, 0, on_site(make_campaign(50), 8, 3))
        for hits in options.hits:
            work = on_site(make_campaign(hits), options.clients, options.seconds)
            clients[hits] = crowd(f"{hits:,} HITs, no pause", address, options.clients, 0, work)
        work = on_site(make_campaign(400), 10, 4 * think)
        ten = crowd("10 who think", address, 10, think, work)
        small = make_campaign(few)
        many = crowd(f"{workers} who think", address, workers, think, on_site(small, workers, 3600))
        fine = held(small, many)
        if options.attacked:
            under, stood = attacked(address, workers, think, few)
            fine &= stood
            attack = [
                f"page p95 of {workers} to p50 of 10 under attack, behind nginx:"
                f" {at(0.95, under.pages) / at(0.5, ten.pages):.1f} at {under.rate:.1f} HITs/s"
            ]
        rush = make_campaign(60)
        work = on_site(rush, workers, 3600)
        fine &= held(rush, crowd(f"{workers}, no pause", address, workers, 0, work))
        with on.site(address):
            alone, well = framed(on, address, 10, think, 5)
            frame, well_too = framed(on, address, workers, think, few)
    least, most = min(options.hits), max(options.hits)
    p95 = {n: at(0.95, times.pages) + at(0.95, times.submits) for n, times in clients.items()}
    fine = fine and well and well_too
    return [
        f"{options.clients} clients without a pause: {clients[least].rate:.1f} HITs a second"
        " (goal: 60)",
        f"page p95 of {workers} to p50 of 10, thinking {think:.1f} s: on the site"
        f" {at(0.95, many.pages) / at(0.5, ten.pages):.1f} at {many.rate:.1f} HITs a second,"
        f" in MTurk's frame {at(0.95, frame.pages) / at(0.5, alone.pages):.1f}"
        f" at {frame.rate:.1f} (goal: under 5)",
        *attack,
        f"invariants {'held' if fine else 'BROKEN'}",
        f"p95 at {most:,} open HITs / p95 at {least:,}: {p95[most] / p95[least]:.2f}"
        " (goal: at most 1.2)",
    ], fine


if __name__ == "__main__":
    main()
