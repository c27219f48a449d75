"""Visits the researchers' pages of studies of two sizes: how long each takes, and what it asks.

Every visit is a request through the whole of Django, middleware and templates, to a database
server of its own; browsers and pictures are left out. Visits to both studies take turns, and the
quickest of some tries counts as a visit, so that what else the machine does is left out.
"""

import json
import math
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from benchmarks.studies.explored import DILIGENT, make_explored

GOAL = 1.5
TRIES = 3  # of a visit, the quickest of which counts
SMALL, LARGE = 1, 2  # numbers of the studies
FILTERS = {
    "all": "",
    "a group": "group=fu",
    "two groups": "group=mis&group=amb",
    "objects": "objects=3",
    "disagreement": "disagreement=half&disagreement=all",
    "another main object": "disagreement=object",
    "a dataset label": "label=n00000007",
    "a pair of labels": "shows=n00000044&shows=n00000007",
    "confused": "label=n00000007&main=n00000044",
    "no classifier right": "models=no",
    "right and wrong": "right=net+1&wrong=net+2",
    "SF": "sf_from=0.3&sf_to=0.6",
    "SF of a label": "of=n00000050&sf_from=0.5",
    "posterior": "posterior_from=0.9",
    "key": "text=0000042",
    "a label's name": "text=thing+77",
    "many": "group=fu&objects=2&models=some&sf_from=0.5&posterior_to=0.99&text=val&wrong=net+1",
    "nothing": "text=no+such+text",
}


@dataclass
class Visited:
    """A page: seconds of each visit to each study, and its queries by study."""

    seconds: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    queries: dict[int, int] = field(default_factory=dict)
    walked: dict[int, int] = field(default_factory=dict)


def look(images: tuple[int, int], rounds: int) -> dict[str, Visited]:
    """Make the two studies, and visit every page of both so many times."""
    from django.contrib.auth import get_user_model
    from django.core.management import call_command
    from django.test import Client

    from annotation.explorer.keeping import keep
    from annotation.report.campaigns import study_of

    call_command("migrate", verbosity=0)
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(get_user_model().objects.create_superuser("r", "r@example.org", "x"))
    for number, size in zip((SMALL, LARGE), images, strict=True):
        dataset = make_explored(number, size)
        started = time.monotonic()
        keep(dataset, study_of(dataset))
        print(f"{size:,} images laid out in {time.monotonic() - started:.1f} s", flush=True)
    visited: dict[str, Visited] = defaultdict(Visited)
    addresses = {number: dict(_addresses(number)) for number in (SMALL, LARGE)}
    for number in addresses:
        for name, address in addresses[number].items():
            visited[name].queries[number], visited[name].walked[number] = _asked(client, address)
    for _ in range(rounds):
        for name in addresses[SMALL]:
            for number in addresses:
                tries = [_seconds(client, addresses[number][name]) for _ in range(TRIES)]
                visited[name].seconds[number].append(min(tries))
    return visited


def _seconds(client: Any, address: str) -> float:
    started = time.perf_counter()
    response = client.get(address)
    seconds = time.perf_counter() - started
    assert response.status_code == 200, (address, response.status_code)
    return seconds


def _addresses(number: int) -> Iterator[tuple[str, str]]:
    """What is looked at, with its address in this study."""
    from annotation.explorer.columns import Columns
    from imagesets.models import Image
    from tasks.models import KeptStudy

    here = f"/datasets/explored-{number}/images/"
    ids = Columns(KeptStudy.objects.get(dataset=number)).of("image")
    for name, query in FILTERS.items():
        yield f"images: {name}", f"{here}?{query}" if query else here
    for name, share in (("the middle", 0.5), ("near the end", 0.98)):
        public_id = Image.objects.get(pk=int(ids[int(share * ids.size)])).public_id
        yield f"images: {name}", f"{here}?after={public_id}"
        yield f"an image in {name}", f"{here}{public_id}/"
        yield f"an image in {name}, filtered", f"{here}{public_id}/?{FILTERS['many']}"
    study = f"/datasets/explored-{number}"
    for query in ("", "?sort=key", "?sort=accuracy", "?q=thing+77", "?sort=key&after=n00000500"):
        yield f"labels {query}", f"{study}/labels/{query}"
    yield "a label", f"{study}/labels/n00000007/"
    for kind in ("confused", "renamed", "beside", "accepted"):
        yield f"pairs: {kind}", f"{study}/pairs/?kind={kind}&after=2500"
    yield "pairs of a label", f"{study}/pairs/?kind=renamed&label=n00000007"
    worker = f"/campaigns/explored-{number}-contains/workers/w{DILIGENT:a>16}/"
    yield "a worker", worker
    yield "without a worker", f"{worker}aside/"


def _asked(client: Any, address: str) -> tuple[int, int]:
    """How many queries a page takes, and the most rows that one of them walks."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client.get(address)  # whatever is read but once
    with CaptureQueriesContext(
        connection,
    ) as asked:
        client.get(address)
    most = 0
    with connection.cursor() as cursor:
        for query in asked.captured_queries:
            if query["sql"].startswith("SELECT"):
                cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {query['sql']}")
                (plan,) = cursor.fetchone()
                plan = json.loads(plan) if isinstance(plan, str) else plan
                most = max(most, _walked(plan[0]["Plan"]))
    return len(asked.captured_queries), most


def _walked(node: dict[str, Any]) -> int:
    """The most rows that a node of the plan reads, those that it then drops included."""
    loops = node.get("Actual Loops", 1)
    dropped = sum(node.get(f"Rows Removed by {what}", 0) for what in ("Filter", "Index Recheck"))
    own = (
        round(loops * (node.get("Actual Rows", 0) + dropped)) if "Scan" in node["Node Type"] else 0
    )
    return max([own, *(_walked(child) for child in node.get("Plans", []))])


def told(visited: dict[str, Visited], images: tuple[int, int]) -> str:
    """A line for each page, printed, and the figure of all."""
    every: dict[int, list[float]] = defaultdict(list)
    for name, page in visited.items():
        middle = {number: statistics.median(times) for number, times in page.seconds.items()}
        for number, times in page.seconds.items():
            every[number] += times
        print(
            f"{name:34} {1000 * middle[SMALL]:5.0f} ms {1000 * middle[LARGE]:5.0f} ms"
            f" {middle[LARGE] / middle[SMALL]:5.2f} x; {page.queries[SMALL]} and"
            f" {page.queries[LARGE]} queries, at most {page.walked[LARGE]:,} rows walked"
        )
    queries = max(page.queries[LARGE] for page in visited.values())
    walked = max(page.walked[LARGE] for page in visited.values())
    print(f"at most {queries} queries a page, {walked:,} rows walked by one")
    small, large = (_p95(every[number]) for number in (SMALL, LARGE))
    return (
        f"researchers' pages, p95 at {images[1]:,} images: {1000 * large:.0f} ms,"
        f" {large / small:.2f} x that at {images[0]:,} (goal: at most {GOAL})"
    )


def _p95(times: list[float]) -> float:
    return sorted(times)[math.ceil(0.95 * len(times)) - 1]
