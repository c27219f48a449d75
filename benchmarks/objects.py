"""Times the objects of many images: num_objects, main label and exact max-k-cut, on one core.

Each image shows one to four objects, each named by one to three of the labels offered. Workers
check one name of most objects, sometimes another label too, and a few workers check everything.
The partitions of images with up to 7 labels are then compared with brute force over all of them.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

# In place of this folder, whose coverage.py hides the package of its name.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from tasks.aggregation import ImageObjects, Response, image_objects

Partition = list[list[str]]


def responses_on_image(rng: np.random.Generator, offered: int, workers: int) -> list[Response]:
    labels = [f"n{number:08d}" for number in rng.choice(10**8, offered, replace=False)]
    names = rng.permutation(labels).tolist()
    things = []
    for _ in range(rng.choice([1, 2, 3, 4], p=[0.5, 0.3, 0.15, 0.05])):
        things.append([names.pop() for _ in range(min(int(rng.integers(1, 4)), len(names)))])
    things = [thing for thing in things if thing]
    responses = []
    for _ in range(workers):
        selected = [str(rng.choice(thing)) for thing in things if rng.random() < 0.85]
        if rng.random() < 0.15:
            selected.append(str(rng.choice(labels)))
        if rng.random() < 0.02:
            selected = labels
        selected = list(dict.fromkeys(selected))
        responses.append(Response(selected, selected[0] if selected else None))
    return responses


def all_partitions(labels: list[str]) -> Iterator[Partition]:
    if not labels:
        yield []
        return
    first, *rest = labels
    for partition in all_partitions(rest):
        yield [[first], *partition]
        for place, group in enumerate(partition):
            yield [*partition[:place], [first, *group], *partition[place + 1 :]]


def by_brute_force(responses: list[Response], k: int, labels: list[str]) -> Partition:
    def inner(partition: Partition) -> int:
        pairs = 0
        for response in responses:
            for group in partition:
                together = sum(label in group for label in response.selected)
                pairs += together * (together - 1) // 2
        return pairs

    partitions = (sorted(map(sorted, p)) for p in all_partitions(labels) if len(p) == k)
    return min((inner(partition), partition) for partition in partitions)[1]


def is_right(responses: list[Response], result: ImageObjects) -> bool:
    partition = sorted(sorted(thing["labels"]) for thing in result.objects)
    labels = sorted(label for group in partition for label in group)
    return partition == by_brute_force(responses, result.num_objects or 0, labels)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=9, help="responses on each image")
    parser.add_argument("--offered", type=int, default=6, help="labels offered on each image")
    parser.add_argument("--check", type=int, default=1_000, help="images to compare, at most")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

    rng = np.random.default_rng(options.seed)
    images = [
        responses_on_image(rng, options.offered, options.workers) for _ in range(options.images)
    ]
    start = time.perf_counter()
    results = [image_objects(responses, responses[0].main) for responses in images]
    seconds = time.perf_counter() - start

    multi = sum(result.is_multi_object for result in results)
    most = max(sum(len(thing["labels"]) for thing in result.objects) for result in results)
    print(f"{multi:,} of {len(results):,} images are multi-object; up to {most} labels on an image")
    small = (
        (responses, result)
        for responses, result in zip(images, results, strict=True)
        if result.is_multi_object and sum(len(thing["labels"]) for thing in result.objects) <= 7
    )
    checked = [is_right(*each) for each in islice(small, options.check)]
    print(f"{sum(checked):,} of {len(checked):,} partitions are those of brute force")
    if not all(checked):
        raise SystemExit("the partitions differ")
    print(f"objects of {len(results):,} images, one core: {seconds:.2f} s (goal: under 5 s)")


if __name__ == "__main__":
    main()
