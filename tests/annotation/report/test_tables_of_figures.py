"""The figures' tables (R2, R9, R13), which have no intervals, against plain loops."""

from collections import Counter, defaultdict

import numpy as np
import pytest

from annotation.report.figures.r02_beside import r2
from annotation.report.figures.r09_pairs import r9
from annotation.report.figures.r13_classes import r13
from tests.studies.made_up_studies import LABELS, pictures, study_of


@pytest.fixture(scope="module", params=range(3))
def made(request):
    return pictures(100 + request.param, 120)


def settled(picture):
    return picture.is_easy or picture.is_fu


def test_other_objects_beside_a_dataset_label(made):
    of = Counter(p.dataset_label for p in made if settled(p) and p.dataset_label)
    beside = Counter()
    for picture in made:
        if not picture.is_fu or not picture.dataset_label or not picture.num_objects:
            continue
        for labels, name in zip(picture.partition, picture.names, strict=True):
            if labels != picture.dataset_object:
                beside[picture.dataset_label, name] += 1
    found = r2(study_of(made)).data
    assert (found["pairs"], found["images"]) == (len(beside), beside.total())
    rows = sorted((-n / of[d], -n, d, o) for (d, o), n in beside.items() if n >= 3)
    assert [
        (row["dataset_label"], row["other"], row["images"], row["of"]) for row in found["top"]
    ] == [(d, o, -n, of[d]) for _, n, d, o in rows[:30]]
    # The beta-binomial by moments, cell by cell.
    others = {o for _, o in beside}
    cells = [(of[d], beside[d, o]) for d in of if of[d] >= 3 for o in others if o != d]
    total = sum(n for n, _ in cells)
    p0 = sum(x for _, x in cells) / total
    spread = sum(n * (x / n - p0) ** 2 for n, x in cells)
    k = len(cells)
    rho = (spread / (p0 * (1 - p0)) - (k - 1)) / (
        total - sum(n * n for n, _ in cells) / total - (k - 1)
    )
    for row in found["top"]:
        c = max(1, 1 / rho - 1) if rho > 0 else None
        wanted = p0 if c is None else (row["images"] + c * p0) / (row["of"] + c)
        assert row["p_shrunk"] == pytest.approx(wanted, abs=1e-12)


def accepted(picture, label):
    answers = list(picture.pairs.get(label, {}).values())
    return bool(answers) and 2 * answers.count(1) >= len(answers)


def both_of(made):
    both = defaultdict(list)
    for picture in made:
        d = picture.dataset_label
        if d and accepted(picture, d):
            for label in picture.pairs:
                if label != d and accepted(picture, label):
                    both[min(d, label), max(d, label)].append(picture)
    return both


def listed(counts, of):
    rows = sorted((-n / of[pair], -n, pair) for pair, n in counts.items() if n >= 3)
    return [pair for *_, pair in rows[:30]]


def test_pairs_of_labels_that_are_selected_together(made):
    both = both_of(made)
    of = {pair: [picture for picture in made if picture.dataset_label in pair] for pair in both}
    counts = {pair: len(images) for pair, images in both.items()}
    found = r9(study_of(made)).data
    assert found["pairs"] == sum(n >= 3 for n in counts.values())
    wanted = listed(counts, {pair: len(images) for pair, images in of.items()})
    assert [(row["a"], row["b"]) for row in found["top"]] == wanted
    assert wanted
    for row in found["top"]:
        pair = row["a"], row["b"]
        assert (row["both"], row["images"]) == (counts[pair], len(of[pair]))
        answered = [picture for picture in both[pair] if picture.responses]
        one = [
            picture.num_objects == 1
            or (
                bool(picture.num_objects)
                and any(set(pair) <= set(labels) for labels in picture.partition)
            )
            for picture in answered
        ]
        assert row["one_object"] == (pytest.approx(np.mean(one)) if one else None)
        known = [picture for picture in of[pair] if picture.tops["first"]]
        points = [
            1.0
            if picture.tops["first"] == picture.dataset_label
            else 0.0
            if picture.tops["first"] in pair
            else 0.5
            for picture in known
        ]
        assert row["models"]["first"] == {
            "accuracy": pytest.approx(np.mean(points)),
            "coin_flips": points.count(0.5),
        }
    halves = [
        {
            pair: sum(of[pair].index(p) % 2 == parity for p in images)
            for pair, images in both.items()
        }
        for parity in (0, 1)
    ]
    even = {pair: (len(images) + 1) // 2 for pair, images in of.items()}
    wanted = listed(halves[0], even)
    assert [(row["a"], row["b"]) for row in found["top_cross"]] == wanted
    for row in found["top_cross"]:
        pair = row["a"], row["b"]
        assert row["share_even_half"] == pytest.approx(halves[0][pair] / even[pair])
        assert row["share_other_half"] == pytest.approx(
            halves[1][pair] / (len(of[pair]) - even[pair])
        )


def test_classes_one_by_one(made):
    found = r13(study_of(made)).data

    def mean(values):
        values = [value for value in values if value is not None]
        return pytest.approx(np.mean(values)) if values else None

    rows = {row["label"]: row for row in found["classes"]}
    assert list(rows) == sorted({p.dataset_label for p in made if p.dataset_label})
    for label, row in rows.items():
        images = [picture for picture in made if picture.dataset_label == label]
        modal = [
            Counter(main for _, main in picture.responses.values()).most_common(1)[0][1]
            / len(picture.responses)
            for picture in images
            if picture.is_fu
        ]
        assert (row["images"], row["fu"]) == (len(images), len(modal))
        assert row["sf"] == mean(picture.sf(label) for picture in images)
        assert row["agreement"] == mean(modal)
        known = [picture for picture in images if picture.tops["second"]]
        assert row["models"]["second"] == {
            "accuracy": mean(float(picture.tops["second"] == label) for picture in known),
            "sf": mean(picture.sf(picture.tops["second"]) for picture in images),
        }
    means = found["mean_over_classes"]
    assert set(means) == {"sf", "agreement"} | {
        f"{key}_{name}" for key in ("accuracy", "sf") for name in ("first", "second")
    }
    assert means["agreement"] == mean(row["agreement"] for row in rows.values())
    assert set(rows) <= set(LABELS)
