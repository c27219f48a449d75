"""Marketplaces as their workers see them, one like the other, and their books."""

from collections import Counter
from decimal import Decimal
from typing import Any, Protocol

from imagesets.models import Dataset
from tasks.models import HIT, Campaign
from tasks.simulation.rehearsal.server import Server
from tests.studies.fair import Fair
from tests.studies.odd_pictures import open_campaign


def open_at(crowd: str, pictures: Dataset, reward: Decimal, **settings: Any) -> Campaign:
    """A campaign of HITs of three pictures, four answers each, that no marketplace offers yet."""
    common = {"workers_per_item": 4, "budget": Decimal(1000), "rejection": True}
    made = open_campaign(pictures, "contains", 3, crowd=crowd, **common, **settings)
    made.hits.update(reward=reward)
    return made


class Side(Protocol):
    """A marketplace as its workers see it, and its books."""

    def offered(self) -> dict[int, int]:
        """How many assignments of each HIT (our id) could be accepted now."""

    def accept(self, hit: HIT, worker: str) -> str:
        """A worker takes a HIT; the assignment's key."""

    def hand_in(self, key: str) -> None: ...

    def delete(self, hit: HIT) -> None:
        """The HIT is no longer there, by nobody's word here."""

    def parameters(self, key: str, worker: str) -> dict[str, str]:
        """What the address of the HIT's page carries."""

    def paid(self) -> list[tuple[str, str, Decimal]]:
        """Kind (base, bonus), key, amount of all payments."""


class FairSide:
    def __init__(self, fair: Fair) -> None:
        self.fair = fair

    def offered(self) -> dict[int, int]:
        free = {hit: self.fair.places[hit] - self.fair.live(hit) for hit in self.fair.shown}
        return {hit: number for hit, number in free.items() if number}

    def accept(self, hit: HIT, worker: str) -> str:
        return self.fair.accept(hit.pk, worker).key

    def hand_in(self, key: str) -> None:
        self.fair.work[key].status = "submitted"

    def delete(self, hit: HIT) -> None:
        self.fair.delete(hit.pk)

    def parameters(self, key: str, worker: str) -> dict[str, str]:
        return {"work": key, "worker": worker}

    def paid(self) -> list[tuple[str, str, Decimal]]:
        return [(line.kind, line.assignment, line.amount) for line in self.fair.payments]


class MTurkSide:
    def __init__(self, server: Server) -> None:
        self.market = server.market

    def offered(self) -> dict[int, int]:
        ids = dict(HIT.objects.values_list("public_id", "pk"))
        free: Counter[int] = Counter()
        for hit in self.market.open_hits():
            free[ids[self.market.public_id(hit)]] += hit.available(self.market.clock.now())
        return dict(free)

    def accept(self, hit: HIT, worker: str) -> str:
        offer = next(one for one in self.market.open_hits() if self._is_of(one, hit))
        return self.market.accept(offer, worker).id

    def _is_of(self, offer, hit: HIT) -> bool:
        return self.market.public_id(offer) == hit.public_id

    def hand_in(self, key: str) -> None:
        self.market.hand_in(key, [("answer", "")])

    def delete(self, hit: HIT) -> None:
        ids = [one.id for one in self.market.hits.values() if self._is_of(one, hit)]
        for name in ids:
            del self.market.hits[name]

    def parameters(self, key: str, worker: str) -> dict[str, str]:
        return {"assignmentId": key, "workerId": worker, "hitId": "3HIT"}

    def paid(self) -> list[tuple[str, str, Decimal]]:
        kinds = {"reward": "base", "bonus": "bonus"}
        return [(kinds[p.kind], p.assignment, p.amount) for p in self.market.payments]
