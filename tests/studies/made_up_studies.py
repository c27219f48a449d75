"""Small made-up studies, image by image and as the arrays of the report."""

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from annotation.report.arrays import (
    EASY,
    FU,
    MIS,
    NO,
    YES,
    Frequencies,
    Partitions,
    Predictions,
    Responses,
    Rules,
    Study,
)
from tasks.aggregation import image_objects

LABELS = "abcdef"
SUPERCLASSES = {"a": "animal", "b": "animal", "c": "thing", "d": "thing", "e": "thing"}  # f: none
WORKERS = 14


@dataclass
class Picture:
    """One image: labels are letters, workers numbers."""

    key: str
    dataset_label: str | None
    group: int
    asked: bool = True
    pairs: dict[str, dict[int, int]] = field(default_factory=dict)  # label -> worker -> answer
    responses: dict[int, tuple[str, str | None]] = field(default_factory=dict)  # by submission
    partition: list[str] = field(default_factory=list)  # labels of each object
    equals: tuple[bool, bool, bool] = (False, False, False)  # as in Partitions
    unparted: bool = False  # its labels are too many to be parted
    tops: dict[str, str | None] = field(default_factory=dict)  # model -> its first label
    offered: str = ""  # in CLASSIFY
    answered: bool = False  # there are responses, whoever is left out below
    selected_before: float = 0.0  # mean number of labels, likewise

    def without(self, worker: int) -> "Picture":
        """The same picture without this worker's answers; the partition is kept."""
        return replace(
            self,
            pairs={
                label: {who: said for who, said in answers.items() if who != worker}
                for label, answers in self.pairs.items()
            },
            responses={who: said for who, said in self.responses.items() if who != worker},
        )

    def without_the_last_of_none(self, worker: int) -> "Picture":
        """The same, but a pair that nobody else judged keeps its answer."""
        kept = {label: answers for label, answers in self.pairs.items() if len(answers) == 1}
        less = self.without(worker)
        return replace(less, pairs=less.pairs | kept)

    @property
    def workers(self) -> set[int]:
        return set(self.responses).union(*self.pairs.values())

    # What the answers amount to, by plain loops

    @property
    def num_objects(self) -> int | None:
        counts = Counter(len(selected) for selected, _ in self.responses.values())
        return counts.most_common(1)[0][0] if counts else None

    @property
    def settled_objects(self) -> int | None:
        return 1 if self.is_easy else self.num_objects

    @property
    def is_easy(self) -> bool:
        return self.asked and self.group == EASY

    @property
    def is_fu(self) -> bool:
        return self.group == FU and bool(self.responses)

    @property
    def is_settled(self) -> bool:
        return self.is_easy or self.is_fu

    @property
    def is_single(self) -> bool:
        return self.is_settled and self.settled_objects == 1

    @property
    def is_multi(self) -> bool:
        return self.is_settled and (self.settled_objects or 0) > 1

    @property
    def chosen(self) -> Counter:
        return Counter(label for selected, _ in self.responses.values() for label in selected)

    @property
    def mains(self) -> Counter:
        return Counter(main for _, main in self.responses.values() if main)

    @property
    def main_label(self) -> str | None:
        return self.mains.most_common(1)[0][0] if self.mains and self.num_objects else None

    @property
    def names(self) -> list[str]:
        return [
            min(labels, key=lambda label: (-self.chosen[label], label)) for labels in self.partition
        ]

    @property
    def main_object(self) -> str | None:
        """Its labels."""
        if not self.num_objects or not self.partition:
            return None
        votes = [sum(self.mains[label] for label in labels) for labels in self.partition]
        objects = zip(votes, self.names, self.partition, strict=True)
        return min(objects, key=lambda found: (-found[0], found[1]))[2]

    @property
    def dataset_object(self) -> str | None:
        """Its labels."""
        if not self.num_objects or not self.chosen[self.dataset_label]:
            return None
        return next((labels for labels in self.partition if self.dataset_label in labels), None)

    @property
    def disagrees(self) -> bool:
        return (
            (self.num_objects or 0) > 1
            and self.dataset_object is not None
            and self.dataset_object != self.main_object
        )

    def sf(self, label: str | None) -> float | None:
        answers = self.pairs.get(label or "", {})
        return sum(said == YES for said in answers.values()) / len(answers) if answers else None


