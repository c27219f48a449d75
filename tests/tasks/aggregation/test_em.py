"""EM on integer arrays: compiled and NumPy steps, and what must not matter."""

import numpy as np
import pytest

from tasks.aggregation import packed_judgments, steps
from tasks.aggregation.em import run_em


def planted(seed, pairs=400, workers=15, classes=2, per_pair=9, narrow=True):
    """Workers with confusion matrices of their own; also the truth and the matrices."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(classes, pairs, p=[0.7, *[0.3 / (classes - 1)] * (classes - 1)])
    confusion = rng.dirichlet(np.ones(classes), (workers, classes)) * 0.4
    confusion += 0.6 * np.eye(classes)
    pair = np.repeat(np.arange(pairs), per_pair)
    worker = np.argsort(rng.random((pairs, workers)), axis=1)[:, :per_pair].ravel()
    chances = confusion[worker, truth[pair]].cumsum(axis=1)
    label = (rng.random((pair.size, 1)) > chances).sum(axis=1).clip(max=classes - 1)
    if narrow:
        worker, pair, label = worker.astype(np.uint8), pair.astype(np.int32), label.astype(np.int8)
    return (worker, pair, label, workers, pairs, classes), truth, confusion


def fit(worker, pair, label, workers, pairs, classes, **settings):
    judgments = packed_judgments.pack_judgments(worker, pair, label, workers, pairs, classes)
    return run_em(judgments, pairs, **{"n_iter": 100, "tol": 1e-5} | settings)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("one_coin", [False, True])
def test_compiled_steps_give_the_same_numbers(monkeypatch, classes, one_coin):
    data, truth, _ = planted(1, classes=classes)
    known = np.where(np.arange(truth.size) < 20, truth, -1)
    shuffled = np.random.default_rng(0).permutation(data[0].size)
    rows = tuple(column[shuffled] for column in data[:3])
    for settings in ({}, {"smoothing": 0.5}, {"known": known}):
        monkeypatch.setattr(packed_judgments, "LARGE", 1 << 60)
        few = fit(*rows, *data[3:], one_coin=one_coin, **settings)
        monkeypatch.setattr(packed_judgments, "LARGE", 0)
        many = fit(*rows, *data[3:], one_coin=one_coin, **settings)
        np.testing.assert_allclose(many.posterior, few.posterior, rtol=0, atol=1e-12)
        np.testing.assert_allclose(many.errors, few.errors, rtol=0, atol=1e-12)
        np.testing.assert_allclose(
            many.convergence.history, few.convergence.history, rtol=0, atol=1e-12
        )


def test_chunks_give_the_same_numbers_and_repeat_to_the_bit(monkeypatch):
    data, _, _ = planted(2, pairs=2000)
    monkeypatch.setattr(packed_judgments, "LARGE", 0)
    whole = fit(*data)
    monkeypatch.setattr(steps, "JUDGMENTS_PER_CHUNK", 1000)
    parts = fit(*data)
    assert len(steps.Steps(packed_judgments.pack_judgments(*data), None).chunks) == 18
    np.testing.assert_allclose(parts.posterior, whole.posterior, rtol=0, atol=1e-12)
    for _ in range(3):
        again = fit(*data)
        assert (again.posterior == parts.posterior).all()
        assert again.convergence == parts.convergence
    monkeypatch.setattr(steps, "_cores", lambda: 1)
    assert (fit(*data).posterior == parts.posterior).all()


@pytest.mark.parametrize("classes", [2, 3])
def test_the_order_of_rows_does_not_matter(classes):
    data, _, _ = planted(3, classes=classes)
    sorted_rows = fit(*data)
    shuffled = np.random.default_rng(1).permutation(data[0].size)
    other = fit(*(column[shuffled] for column in data[:3]), *data[3:])
    np.testing.assert_allclose(other.posterior, sorted_rows.posterior, rtol=0, atol=1e-12)
    assert other.convergence.iterations == sorted_rows.convergence.iterations


def test_types_and_blocks_do_not_matter(monkeypatch):
    narrow, _, _ = planted(4)
    wide, _, _ = planted(4, narrow=False)
    expected = fit(*narrow)
    assert (fit(*wide).posterior == expected.posterior).all()
    monkeypatch.setattr(packed_judgments, "BLOCK", 7)
    assert (fit(*narrow).posterior == expected.posterior).all()


def test_names_of_classes_do_not_matter():
    (worker, pair, label, *sizes), _, _ = planted(5)
    as_named = fit(worker, pair, label, *sizes)
    turned = fit(worker, pair, 1 - label, *sizes)
    np.testing.assert_allclose(turned.posterior[:, ::-1], as_named.posterior, rtol=0, atol=1e-12)


def test_pairs_and_workers_without_judgments_take_no_part():
    (worker, pair, label, workers, pairs, _), _, _ = planted(7)
    plain = fit(worker, pair, label, workers, pairs, 2)
    wider = fit(worker + 1, pair * 2 + 1, label, workers + 2, pairs * 2 + 1, 2)
    assert (wider.posterior[1::2] == plain.posterior).all()
    assert (wider.posterior[::2] == plain.priors).all()
    assert (wider.errors == plain.errors).all()


def test_many_possible_codes_of_which_few_occur_are_compacted():
    (worker, pair, label, _, pairs, _), _, _ = planted(8)
    plain = fit(worker, pair, label, 15, pairs, 2)
    sparse = fit(worker.astype(np.int64) * 10**6, pair, label, 15 * 10**6, pairs, 2)
    assert (sparse.posterior == plain.posterior).all()
    assert (sparse.code_worker == plain.code_worker * 10**6).all()


def test_no_judgments_leave_all_classes_equal():
    nothing = fit([], [], [], 2, 3, 2)
    assert (nothing.posterior == 0.5).all()
    assert nothing.convergence.iterations == 0
    assert fit([], [], [], 0, 0, 0).posterior.shape == (0, 0)


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        (([2], [0], [0]), "worker index"),
        (([0], [-1], [0]), "pair index"),
        (([0], [0], [2]), "label index"),
        (([0, 1], [0], [0]), "same length"),
        (([0.5], [0], [0]), "must be integers"),
        (([[0]], [[0]], [[0]]), "flat arrays"),
    ],
)
def test_bad_indices_are_refused(rows, complaint):
    with pytest.raises(ValueError, match=complaint):
        fit(*rows, 2, 1, 2)
