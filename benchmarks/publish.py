"""Publishes many HITs to the stand-in for MTurk, with faults and crashes: each once, at its rate.

"The API's rate" is `--rate` requests a second: the stand-in refuses faster requests (it allows
bursts of a quarter of a second's requests). Some requests fail, or lose their answer after taking
effect. The publisher crashes `--crashes` times, while all its requests in flight take effect
unnoticed, and starts again: half of the times days later, when MTurk has forgotten its tokens. In
the end the marketplace must have exactly one HIT for each of the site's, with the same places. The
last line gives the requests a second, of every kind and with those that failed, without the time
between a crash and the next start, as a share of the rate. The stand-in and the publisher share one
Python process.

Before that a whole study of `--study` HITs goes through the stand-in, as `manage.py rehearse
--campaign` plays it: published, done through the real pages by `--workers` simulated workers who
sometimes return, abandon, forget or send twice, synced, reviewed and paid, at the same rate and
with every kind of fault. In the end every pair must have 9 used judgments of distinct workers, the
ledger must equal the marketplace's to the cent, nothing may be unreviewed, and neither side may
hold anything unknown to the other.
"""

import argparse
import contextlib
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

# In place of this folder, whose coverage.py hides the package of its name.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

ROOT = Path(__file__).resolve().parents[1]

DATASET = """
    INSERT INTO imagesets_dataset (id, slug, name, created_at) VALUES (1000, 'many', 'Many', now());
    INSERT INTO imagesets_label (id, dataset_id, key, names, definition, wikipedia, superclass)
      VALUES (1000, 1000, 'n1', ARRAY['thing'], 'a thing', '{}', '');
    INSERT INTO imagesets_image
        (id, dataset_id, key, public_id, location, sha256, width, height, dataset_label_id)
      VALUES (1000000, 1000, '1.jpg', '1', '', repeat('0', 64), 500, 375, 1000);
"""
HITS = """
    INSERT INTO tasks_hit (campaign_id, key, public_id, expected_seconds, reward)
      SELECT %(campaign)s, n, left(md5('many-' || n), 16), 87, 0.25 + 0.05 * (n %% 4)
      FROM generate_series(1, %(hits)s) n;
"""


class Killed(BaseException):
    """The publisher crashes."""


def make_campaign(hits: int):
    """An open campaign of `hits` HITs, with its first round of three places each."""
    from django.db import connection

    from imagesets.models import Dataset
    from tasks.models import Campaign
    from tasks.work.rounds import open_round

    with connection.cursor() as cursor:
        cursor.execute(DATASET)
        campaign = Campaign.objects.create(
            name="many",
            dataset=Dataset.objects.get(slug="many"),
            kind="contains",
            crowd="mturk",
            state="open",
        )
        cursor.execute(HITS, {"campaign": campaign.pk, "hits": hits})
    open_round(campaign, 0, "the benchmark")
    campaign.refresh_from_db()
    return campaign


class Life:
    """Lets the publisher die at given calls, and counts the requests while it lives."""

    def __init__(self, client: type, trouble: Any, dies_at: list[float]) -> None:
        self.dies_at, self.trouble = dies_at, trouble
        self.calls = 0
        self.seconds, self.requests = 0.0, 0
        self._real = client.call  # type: ignore[attr-defined]
        client.call = lambda *of, **given: self._call(*of, **given)  # type: ignore[attr-defined]

    def _call(self, client: Any, operation: str, **parameters: Any) -> Any:
        self.calls += 1
        dies = self.dies_at and self.calls >= self.dies_at[0]
        answer = self._real(client, operation, **parameters)
        if dies:
            self._stop()
            raise Killed
        return answer

    def live(self, work: Callable[[], object]) -> bool:
        """Do the work; whether it was completed."""
        self._began: tuple[float, int] | None = (time.monotonic(), self.trouble.taken)
        try:
            work()
        except Killed:
            self.dies_at.pop(0)
            return False
        self._stop()
        return True

    def _stop(self) -> None:
        """Stop counting: requests still in flight from a dying process do not count."""
        if self._began is not None:
            at, taken = self._began
            self._began = None
            self.seconds += time.monotonic() - at
            self.requests += self.trouble.taken - taken