def pictures(seed: int, n: int = 16) -> list[Picture]:
    """Pictures with candidates, answers of both kinds and two models' first labels."""
    rng = np.random.default_rng(seed)
    made = []
    for number in range(n):
        own = rng.choice([*LABELS[:4], None], p=[0.3, 0.3, 0.2, 0.1, 0.1])
        group = int(rng.choice([FU, MIS, EASY], p=[0.7, 0.1, 0.2]))
        picture = Picture(f"{number:02d}", own, group, asked=bool(rng.random() < 0.95))
        candidates = set(rng.choice(list(LABELS), 3, replace=False)) | ({own} if own else set())
        for label in sorted(candidates):
            shown = rng.choice(WORKERS, int(rng.integers(0, 6)), replace=False)
            answers = rng.choice([NO, YES], shown.size).tolist()
            picture.pairs[label] = dict(zip(shown.tolist(), answers, strict=True))
        if picture.asked and (group != EASY or rng.random() < 0.5):
            for worker in rng.choice(WORKERS, int(rng.integers(1, 6)), replace=False).tolist():
                size = int(rng.choice([0, 1, 2, 3], p=[0.1, 0.4, 0.4, 0.1]))
                offered = sorted(candidates)
                selected = sorted(rng.choice(offered, min(size, len(offered)), replace=False))
                main = str(rng.choice(selected)) if selected else None
                picture.responses[worker] = ("".join(selected), main)
            picture.offered, picture.answered = "".join(offered), True
            picture.selected_before = sum(picture.chosen.values()) / len(picture.responses)
            found = image_objects(picture.responses.values(), own)
            picture.equals = found.equal_cuts, found.surely_disagrees, found.may_disagree
            picture.unparted = bool(rng.random() < 0.1)
            if not picture.unparted:
                picture.partition = ["".join(each["labels"]) for each in found.objects]
        for model in ("first", "second"):
            says = rng.choice([*LABELS, own])
            picture.tops[model] = None if rng.random() < 0.1 else says
        made.append(picture)
    return made


def fewer_workers(made: list[Picture], least: int) -> list[Picture]:
    """The pictures with the answers of the first workers alone, numbered below `least`."""
    for worker in range(least, WORKERS):
        made = [picture.without(worker) for picture in made]
    return made


def number_of(label: str | None) -> int:
    return -1 if label is None else LABELS.index(label)


def study_of(made: list[Picture], *, contains: bool = True, classify: bool = True) -> Study:
    """The pictures as the report's arrays."""
    pairs = [(n, label) for n, picture in enumerate(made) for label in sorted(picture.pairs)]
    judged = [
        (place, worker, answer)
        for place, (n, label) in enumerate(pairs)
        for worker, answer in made[n].pairs[label].items()
    ]
    said = [
        (n, worker, *answer)
        for n, picture in enumerate(made)
        for worker, answer in picture.responses.items()
    ]
    parts = [
        (n, place, number_of(label))
        for n, picture in enumerate(made)
        for place, labels in enumerate(picture.partition)
        for label in labels
    ]
    pair, worker, answer = np.array(judged, int).reshape(-1, 3).T
    image, place, label = np.array(parts, int).reshape(-1, 3).T
    shown = np.bincount(pair, minlength=len(pairs))
    frequencies = Frequencies(
        np.array([n for n, _ in pairs], int),
        np.array([number_of(label) for _, label in pairs], int),
        np.bincount(pair, answer == YES, len(pairs)).astype(int),
        np.zeros(len(pairs), int),
        shown,
        np.full(len(pairs), np.nan),
        np.full(len(pairs), np.nan),
        pair,
        worker,
        answer,
    )
    selected = [number_of(label) for _, _, labels, _ in said for label in labels]
    responses = Responses(
        np.array([n for n, *_ in said], int),
        np.array([who for _, who, *_ in said], int),
        np.array([number_of(main) for *_, main in said], int),
        np.cumsum([0, *(len(labels) for _, _, labels, _ in said)]),
        np.array(selected, int),
        np.cumsum([0, *(len(made[n].offered) for n, *_ in said)]),
        np.array([number_of(label) for n, *_ in said for label in made[n].offered], int),
        Partitions(
            image,
            place,
            label,
            np.array([picture.unparted for picture in made]),
            np.array([picture.equals for picture in made]).reshape(-1, 3).T,
        ),
    )
    names = sorted({name for picture in made for name in picture.tops})
    superclasses = sorted(set(SUPERCLASSES.values()))
    return Study(
        [picture.key for picture in made],
        list(LABELS),
        [str(worker) for worker in range(WORKERS)],
        np.array([number_of(picture.dataset_label) for picture in made]),
        np.array([picture.group for picture in made]),
        np.array([picture.asked for picture in made]),
        frequencies if contains else None,
        responses if classify else None,
        {
            name: Predictions(
                np.array([[number_of(picture.tops[name])] for picture in made]),
                np.ones((len(made), 1)),
            )
            for name in names
        },
        superclasses,
        np.array(
            [
                superclasses.index(SUPERCLASSES[label]) if label in SUPERCLASSES else -1
                for label in LABELS
            ]
        ),
        rules=Rules(min_judgments=1),
    )


def at(data: Any, pointer: str) -> Any:
    """What a figure's data holds at a JSON pointer."""
    for key in pointer.strip("/").split("/"):
        data = data[int(key)] if isinstance(data, list) else data[key]
    return data


def close(left: Any, right: Any) -> bool:
    """Equal but for rounding."""
    return np.allclose(left, right, rtol=0, atol=1e-12)
