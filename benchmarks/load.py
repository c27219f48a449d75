"""Next HIT and submit under load: does the time grow with the campaign, do the invariants hold?

Makes campaigns of generated HITs in a database of its own, serves the real site with gunicorn, and
lets clients on the same machine work through the real pages (one GET and one POST a HIT, plain
HTTP). Prints p50 and p95 of page and submit at each size, HITs a second, and, for `--workers`
at once on a small campaign whose demand exceeds its supply, what the database says after.
The last line is the ratio of the p95 at the largest size to that at the smallest.
"""

import argparse
import contextlib
import http.client
import os
import re
import sys
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import urlencode, urlsplit

TILES = 48
ROOT = Path(__file__).resolve().parents[1]

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
      SELECT %(campaign)s, n, left(md5(%(campaign)s || '-' || n), 16), 87
      FROM generate_series(1, %(hits)s) n RETURNING id)
    INSERT INTO tasks_hititem (hit_id, position, section, image_id, label_id, role)
      SELECT id, p, p / 8, 1 + (id * 7919 + p * 131) %% 50000, 1 + (id + p / 8) %% 1000, 'study'
      FROM hits, generate_series(0, %(tiles)s - 1) p;
"""


def make_campaign(hits: int, workers_per_item: int):
    """An open CONTAINS campaign of so many HITs of 48 tiles in six sections, by SQL."""
    from django.db import connection

    from imagesets.models import Dataset
    from tasks.models import Campaign
    from tasks.rounds import open_round

    campaign = Campaign.objects.create(
        name=f"{hits} HITs",
        slug=f"load-{hits}-{workers_per_item}",
        dataset=Dataset.objects.get(slug="load"),
        kind="contains",
        state="open",
        workers_per_item=workers_per_item,
    )
    with connection.cursor() as cursor:
        cursor.execute(HITS, {"campaign": campaign.pk, "hits": hits, "tiles": TILES})
        open_round(campaign, 0, "the benchmark")
        cursor.execute("ANALYZE")
    campaign.refresh_from_db()
    return campaign


class Client:
    """A worker's browser without the pictures: keeps its cookie, reads the form, posts it."""

    SECTION = re.compile(r'name="none" value="([^"]+)"')
    ITEM = re.compile(r'name="selected" value="([^"]+)"')

    def __init__(self, address: str, public_id: str) -> None:
        self.connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
        self.start = f"/tasks/{public_id}/"
        self.cookie = ""
        self.pages: list[float] = []
        self.submits: list[float] = []

    def ask(self, method: str, path: str, body: str | None = None) -> tuple[int, str, str]:
        """Status, where it sends us, and the page."""
        headers = {"Cookie": self.cookie} if self.cookie else {}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        page = answer.read().decode()
        if cookie := answer.getheader("Set-Cookie"):
            self.cookie = cookie.split(";")[0]
        return answer.status, answer.getheader("Location") or "", page

    def work(self, until: float, at_most: int = 10**9) -> None:
        """HIT after HIT; raises on any answer that is not the expected one."""
        status, where, _ = self.ask("GET", self.start)
        while "/hit/" in where and time.monotonic() < until and len(self.submits) < at_most:
            started = time.monotonic()
            status, _, page = self.ask("GET", where)
            self.pages.append(time.monotonic() - started)
            if status != 200:
                raise RuntimeError(f"GET {where}: {status}")
            form = [("assignmentId", where.split("assignmentId=")[1])]
            form += [("none", section) for section in self.SECTION.findall(page)]
            if len(self.ITEM.findall(page)) != TILES:
                raise RuntimeError(f"{where}: not {TILES} tiles")
            started = time.monotonic()
            status, where, _ = self.ask("POST", where.split("?")[0], urlencode(form))
            self.submits.append(time.monotonic() - started)
            if status != 303:
                raise RuntimeError(f"POST: {status}")


def run(address: str, campaign, clients: int, seconds: float) -> tuple[list, list, float, int]:
    """Times of pages and submits, HITs a second, errors."""
    crew = [Client(address, campaign.public_id) for _ in range(clients)]
    errors: list[BaseException] = []

    def work(client: Client) -> None:
        try:
            client.work(time.monotonic() + seconds)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(client,)) for client in crew]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    spent = time.monotonic() - started
    for error in errors[:3]:
        print(f"  error: {error}")
    pages = sorted(t for client in crew for t in client.pages)
    submits = sorted(t for client in crew for t in client.submits)
    return pages, submits, len(submits) / spent, len(errors)


