"""Publishes many HITs to the stand-in for MTurk, with faults and crashes: one each, at its rate.

The stand-in takes `--rate` requests a second and throttles what comes faster; some requests fail,
or lose their answer after their effect. The publisher is cut off `--crashes` times on its way, with
everything that it had in flight taking effect there and nobody hearing of it, and begins again;
half of the times days later, when MTurk has forgotten its tokens. Then: exactly one HIT each, with
the places that are here. The last line is the share of the API's rate that was used.
"""

import argparse
import os
import random
import sys
import tempfile
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

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


def mortal(client: type, dies_at: list[float]) -> None:
    """Let the client's process die at its n-th call, for each n of `dies_at` in turn."""
    real = client.call
    calls = Counter()

    def call(self, operation, **parameters):
        calls["all"] += 1
        if not dies_at or calls["all"] < dies_at[0]:
            return real(self, operation, **parameters)
        real(self, operation, **parameters)
        raise Killed

    client.call = call


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
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
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
        mortal(Client, dies_at)
        began = time.monotonic()
        while True:
            try:
                put_before_crowd(campaign)
                break
            except Killed:
                dies_at.pop(0)
                if rng.random() < 0.5:
                    market.clock.move(timedelta(days=2))
        took = time.monotonic() - began
        check(campaign, market)
        made = sum(market.calls.values())
        before = dict(market.calls)
        put_before_crowd(campaign)
        check(campaign, market)
        again = sum(market.calls.values()) - sum(before.values())
        print(f"{options.hits:,} HITs in {took:.1f} s, {options.crashes} crashes on the way")
        print(f"requests that had an effect: {before}")
        print(f"requests of a further run: {again}")
        print(f"unknown there: {len(crowd_of(campaign).unknown(campaign))}")
        share = made / took / options.rate
        print(f"one HIT each; {share:.2f} of the API's rate of {options.rate:g} a second")


if __name__ == "__main__":
    main()
