"""What score.py reads of a study: score.npz, the people's answers without the people.

Images, labels and workers are numbers. The file holds the keys of images and labels, which
predictions are matched by; of workers it holds nothing but which answers are the same person's.
"""

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from annotation.report.arrays import YES, Study
from annotation.report.figures.r05_main_object import disagreement
from annotation.report.figures.r08_labels import offered_pairs
from annotation.report.scoring import score
from annotation.report.without import Objects

Arrays = dict[str, NDArray[Any]]


def scoring_files(
    study: Study, others: Iterable[str], orders: Mapping[int, Sequence[str]] = MappingProxyType({})
) -> Iterator[tuple[str, bytes]]:
    """(name, content) of score.py and score.npz.

    others: keys of images of the dataset that are not the study's; predictions may hold them.
    orders: the label keys of classes that a file of logits does not name, by their number.
    """
    yield "score.py", Path(score.__file__).read_bytes()
    file = io.BytesIO()
    np.savez_compressed(file, **arrays_of(study, others, orders))  # type: ignore[arg-type]
    yield "score.npz", file.getvalue()


def arrays_of(study: Study, others: Iterable[str], orders: Mapping[int, Sequence[str]]) -> Arrays:
    """The arrays of score.npz.

    images, labels, others, classes_C: keys. dataset_label (N,). t (N + 1,): Student's quantile at
    97.5 % with G - 1 degrees of freedom, at G. The rest as `_classify` and `_contains` say.
    """
    arrays = {
        "images": np.array(study.images, str),
        "labels": np.array(study.labels, str),
        "others": np.array(sorted(others), str),
        "dataset_label": _small(study.dataset_label),
        "t": special.stdtrit(np.maximum(np.arange(study.n + 1) - 1, 1), 0.975),
        **{f"classes_{number}": np.array(keys, str) for number, keys in orders.items()},
    }
    if study.classify is not None:
        arrays |= _classify(study)
    if study.contains is not None:
        arrays |= _contains(study)
    return arrays


def _classify(study: Study) -> Arrays:
    """Of N images, R responses, and E entries: the labels of their objects, by image.

    num_objects, main_label (N,): by all responses; response_... (R,): of the response's image
    without it, num_objects -1 where none is left. flags (E,): bits that say of an entry what
    score.py names them; response_flags: without each response, of all entries of its image. apart:
    the main object is not the dataset label's. draw, weights (N,): as the study's; weights empty
    where there are none. offered_image, offered_label: the pairs offered, each once.
    """
    responses, objects = study.responses, study.objects
    apart = disagreement(study)
    assert apart.without is not None
    width = len(study.labels)
    offered = study.once(offered_pairs)
    return {
        "fu": study.fu,
        "easy": study.easy,
        "unparted": responses.parted.unparted,
        "weights": np.zeros(0) if study.weights is None else study.weights,
        "draw": _small(study.draw),
        "lone_draw": np.array(study.lone_draw),
        "num_objects": _small(objects.num_objects),
        "main_label": _small(objects.main_label),
        "apart": apart.now,
        "response_image": _small(responses.image),
        "response_worker": _small(responses.worker),
        "response_num_objects": _small(study.without.num_objects),
        "response_main_label": _small(study.without.main_label),
        "response_apart": apart.without,
        "entry_image": _small(objects.unit),
        "entry_label": _small(objects.label),
        "entry_place": _small(objects.place),
        "flags": _flags(study, objects, 0),
        "response_flags": _flags(study, study.without, 1),
        "offered_image": _small(offered // width),
        "offered_label": _small(offered % width),
    }


def _flags(study: Study, objects: Objects, left_out: int) -> NDArray[np.uint8]:
    """What holds of each entry of these objects, which `left_out` responses are missing from."""
    unit = objects.unit
    responses = np.bincount(study.responses.image, minlength=study.n)[objects.image] - left_out
    some = objects.num_objects[unit] > 0
    said = {
        score.ANY: some,
        score.HALF: some & (2 * objects.chosen >= responses[unit]),
        score.NAME: some & (objects.label == objects.name),
        score.MAIN_OBJECT: objects.place == objects.main_object[unit],
        score.DATASET_OBJECT: objects.place == objects.dataset_object[unit],
    }
    return sum(flag * holds.astype(np.uint8) for flag, holds in said.items()).astype(np.uint8)


def _contains(study: Study) -> Arrays:
    """Of the pairs that workers were shown, also later: pair_image, pair_label, pair_shown (how
    many workers), pair_first (the study's own campaign asked it), pair_likely (and its posterior is
    above one half); answer_worker, answer_yes (bits): their answers, pair by pair."""
    contains, own = study.with_added.frequencies, study.frequencies
    width = len(study.labels)
    code = contains.image.astype(np.int64) * width + contains.label
    own_code = own.image.astype(np.int64) * width + own.label
    first = own.shown > 0
    likely = first & (own.posterior > 0.5)
    # Equal sums mean the same workers: whole numbers, which float64 adds exactly.
    drawn = np.random.default_rng(0).integers(2**40, size=len(study.workers)).astype(float)
    sums = np.bincount(contains.pair, drawn[contains.worker], code.size)
    pairs = np.lexsort([code, contains.label, sums])
    pairs = pairs[contains.shown[pairs] > 0]
    place = np.full(code.size, -1)
    place[pairs] = np.arange(pairs.size)
    answers = place[contains.pair] * len(study.workers) + contains.worker
    answers = np.sort(2 * answers + (contains.answer == YES))
    return {
        "pair_image": _small(contains.image[pairs]),
        "pair_label": _small(contains.label[pairs]),
        "pair_shown": _small(contains.shown[pairs]),
        "pair_first": np.isin(code[pairs], own_code[first]),
        "pair_likely": np.isin(code[pairs], own_code[likely]),
        "answer_worker": _small(answers // 2 % len(study.workers)),
        "answer_yes": np.packbits(answers % 2 == 1),
    }


def _small(values: Any) -> NDArray[Any]:
    """Whole numbers in the smallest type that holds them."""
    values = np.asarray(values)
    least, most = int(values.min(initial=0)), int(values.max(initial=0))
    kinds = (np.int8, np.int16, np.int32, np.int64)
    fits = (k for k in kinds if np.iinfo(k).min <= least and most <= np.iinfo(k).max)
    return values.astype(next(fits))
