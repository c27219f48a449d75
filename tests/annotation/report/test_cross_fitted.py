"""Halves of workers, and the figures that compare them, against plain loops."""

from collections import Counter

import numpy as np
import pytest

from annotation.report import splits
from annotation.report.figures.r07_rivals import r7
from annotation.report.figures.r12_main_label import r12
from annotation.report.figures.r17_accepted import r17
from annotation.report.splits import SPLITS
from tasks.aggregation.follow_up import Candidate, labels_to_offer
from tests.studies.made_up_studies import LABELS, pictures, study_of

SEED = 0


@pytest.fixture(scope="module", params=range(3))
def made(request):
    return pictures(200 + request.param, 40)


def halves(made, split):
    """Of each picture, the workers of half A by the rule, pair by pair in order of label."""
    draw = iter(np.random.default_rng([SEED, split]).random(10_000))
    result = []
    for picture in made:
        # In the order of the arrays answers are submitted label by label.
        order = [who for label in sorted(picture.pairs) for who in picture.pairs[label]]
        u = {who: next(draw) for who in dict.fromkeys(order)}
        a, b = set(), set()
        for label in sorted(picture.pairs):
            workers = set(picture.pairs[label])
            lacking = len(workers) // 2 - len(workers & a)
            for who in sorted(workers - a - b, key=u.__getitem__):
                (a if lacking > 0 else b).add(who)
                lacking -= 1
        result.append(a)
    return result


def half_of(picture, workers, inside):
    """(selected, shown) of each label by the answers of one half."""
    return {
        label: (
            sum(said == 1 for who, said in answers.items() if (who in workers) == inside),
            sum((who in workers) == inside for who in answers),
        )
        for label, answers in picture.pairs.items()
    }


def frequency(counts):
    return counts[0] / counts[1] if counts[1] else None


def rival_of(picture, a):
    sf = {label: frequency(counts) for label, counts in half_of(picture, a, True).items()}
    others = [label for label, f in sf.items() if f is not None and label != picture.dataset_label]
    return min(others, key=lambda label: (-sf[label], label), default=None)


def test_halves_are_grown_pair_by_pair(made):
    study = study_of(made)
    pairs = [(n, label) for n, picture in enumerate(made) for label in sorted(picture.pairs)]
    for split in range(SPLITS):
        wanted = halves(made, split)
        counts = [half_of(made[n], wanted[n], True)[label] for n, label in pairs]
        assert list(zip(*study.contains_halves[split].tolist(), strict=True)) == counts


def test_the_compiled_loop_does_the_same(made, monkeypatch):
    plain = study_of(made).contains_halves
    monkeypatch.setattr(splits, "LARGE", 0)
    assert study_of(made).contains_halves.tolist() == plain.tolist()


@pytest.mark.parametrize(("name", "t"), [("0.5", 0.5), ("0.75", 0.75), ("1.0", 1.0)])
def test_a_rival_chosen_by_one_half_is_compared_by_the_other(made, name, t):
    ratios = []
    for split in range(SPLITS):
        counted = rivalled = 0
        for picture, a in zip(made, halves(made, split), strict=True):
            if not picture.sf(picture.dataset_label):
                continue
            rest = half_of(picture, a, False)
            own, rival = frequency(rest[picture.dataset_label]), rival_of(picture, a)
            if not own or (rival and frequency(rest[rival]) is None):
                continue
            counted += 1
            rivalled += bool(rival) and frequency(rest[rival]) >= t * own - 1e-12
        ratios.append(rivalled / counted)
    found = r7(study_of(made)).data["thresholds"][name]
    assert found["cross_fitted"].value == pytest.approx(np.mean(ratios), abs=1e-12)
    assert abs(found["cross_fitted"].value - found["fraction_with_another"].value) > 1e-6


def test_labels_offered_by_one_half_are_accepted_by_the_other(made):
    study = study_of(made)
    means = []
    for split in range(SPLITS):
        differences = []
        for picture, a in zip(made, halves(made, split), strict=True):
            if not picture.is_fu:
                continue
            first, rest = half_of(picture, a, True), half_of(picture, a, False)
            candidates = [
                Candidate(label, *counts, is_dataset_label=label == picture.dataset_label)
                for label, counts in first.items()
            ]
            would = set(labels_to_offer(candidates)) & set(picture.offered)
            shown = [label for label in would if rest[label][1]]
            selected = [
                sum(label in labels for label in shown) for labels, _ in picture.responses.values()
            ]
            differences.append(sum(frequency(rest[label]) for label in shown) - np.mean(selected))
        means.append(np.mean(differences))
    found = r17(study).data["cross_fitted"]
    assert found.value == pytest.approx(np.mean(means), abs=1e-12)
    assert set(study.labels) == set(LABELS)


def main_of(picture, workers):
    mains = [main for who, (_, main) in picture.responses.items() if who in workers]
    return Counter(mains).most_common(1)[0][0] if mains else "nobody"


def test_two_halves_name_the_same_main_label(made):
    study = study_of(made)
    same, changes = [], {}
    said = sum(len(picture.responses) for picture in made)
    followed_up = [picture.is_fu and len(picture.responses) > 1 for picture in made]
    for split in range(SPLITS):
        draw = iter(np.random.default_rng([SEED, split]).random(said))
        for number, picture in enumerate(made):
            u = {who: next(draw) for who in picture.responses}
            if not followed_up[number]:
                continue
            a = set(sorted(u, key=u.__getitem__)[: len(u) // 2])
            halves = [a, set(u) - a]
            agreed = main_of(picture, halves[0]) == main_of(picture, halves[1])
            same.append(agreed)
            for who in u:
                left = [main_of(picture, half - {who}) for half in halves]
                if "nobody" not in left:
                    change = (left[0] == left[1]) - agreed
                    changes[number, who] = changes.get((number, who), 0) + change / SPLITS
    found = r12(study).data["split_half"]
    assert found.value == pytest.approx(np.mean(same), abs=1e-12)
    panel = found.panel
    cells = zip(panel.image[found.cell], panel.worker[found.cell], strict=True)
    moved = dict(zip(cells, found.change * sum(followed_up), strict=True))
    assert any(changes.values())
    for cell, change in moved.items():
        assert change == pytest.approx(changes.get(cell, 0.0), abs=1e-12)
    assert all(cell in moved for cell, change in changes.items() if change)