def at(share: float, times: list[float]) -> float:
    """A percentile, in milliseconds."""
    return 1000 * times[min(len(times) - 1, int(share * len(times)))] if times else float("nan")


def told(name: str, pages: list, submits: list, rate: float, errors: int) -> None:
    print(
        f"{name:>22}: page p50 {at(0.5, pages):6.1f} ms p95 {at(0.95, pages):6.1f} ms,"
        f" submit + next p50 {at(0.5, submits):6.1f} ms p95 {at(0.95, submits):6.1f} ms,"
        f" {rate:5.1f} HITs/s, {errors} errors"
    )


INVARIANTS = """
    WITH used AS (SELECT hit_id, count(*) AS n, count(DISTINCT worker_id) AS workers
                  FROM tasks_assignment WHERE campaign_id = %s AND state = 'submitted'
                    AND outcome = 'accepted' AND NOT set_aside GROUP BY hit_id)
    SELECT (SELECT count(*) FROM tasks_hit WHERE campaign_id = %s), count(*), min(n), max(n),
           sum(n - workers)::int, sum(n)::int FROM used
"""


def crowd(address: str, workers: int, hits: int, r: int) -> bool:
    """`workers` at once on `hits` HITs that want r answers each; whether all invariants hold."""
    from django.db import connection

    campaign = make_campaign(hits, r)
    pages, submits, rate, errors = run(address, campaign, workers, 600)
    told(f"{workers} workers", pages, submits, rate, errors)
    with connection.cursor() as cursor:
        cursor.execute(INVARIANTS, [campaign.pk, campaign.pk])
        all_hits, answered, least, most, twice, stored = cursor.fetchone()
    campaign.refresh_from_db()
    print(
        f"  {answered} of {all_hits} HITs answered, {least} to {most} used answers (R = {r}),"
        f" {twice} doubled, {len(submits)} thanks for {stored} stored; {campaign.state}"
    )
    return (
        errors == 0
        and (answered, least, most, twice) == (all_hits, r, r, 0)
        and stored == len(submits)
        and campaign.state == "finished"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hits", type=int, nargs="+", default=[1000, 100_000])
    parser.add_argument("--clients", type=int, default=8, help="at once, at each size (8)")
    parser.add_argument("--seconds", type=float, default=15, help="at each size (15)")
    parser.add_argument("--workers", type=int, default=200, help="at once in the crowd (200)")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="second-look-bench-") as folder:
        os.environ["DATA_DIR"] = folder
        os.environ["DJANGO_SETTINGS_MODULE"] = "annotation.settings"
        sys.path.insert(0, str(ROOT))
        import django

        from annotation.embedded import remove_database, running

        with running(Path(folder)):
            django.setup()
            from django.core.management import call_command
            from django.db import connection

            from annotation.web import web_server

            call_command("migrate", verbosity=0)
            with connection.cursor() as cursor:
                cursor.execute(DATASET.replace("%%", "%"))
            p95 = {}
            with web_server() as address:
                warm = make_campaign(50, 3)
                run(address, warm, options.clients, 3)
                for hits in options.hits:
                    campaign = make_campaign(hits, 9)
                    found = run(address, campaign, options.clients, options.seconds)
                    told(f"{hits:,} HITs open", *found)
                    p95[hits] = at(0.95, found[0]) + at(0.95, found[1])
                few = make_campaign(400, 9)
                ten = run(address, few, 10, options.seconds / 2)
                told("10 workers", *ten)
                held = crowd(address, options.workers, 60, 9)
            connection.close()
        with contextlib.suppress(Exception):
            remove_database(Path(folder))
    print(f"invariants {'held' if held else 'BROKEN'}")
    ratio = p95[max(p95)] / p95[min(p95)]
    print(f"p95 at {max(p95):,} open HITs / p95 at {min(p95):,}: {ratio:.2f} (goal: at most 1.3)")
    sys.exit(0 if held else 1)


if __name__ == "__main__":
    main()
