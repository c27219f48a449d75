"""Simulated workers: how carefully each looks, what all of them know, what they check on a page.

They see what a person sees, pictures and words, and know what is in each picture (the truth).
Worker and item seed each decision, so the order in which items come does not matter.
"""

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from django.utils import translation

from imagesets.models import Image
from imagesets.tables.image_paths import ImagePaths, NoImage
from imagesets.tables.problems import Problems, listed
from imagesets.tables.values import BOOLEANS
from tasks.models import Campaign, CampaignLabel, PracticeItem
from tasks.models.campaign import Kind
from tasks.money import expected_seconds
from tasks.pages.sheets import ShownLabel
from tasks.simulation.worksheet import Option, Question, Worksheet

Truth = Mapping[str, Mapping[str, bool]]  # image key -> {label key: whether it is the main one}


class StrangePage(RuntimeError):
    """A page shows or asks for something that the campaign does not have; the message says what."""


class BadTruth(ValueError):
    """A row of the truth that names no image or label of the dataset; the message names it."""


@dataclass(frozen=True)
class Character:
    """How carefully a worker looks; rates from 0 to 1."""

    name: str
    sensitivity: float  # selects what is there
    specificity: float  # does not select what is absent
    confusion: float  # takes a thing for a similar one ("tabby cat" for "Egyptian cat")
    main_error: float  # calls another of the objects the main one
    pace: float  # of the time that a page is expected to take
    careless: bool = False


def characters(workers: int, seed: int, careless: int = 1) -> list[Character]:
    """The first `workers` of the seed's endless list; numbers 2 to 1 + `careless` are careless."""
    crew = []
    for number in range(1, workers + 1):
        rng = random.Random(f"character {seed} {number}")
        name = f"simulated-{seed}-{number:03d}"
        if 2 <= number <= 1 + careless:
            crew.append(Character(name, 0.45, 0.6, 0.4, 0.6, pace=0.1, careless=True))
        else:
            crew.append(
                Character(
                    name,
                    sensitivity=rng.uniform(0.86, 0.98),
                    specificity=rng.uniform(0.96, 0.998),
                    confusion=rng.uniform(0.1, 0.35),
                    main_error=rng.uniform(0.02, 0.12),
                    pace=rng.uniform(0.5, 1.3),
                )
            )
    return crew


def truth_of(campaign: Campaign, rows: Iterable[Mapping[str, str]] | None) -> Truth:
    """What is in each image of the campaign's dataset.

    `rows`: image, label, main ("true"/"false", or empty: false), perhaps `row`, which errors name;
    an image without a row shows nothing. None: each image's one object is its dataset label. Raises
    BadTruth, which names the rows.
    """
    images = dict(
        Image.objects.filter(dataset=campaign.dataset).values_list("key", "dataset_label__key")
    )
    labels = set(campaign.dataset.labels.values_list("key", flat=True))
    truth: dict[str, dict[str, bool]] = {}
    paths, problems = ImagePaths(images), Problems()
    for number, row in enumerate(rows or (), start=2):
        number = int(row.get("row", number))
        label, main = row["label"], str(row.get("main", "")).lower()
        try:
            image = paths.key(row["image"])
        except NoImage as error:
            problems.add(number, "image", str(error))
            continue
        if label not in labels:
            problems.add(number, "label", f"{label!r} is not in the dataset")
        is_main = BOOLEANS.get(main, False)
        if main and main not in BOOLEANS:
            problems.add(number, "main", f"{main!r} is neither true nor false")
        elif truth.setdefault(image, {}).setdefault(label, is_main) != is_main:
            problems.add(number, "main", f"{image!r}, {label!r} has another row that differs")
    if problems:
        raise BadTruth(f"truth, {listed(problems.errors())}")
    if rows is None:
        return {image: {} if label is None else {label: True} for image, label in images.items()}
    return {image: truth.get(image, {}) for image in images}


