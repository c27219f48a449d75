"""Simulated workers of varying care, who do a campaign's open work through the real pages.

They see what a person sees, pictures and words, and know what is in each picture (the truth).
What each decides on an item is seeded by worker and item, whatever the order in which it comes.
"""

import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx
from django.db.models import Count, Max, Q
from django.utils import timezone

from imagesets.models import Image
from tasks.identity import invitation_path
from tasks.models import HIT, Campaign, CampaignLabel, Place
from tasks.models.campaign import Kind, State
from tasks.worksheet import Option, Question, Worksheet, worksheet

THREADS = 32  # workers at once; more take turns
PATIENCE = 60.0  # seconds for one page

Truth = Mapping[str, Mapping[str, bool]]  # image key -> {label key: whether it is the main one}


class SimulationError(RuntimeError):
    """The site did not answer as it should; the message names the address."""


class BadTruth(ValueError):
    """A row of the truth that names no image or label of the dataset; the message names it."""


@dataclass(frozen=True)
class Character:
    """How carefully a worker looks; rates from 0 to 1."""

    name: str
    sensitivity: float  # selects what is there
    specificity: float  # leaves what is not
    confusion: float  # takes a thing for its like ("tabby cat" for "Egyptian cat")
    main_error: float  # calls another of the objects the main one
    careless: bool = False


@dataclass
class Outcome:
    """What the simulated workers did, and what is left."""

    answers: dict[str, int] = field(default_factory=dict)  # by worker's name
    careless: list[str] = field(default_factory=list)
    places_left: int = 0
    workers_needed: int = 0
    seconds: float = 0.0

    @property
    def total(self) -> int:
        return sum(self.answers.values())


def characters(workers: int, seed: int, careless: int = 1) -> list[Character]:
    """The first `workers` of the seed's endless list; numbers 2 to 1 + `careless` are careless."""
    made = []
    for number in range(1, workers + 1):
        rng = random.Random(f"character {seed} {number}")
        name = f"simulated-{seed}-{number:03d}"
        if 2 <= number <= 1 + careless:
            made.append(Character(name, 0.45, 0.6, 0.4, 0.6, careless=True))
        else:
            made.append(
                Character(
                    name,
                    sensitivity=rng.uniform(0.86, 0.98),
                    specificity=rng.uniform(0.96, 0.998),
                    confusion=rng.uniform(0.1, 0.35),
                    main_error=rng.uniform(0.02, 0.12),
                )
            )
    return made


def truth_of(campaign: Campaign, rows: Iterable[Mapping[str, str]] | None) -> Truth:
    """What is in each image of the campaign's dataset.

    `rows`: image, label, main ("true"/"false"); an image without a row shows nothing. None: each
    image's one object is its dataset label. Raises BadTruth naming the row (from 2, after the
    header).
    """
    images = dict(
        Image.objects.filter(dataset=campaign.dataset).values_list("key", "dataset_label__key")
    )
    labels = set(campaign.dataset.labels.values_list("key", flat=True))
    truth: dict[str, dict[str, bool]] = {}
    for number, row in enumerate(rows or (), start=2):
        image, label, main = row.get("image"), row.get("label"), row.get("main", "")
        if image not in images:
            raise BadTruth(f"truth, row {number}: image: {image!r} is not in the dataset")
        if label not in labels:
            raise BadTruth(f"truth, row {number}: label: {label!r} is not in the dataset")
        if str(main).lower() not in ("true", "false", "1", "0", ""):
            raise BadTruth(f"truth, row {number}: main: {main!r} is neither true nor false")
        truth.setdefault(image, {})[label] = str(main).lower() in ("true", "1")
    if rows is None:
        return {image: {} if label is None else {label: True} for image, label in images.items()}
    return {image: truth.get(image, {}) for image in images}


