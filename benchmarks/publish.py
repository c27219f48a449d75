"""Publishes many HITs to the stand-in for MTurk, with faults and crashes: one each, at its rate.

"The API's rate" is `--rate` requests a second: the stand-in refuses what comes faster than that
(it lets a quarter of a second's requests come at once, no more). Some requests fail, or lose their
answer after their effect. The publisher is cut off `--crashes` times on its way, with everything
that it had in flight taking effect there and nobody hearing of it, and begins again; half of the
times days later, when MTurk has forgotten its tokens. Then: exactly one HIT each, with the places
that are here. The last line is requests taken a second, of every kind and with those that failed,
from the beginning to each crash and from there to the end, as a share of the rate. The stand-in
and the publisher share one Python process.
"""

import argparse
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]

DATASET = """
    INSERT INTO imagesets_dataset (id, slug, name, created_at) VALUES (1, 'many', 'Many', now());
    INSERT INTO imagesets_label (id, dataset_id, key, names, definition, wikipedia, superclass)
      VALUES (1, 1, 'n1', ARRAY['thing'], 'a thing', '{}', '');
    INSERT INTO imagesets_image
        (id, dataset_id, key, public_id, location, sha256, width, height, dataset_label_id)
      VALUES (1, 1, '1.jpg', '1', '', repeat('0', 64), 500, 375, 1);
"""
HITS = """
    INSERT INTO tasks_hit (campaign_id, key, public_id, expected_seconds, reward)
      SELECT %(campaign)s, n, left(md5('many-' || n), 16), 87, 0.25 + 0.05 * (n %% 4)
      FROM generate_series(1, %(hits)s) n;
"""


class Killed(BaseException):
    """The publisher ends here."""


def make_campaign(hits: int):
    """An open campaign of so many HITs, with its first round of three places each."""
    from django.db import connection

    from imagesets.models import Dataset
    from tasks.models import Campaign
    from tasks.rounds import open_round

    with connection.cursor() as cursor:
        cursor.execute(DATASET)
        campaign = Campaign.objects.create(
            name="many", dataset=Dataset.objects.get(), kind="contains", crowd="mturk", state="open"
        )
        cursor.execute(HITS, {"campaign": campaign.pk, "hits": hits})
    open_round(campaign, 0, "the benchmark")
    campaign.refresh_from_db()
    return campaign


class Life:
    """Lets the publisher die at given calls, and counts the requests of its lives."""

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
        """Whether it came to its end alive."""
        self._began: tuple[float, int] | None = (time.monotonic(), self.trouble.taken)
        try:
            work()
        except Killed:
            self.dies_at.pop(0)
            return False
        self._stop()
        return True

    def _stop(self) -> None:
        """What a dying process still has in flight is not counted."""
        if self._began is not None:
            at, taken = self._began
            self._began = None
            self.seconds += time.monotonic() - at
            self.requests += self.trouble.taken - taken


def check(campaign, market) -> None:
    """Exactly one HIT there for each here, with its places; all of them known."""
    from tasks.crowds.mturk.models import Listing
    from tasks.models import Place

    there: Counter = Counter()
    for hit in market.hits.values():
        there[market.public_id(hit)] += hit.max_assignments
    places = Counter(
        Place.objects.filter(campaign=campaign).values_list("hit__public_id", flat=True)
    )
    if len(market.hits) != campaign.hits.count() or there != places:
        raise SystemExit(
            f"WRONG: {campaign.hits.count()} HITs here, {len(market.hits)} there;"
            f" {places.total()} places here, {there.total()} there"
        )
    known = set(Listing.objects.values_list("market_id", flat=True))
    if known != set(market.hits):
        raise SystemExit("WRONG: HITs there that are not known here")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hits", type=int, default=10_000)
    parser.add_argument("--rate", type=float, default=100, help="requests a second (100)")
    parser.add_argument("--crashes", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("DATA_DIR", tempfile.mkdtemp(prefix="second-look-bench-"))
    os.environ["DJANGO_SETTINGS_MODULE"] = "annotation.settings"
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    from annotation.embedded import running
    from tasks.crowds import crowd_of
    from tasks.crowds.mturk.client import Client
    from tasks.crowds.mturk.rehearsal.faults import Faults
    from tasks.crowds.mturk.rehearsal.market import Market
    from tasks.crowds.mturk.rehearsal.server import serving
    from tasks.sync import put_before_crowd

    faults = Faults(failed=0.005, lost=0.002, dropped=0.005, unclear=0.003, rate=options.rate)
    market = Market(balance=10**9)
    with running(settings.DATA_DIR, durable=True), serving(market, faults, options.seed) as server:
        call_command("migrate", verbosity=0)
        settings.MTURK_ENDPOINT_URL = server.address
        settings.MTURK_CALLS_PER_SECOND = options.rate
        settings.PUBLIC_URL = "https://second-look.example"
        campaign = make_campaign(options.hits)
        rng = random.Random(options.seed)
        dies_at = sorted(rng.uniform(1, options.hits) for _ in range(options.crashes))
        life = Life(Client, server.trouble, dies_at)
        while not life.live(lambda: put_before_crowd(campaign)):
            if rng.random() < 0.5:
                market.clock.move(timedelta(days=2))
        check(campaign, market)
        before = dict(market.calls)
        put_before_crowd(campaign)
        check(campaign, market)
        again = sum(market.calls.values()) - sum(before.values())
        print(
            f"{options.hits:,} HITs in {life.seconds:.1f} s, {options.crashes} crashes on the way"
        )
        print(f"requests that had an effect: {before}")
        print(f"requests of a further run: {again}")
        print(f"unknown there: {len(crowd_of(campaign).unknown(campaign))}")
        share = life.requests / life.seconds / options.rate
        print(f"one HIT each; {share:.2f} of the API's rate of {options.rate:g} a second")


if __name__ == "__main__":
    main()