@dataclass(frozen=True)
class World:
    """What every simulated worker knows: what the pictures show, what the words mean."""

    kind: str
    seed: int
    images: Mapping[str, str]  # public id, as in addresses -> image key
    truth: Truth
    meanings: Mapping[tuple[str, str], frozenset[str]]  # (words, definition) -> label keys
    kin: Mapping[str, frozenset[str]]  # label key -> labels that share a head word with it
    pictures: dict[str, bool] = field(default_factory=dict)  # address -> whether it loads

    @classmethod
    def of(cls, campaign: Campaign, truth: Truth, seed: int) -> "World":
        ids = Image.objects.filter(dataset=campaign.dataset).values_list("key", "public_id")
        meanings: dict[tuple[str, str], set[str]] = {}
        heads: dict[str, set[str]] = {}
        rows = CampaignLabel.objects.filter(campaign=campaign)
        for row in rows.select_related("label"):
            key = row.label.key
            for language in campaign.languages:
                with translation.override(language):
                    shown = ShownLabel.of(row.label_id, row, campaign)
                    words = _plain(shown.name), _plain(shown.definition)
                meanings.setdefault(words, set()).add(key)
            for name in row.names:
                heads.setdefault(name.lower().split()[-1], set()).add(key)
        kin: dict[str, set[str]] = {}
        for keys in heads.values():
            for key in keys:
                kin.setdefault(key, set()).update(keys - {key})
        return cls(
            kind=campaign.kind,
            seed=seed,
            images={public_id: key for key, public_id in ids},
            truth=_with_practice(campaign, truth),
            meanings={words: frozenset(keys) for words, keys in meanings.items()},
            kin={key: frozenset(others) for key, others in kin.items()},
        )

    def shown_in(self, address: str) -> tuple[str, Mapping[str, bool]]:
        """The key of the image at an address, and the objects in it."""
        parts = urlsplit(address).path.strip("/").split("/")
        key = self.images.get(parts[-2]) if len(parts) > 1 else None
        if key is None:
            raise StrangePage(f"the page shows a picture that the dataset lacks: {address}")
        return key, self.truth[key]

    def labels_of(self, words: str, definition: str) -> frozenset[str]:
        """The labels that these words mean."""
        labels = self.meanings.get((_plain(words), _plain(definition)))
        if labels is None:
            raise StrangePage(f"the page asks for a label that the campaign lacks: {words!r}")
        return labels

    def is_like(self, labels: frozenset[str], objects: Mapping[str, bool]) -> bool:
        """Whether a label might be taken for one of the objects, by its words."""
        return any(self.kin.get(thing, frozenset()) & labels for thing in objects)


def _with_practice(campaign: Campaign, truth: Truth) -> Truth:
    """The truth, but what a campaign's practice knows better: pairs that it does not ask."""
    items = PracticeItem.objects.filter(hit__campaign=campaign)
    better = {image: dict(objects) for image, objects in truth.items()}
    for image, label, present in items.values_list("image__key", "label__key", "present"):
        if present:
            better[image].setdefault(label, False)
        else:
            better[image].pop(label, None)
    return better


def _plain(text: str) -> str:
    """Text without the spaces that a page may add."""
    return " ".join(text.split())


@dataclass(frozen=True)
class Mind:
    """A worker in front of a page: what they check on it."""

    character: Character
    world: World
    loads: Callable[[str], bool]  # whether the picture at an address loads

    def fill_in(self, sheet: Worksheet) -> list[tuple[str, str]]:
        """The fields of the filled-in form."""
        fields = list(sheet.hidden)
        for question in sheet.questions:
            if self.world.kind == Kind.CONTAINS:
                fields += self._contains(question)
            else:
                fields += self._classify(question)
        return fields

    def seconds(self, sheet: Worksheet) -> float:
        """How long a person of this character would look at the page."""
        if self.world.kind == Kind.CLASSIFY:
            pictures = [question.picture for question in sheet.questions]
        else:
            tiles = [question.named("selected") for question in sheet.questions]
            pictures = [option.picture for section in tiles for option in section]
        varies = self._rng("seconds", *sorted(pictures)).lognormvariate(0, 0.2)
        return self.character.pace * varies * expected_seconds(self.world.kind, len(pictures))

    def _rng(self, *item: str) -> random.Random:
        return random.Random("\0".join([str(self.world.seed), self.character.name, *item]))

    def _contains(self, question: Question) -> list[tuple[str, str]]:
        labels = self.world.labels_of(question.words, question.definition)
        fields = []
        for option in question.named("selected"):
            if not self.loads(option.picture):
                fields.append(("unseen", option.value))
                continue
            key, objects = self.world.shown_in(option.picture)
            rng = self._rng(key, *sorted(labels))
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
        key, objects = self.world.shown_in(question.picture)
        if not self.loads(question.picture):
            return [(option.name, option.value) for option in question.named("unseen-")]
        offered = [
            (option, self.world.labels_of(option.words, option.definition))
            for option in question.named("labels-")
        ]
        offered.sort(key=lambda pair: sorted(pair[1]))  # the order on the page must not matter
        rng = self._rng(key)
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
        """An offered label for each object that the worker sees, and whether it is the main one."""
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