def simulate(
    base_url: str,
    campaign: Campaign,
    workers: int = 12,
    seed: int = 0,
    truth: Iterable[Mapping[str, str]] | None = None,
    careless: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Outcome:
    """Let `workers` simulated workers answer until each is thanked and nobody finds more.

    The same seed means the same workers, also in another campaign. `progress` is called with
    (answers so far, answers that the campaign should have). Raises SimulationError, BadTruth.
    """
    crew = characters(workers, seed, careless)
    world = World.of(campaign, truth_of(campaign, truth), seed)
    doors = {one.name: invitation_path(campaign, one.name) for one in crew}
    tally = _Tally(campaign, progress)
    outcome = Outcome(
        answers=dict.fromkeys(doors, 0), careless=[one.name for one in crew if one.careless]
    )
    started = time.monotonic()
    stop = threading.Event()
    with ThreadPoolExecutor(max(1, min(workers, THREADS))) as pool:
        hands = [_Hand(base_url, one, doors[one.name], world, tally, stop) for one in crew]
        try:
            # A worker who is thanked may find work again: a place that somebody let go.
            while any(done := list(pool.map(_Hand.work, hands))):
                for one, count in zip(crew, done, strict=True):
                    outcome.answers[one.name] += count
        finally:
            stop.set()
            for hand in hands:
                hand.client.close()
    outcome.seconds = time.monotonic() - started
    outcome.places_left, outcome.workers_needed = work_left(campaign)
    return outcome


def work_left(campaign: Campaign) -> tuple[int, int]:
    """(places without an answer, new workers that could give them all) of an open campaign.

    A new worker can take one place of each HIT: the HIT that lacks most decides.
    """
    campaign.refresh_from_db(fields=["state", "round", "target"])
    if campaign.state != State.OPEN:
        return 0, 0
    free = Count("places", filter=Q(places__free_at__lte=timezone.now()))
    worst = HIT.objects.filter(campaign=campaign).annotate(free=free).aggregate(Max("free"))
    unopened = campaign.workers_per_item - campaign.target
    places = Place.objects.filter(campaign=campaign, free_at__lte=timezone.now()).count()
    return places + unopened * campaign.hits.count(), (worst["free__max"] or 0) + unopened


class _Tally:
    """Counts answers over all threads."""

    def __init__(self, campaign: Campaign, progress: Callable[[int, int], None] | None) -> None:
        self._progress = progress
        self._lock = threading.Lock()
        self._total = campaign.hits.count() * campaign.workers_per_item
        self._done = Place.objects.filter(campaign=campaign, free_at=None).count()

    def one_more(self) -> None:
        with self._lock:
            self._done += 1
            if self._progress is not None:
                self._progress(min(self._done, self._total), self._total)


@dataclass(frozen=True)
class World:
    """What every simulated worker knows: what the pictures show, what the words mean."""

    kind: str
    seed: int
    objects: Mapping[str, Mapping[str, bool]]  # by the image's public id, as in addresses
    meanings: Mapping[tuple[str, str], frozenset[str]]  # (words, definition) -> label keys
    kin: Mapping[str, frozenset[str]]  # label key -> labels that share a head word with it
    pictures: dict[str, bool] = field(default_factory=dict)  # address -> whether it loads

    @classmethod
    def of(cls, campaign: Campaign, truth: Truth, seed: int) -> "World":
        ids = Image.objects.filter(dataset=campaign.dataset).values_list("key", "public_id")
        meanings: dict[tuple[str, str], set[str]] = {}
        heads: dict[str, set[str]] = {}
        rows = CampaignLabel.objects.filter(campaign=campaign)
        for key, names, definition in rows.values_list("label__key", "names", "definition"):
            meanings.setdefault((_plain(" or ".join(names)), _plain(definition)), set()).add(key)
            for name in names:
                heads.setdefault(name.lower().split()[-1], set()).add(key)
        kin: dict[str, set[str]] = {}
        for keys in heads.values():
            for key in keys:
                kin.setdefault(key, set()).update(keys - {key})
        return cls(
            kind=campaign.kind,
            seed=seed,
            objects={public_id: truth[key] for key, public_id in ids},
            meanings={words: frozenset(keys) for words, keys in meanings.items()},
            kin={key: frozenset(others) for key, others in kin.items()},
        )

    def shown_in(self, address: str) -> tuple[str, Mapping[str, bool]]:
        """A picture's public id, out of its address, and the objects in it."""
        parts = urlsplit(address).path.strip("/").split("/")
        public_id = parts[-2] if len(parts) > 1 else ""
        if public_id not in self.objects:
            raise SimulationError(f"the page shows a picture of no image: {address}")
        return public_id, self.objects[public_id]

    def labels_of(self, words: str, definition: str) -> frozenset[str]:
        """The labels that these words mean."""
        found = self.meanings.get((_plain(words), _plain(definition)))
        if found is None:
            raise SimulationError(f"the page asks for a label of no campaign: {words!r}")
        return found

    def is_like(self, labels: frozenset[str], objects: Mapping[str, bool]) -> bool:
        """Whether a label might be taken for one of the objects, by its words."""
        return any(self.kin.get(thing, frozenset()) & labels for thing in objects)


def _plain(text: str) -> str:
    """Text without the spaces that a page may add."""
    return " ".join(text.split())


class _Hand:
    """One worker at one browser."""

    def __init__(
        self,
        base_url: str,
        character: Character,
        door: str,
        world: World,
        tally: _Tally,
        stop: threading.Event,
    ) -> None:
        self.character, self.door, self.world = character, door, world
        self.tally, self.stop = tally, stop
        self.client = httpx.Client(
            base_url=base_url, follow_redirects=True, timeout=PATIENCE, trust_env=False
        )

    def work(self) -> int:
        """Answer HIT after HIT until a page has none; how many."""
        done = 0
        response = self._ask("GET", self.door)
        while not self.stop.is_set():
            received = time.monotonic()
            sheet = worksheet(response.text)
            if sheet is None:
                if response.status_code != 410:
                    return done
                response = self._ask("GET", self.door)  # too late for that one: on to the next
                continue
            fields = self._fill_in(sheet)
            seconds = f"{time.monotonic() - received:.3f}"
            fields = [(k, seconds if k == "active_seconds" else v) for k, v in fields]
            response = self._ask("POST", sheet.action, fields)
            if response.status_code != 410:
                done += 1
                self.tally.one_more()
        return done

    def _ask(
        self, method: str, address: str, fields: list[tuple[str, str]] | None = None
    ) -> httpx.Response:
        data: dict[str, list[str]] = {}
        for name, value in fields or []:
            data.setdefault(name, []).append(value)
        try:
            response = self.client.request(method, address, data=data or None)
        except httpx.HTTPError as error:
            raise SimulationError(
                f"{self.client.base_url} does not answer: {type(error).__name__} {error}"
            ) from error
        if response.status_code not in (200, 410):
            raise SimulationError(
                f"{method} {response.url.copy_with(query=None)}: status {response.status_code}"
            )
        return response

    def _loads(self, address: str) -> bool:
        """Whether a picture is to be had; each is fetched once, as if all shared a browser."""
        seen = self.world.pictures
        if address not in seen:
            try:
                seen[address] = self.client.get(address).status_code == 200
            except httpx.HTTPError:
                seen[address] = False
        return seen[address]

    def _fill_in(self, sheet: Worksheet) -> list[tuple[str, str]]:
        fields = list(sheet.hidden)
        for question in sheet.questions:
            if self.world.kind == Kind.CONTAINS:
                fields += self._contains(question)
            else:
                fields += self._classify(question)
        return fields

    def _rng(self, *item: str) -> random.Random:
        return random.Random("\0".join([str(self.world.seed), self.character.name, *item]))

    def _contains(self, question: Question) -> list[tuple[str, str]]:
        labels = self.world.labels_of(question.words, question.definition)
        fields = []
        for option in question.named("selected"):
            if not self._loads(option.picture):
                fields.append(("unseen", option.value))
                continue
            public_id, objects = self.world.shown_in(option.picture)
            rng = self._rng(public_id, *sorted(labels))
            if rng.random() < self._chance(labels, objects):
                fields.append(("selected", option.value))
        if not any(name == "selected" for name, _ in fields):
            fields += [(option.name, option.value) for option in question.named("none")]
        return fields

    def _chance(self, labels: frozenset[str], objects: Mapping[str, bool]) -> float:
        """How likely the worker says that one of the labels is among the objects."""
        if labels & set(objects):
            return self.character.sensitivity
        if self.world.is_like(labels, objects):
            return self.character.confusion
        return 1 - self.character.specificity

    def _classify(self, question: Question) -> list[tuple[str, str]]:
        public_id, objects = self.world.shown_in(question.picture)
        self._loads(question.picture)
        offered = [
            (option, self.world.labels_of(option.words, option.definition))
            for option in question.named("labels-")
        ]
        offered.sort(key=lambda pair: sorted(pair[1]))  # decide by label, not by place on the page
        rng = self._rng(public_id)
        named = self._name_objects(offered, objects, rng)
        chosen = {option.value: option for option, _ in named}
        for option, _ in offered:
            if rng.random() > self.character.specificity and option.value not in chosen:
                chosen[option.value] = option
        if not chosen:
            none = question.named("none-")[0]
            return [(none.name, none.value)]
        main = next((option for option, is_main in named if is_main), None)
        if main is None or rng.random() < self.character.main_error:
            main = chosen[rng.choice(sorted(chosen, key=lambda v: chosen[v].words))]
        radio = next(o for o in question.named("main-") if o.value == main.value)
        checks = [(option.name, option.value) for option in chosen.values()]
        return [*checks, (radio.name, radio.value)]

    def _name_objects(
        self,
        offered: list[tuple[Option, frozenset[str]]],
        objects: Mapping[str, bool],
        rng: random.Random,
    ) -> list[tuple[Option, bool]]:
        """One of the labels offered for each object that the worker sees; and if it is the main."""
        named: list[tuple[Option, bool]] = []
        for thing, is_main in sorted(objects.items()):
            right = [option for option, labels in offered if thing in labels]
            alike = [
                option
                for option, labels in offered
                if labels & self.world.kin.get(thing, frozenset()) and not labels & set(objects)
            ]
            sees, mixes_up = rng.random() < self.character.sensitivity, rng.random()
            if not sees:
                continue
            if right and not (alike and mixes_up < self.character.confusion):
                named.append((right[0], is_main))
            elif alike and (right or mixes_up < 0.5):
                named.append((alike[0], is_main))
        return named