def study(hits: int, workers: int, rate: float, seed: int) -> None:
    """Run a study from publication to its last payment. Raises SystemExit if it is not whole.

    A HIT has 8 tiles; each image stands under two labels, and 9 workers judge each.
    """
    from chaos import make_dataset
    from django.conf import settings

    from annotation.serving.web import web_server
    from tasks.models import Campaign
    from tasks.simulation.rehearsal.audit import audit
    from tasks.simulation.rehearsal.faults import EVERYTHING
    from tasks.simulation.rehearsal.stage import play, stage

    campaign = Campaign.objects.create(
        name="study",
        slug="study",
        dataset=make_dataset(settings.DATA_DIR / "pictures", 4 * hits),
        kind="contains",
        crowd="mturk",
        budget=10**6,
        grid_size=8,
        max_sections=2,
    )
    settings.MTURK_CALLS_PER_SECOND = rate
    began = time.monotonic()
    done = 0

    def count(number: int) -> None:
        nonlocal done
        done += number
        if done % 1000 == 0:
            print(f"  {done:,} answers after {time.monotonic() - began:.0f} s", flush=True)

    with (
        stage(replace(EVERYTHING, throttled=0, rate=rate), seed) as on,
        web_server(environment=on.environment) as address,
        on.site(address),
    ):
        people = on.crew(workers, seed, pictures=False)
        play(on, campaign, people, seed, count)
        took = time.monotonic() - began
        wrong = [] if campaign.state == "finished" else [f"the campaign is {campaign.state}"]
        wrong += audit(campaign, on.market)
        bill = on.bill()
    for text in wrong:
        print(f"WRONG: {text}")
    print(
        f"a study of {bill.hits:,} HITs, {bill.answers:,} answers of {bill.workers} workers,"
        f" ${bill.total:,}, with faults, in {took / 60:.1f} minutes;"
        f" {len(wrong)} things are wrong after it; {dict(people.happened)}"
    )
    if wrong:
        raise SystemExit(1)


def check(campaign, market) -> None:
    """The marketplace has exactly one HIT for each of ours, with its places, and we know each."""
    from tasks.crowds.mturk.models import Listing
    from tasks.models import Place

    offered: Counter = Counter()
    for hit in market.hits.values():
        offered[market.public_id(hit)] += hit.max_assignments
    places = Counter(
        Place.objects.filter(campaign=campaign).values_list("hit__public_id", flat=True)
    )
    if len(market.hits) != campaign.hits.count() or offered != places:
        raise SystemExit(
            f"WRONG: HITs: {campaign.hits.count()} of the site, {len(market.hits)} of the market;"
            f" places: {places.total()} of the site, {offered.total()} of the market"
        )
    ours = Listing.objects.filter(hit__campaign=campaign)
    known = set(ours.values_list("market_id", flat=True))
    if known != set(market.hits):
        raise SystemExit("WRONG: the marketplace has HITs unknown to the site")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hits", type=int, default=10_000)
    parser.add_argument("--rate", type=float, default=100, help="requests a second (100)")
    parser.add_argument("--crashes", type=int, default=10)
    parser.add_argument(
        "--study", type=int, default=1000, help="HITs of the whole study (1000); 0: none"
    )
    parser.add_argument("--workers", type=int, default=40, help="of the whole study (40)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    os.environ["DJANGO_SETTINGS_MODULE"] = "annotation.settings"
    with tempfile.TemporaryDirectory(prefix="second-look-bench-") as folder:
        os.environ["DATA_DIR"] = folder
        import django

        django.setup()
        from django.core.management import call_command
        from django.db import connection

        from annotation.serving.embedded import remove_database, running

        with running(folder):
            call_command("migrate", verbosity=0)
            if options.study:
                study(options.study, options.workers, options.rate, options.seed)
            many(options)
            connection.close()
        with contextlib.suppress(Exception):
            remove_database(Path(folder))


def many(options: argparse.Namespace) -> None:
    """Publish many HITs, through crashes, and print the figure."""
    from django.conf import settings

    from tasks.crowds.mturk import marketplace
    from tasks.crowds.mturk.client import Client
    from tasks.market.sync import PATIENCE, put_before_crowd
    from tasks.simulation.rehearsal.faults import Faults
    from tasks.simulation.rehearsal.market import Market
    from tasks.simulation.rehearsal.server import serving

    faults = Faults(failed=0.005, lost=0.002, dropped=0.005, unclear=0.003, rate=options.rate)
    market = Market(balance=10**9)
    with serving(market, faults, options.seed) as server:
        settings.MTURK_ENDPOINT_URL = server.address
        settings.MTURK_CALLS_PER_SECOND = options.rate
        settings.PUBLIC_URL = "https://second-look.example"
        campaign = make_campaign(options.hits)
        rng = random.Random(options.seed)
        dies_at = sorted(rng.uniform(1, options.hits) for _ in range(options.crashes))
        life = Life(Client, server.trouble, dies_at)
        while not life.live(lambda: put_before_crowd(campaign, PATIENCE)):
            if rng.random() < 0.5:
                market.clock.move(timedelta(days=2))
        check(campaign, market)
        before = dict(market.calls)
        put_before_crowd(campaign, PATIENCE)
        check(campaign, market)
        again = sum(market.calls.values()) - sum(before.values())
        print(
            f"{options.hits:,} HITs in {life.seconds:.1f} s, {options.crashes} crashes on the way"
        )
        print(f"requests that had an effect: {before}")
        print(f"requests of a further run: {again}")
        print(f"unknown to the site: {len(marketplace.unknown(campaign))}")
        share = life.requests / life.seconds / options.rate
        print(f"one HIT each; {share:.2f} of the API's rate of {options.rate:g} a second")


if __name__ == "__main__":
    main()
