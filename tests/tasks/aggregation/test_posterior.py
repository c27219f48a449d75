"""The posterior of a pair (rule A1): by hand, by plain steps, and by other programs."""

import csv
import math
from collections import defaultdict

import numpy as np
import pytest

from tasks.aggregation import fit_posteriors
from tasks.aggregation.posterior import TAUS
from tests.studies.beside import folder

NO, YES, MAYBE = 0, 1, 2
REFERENCE = folder("REFERENCE", "posterior/easy.csv")


def simulated(seed=0, pairs=400, workers=15, per_pair=7, difficulty=0.0, maybe=0.0):
    """(arrays as fit_posteriors takes them), and the truth of each pair."""
    rng = np.random.default_rng(seed)
    truth = rng.random(pairs) < 0.3
    pair = np.repeat(np.arange(pairs), per_pair)
    worker = np.argsort(rng.random((pairs, workers)), axis=1)[:, :per_pair].ravel()
    leaning = np.where(truth, 1.5, -1.5) + rng.normal(0, difficulty, pairs)
    odds = leaning[pair] + rng.normal(0, 0.8, workers)[worker]
    answer = (rng.random(pair.size) < 1 / (1 + np.exp(-odds))).astype(int)
    answer[rng.random(pair.size) < maybe] = MAYBE
    return (worker, pair, answer, workers, pairs), truth


class PlainSteps:
    """The rule word by word, one answer at a time."""

    def __init__(self, worker, pair, answer, tau):
        self.tau = tau
        self.answers = defaultdict(list)
        for w, p, a in zip(worker.tolist(), pair.tolist(), answer.tolist(), strict=True):
            self.answers[p].append((w, a))
        said = {NO: 0.0, YES: 1.0, MAYBE: 0.5}
        self.q = {p: sum(said[a] for _, a in of) / len(of) for p, of in self.answers.items()}
        moved = 1.0
        while moved > 1e-9:
            self.learn()
            q = {p: self.posterior(of) for p, of in self.answers.items()}
            moved = max(abs(q[p] - self.q[p]) for p in q)
            self.q = q

    def learn(self):
        self.prior = sum(self.q.values()) / len(self.q)
        self.chance = {}
        for state in (True, False):
            own, of_all = defaultdict(lambda: [0.0, 0.0, 0.0]), [0.0, 0.0, 0.0]
            for p, of in self.answers.items():
                for w, a in of:
                    own[w][a] += self.q[p] if state else 1 - self.q[p]
                    of_all[a] += self.q[p] if state else 1 - self.q[p]
            for w, counts in own.items():
                for a in (NO, YES, MAYBE):
                    borrowed = 5 * of_all[a] / sum(of_all)
                    self.chance[w, state, a] = (counts[a] + borrowed) / (sum(counts) + 5)

    def posterior(self, of):
        present = self.prior * math.prod(self.chance[w, True, a] for w, a in of) ** self.tau
        absent = (1 - self.prior) * math.prod(self.chance[w, False, a] for w, a in of) ** self.tau
        return present / (present + absent)

    def mean_log_prediction(self):
        logs = []
        for of in self.answers.values():
            for number, (w, a) in enumerate(of):
                q = self.posterior(of[:number] + of[number + 1 :])
                logs.append(
                    math.log(q * self.chance[w, True, a] + (1 - q) * self.chance[w, False, a])
                )
        return sum(logs) / len(logs)


def test_sixteen_pairs_by_hand():
    """Two workers agree on yes 5 times and on no 5 times; of 6 pairs each says yes to 3.

    They are alike, so what they borrow of each other changes nothing. With sensitivity and
    specificity s, a prior of 1/2 and x the posterior where both say yes: x = s^2 / (s^2 + (1-s)^2),
    and s = (10 x + 3) / 16, since 10 yes have weight x and 6 a half. So s = 3/4, x = 9/10. The
    chance that they agree is s^2 + (1-s)^2 = 10/16, as seen: no tau predicts answers better.
    """
    both = [(YES, YES)] * 5 + [(NO, NO)] * 5 + [(YES, NO)] * 3 + [(NO, YES)] * 3
    fit = fit_posteriors([0, 1] * 16, np.repeat(np.arange(16), 2), np.ravel(both), 2, 16)
    assert fit.tau == 1.0
    expected = [0.9] * 5 + [0.1] * 5 + [0.5] * 6
    np.testing.assert_allclose(fit.posterior, expected, rtol=0, atol=1e-6)
    assert fit.prior == pytest.approx(0.5)
    absent, present = fit.probabilities
    np.testing.assert_allclose(present, [[0.25, 0.75, 0]] * 2, atol=1e-6)
    np.testing.assert_allclose(absent, [[0.75, 0.25, 0]] * 2, atol=1e-6)
    np.testing.assert_allclose(fit.counts[1], [[2, 6, 0]] * 2, atol=1e-5)


@pytest.mark.parametrize("maybe", [0.0, 0.2])
def test_the_rule_word_by_word_gives_the_same(maybe):
    data, _ = simulated(pairs=60, workers=9, difficulty=2.0, maybe=maybe)
    worker, pair, answer = (column[::-2] for column in data[:3])  # every other one, backwards
    pair = 2 * pair
    plain = {tau: PlainSteps(worker, pair, answer, tau) for tau in (1.0, 0.75, 0.5)}
    for tau, steps in plain.items():
        fit = fit_posteriors(worker, pair, answer, 10, 120, taus=[tau])
        prior = sum(steps.q.values()) / len(steps.q)
        expected = [steps.q.get(number, prior) for number in range(120)]
        np.testing.assert_allclose(fit.posterior, expected, rtol=0, atol=1e-5)
        assert fit.prior == pytest.approx(prior, abs=1e-5)
    best = max(plain, key=lambda tau: plain[tau].mean_log_prediction())
    assert fit_posteriors(worker, pair, answer, 10, 120, taus=list(plain)).tau == best


def test_eleven_weights_are_tried():
    assert TAUS == (1.0, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.55, 0.5)


@pytest.mark.parametrize(("answer", "posterior"), [(NO, 0.0), (YES, 1.0), (MAYBE, 0.5)])
def test_where_all_give_one_answer_it_is_what_they_say(answer, posterior):
    fit = fit_posteriors([0, 1, 2, 0], [0, 0, 0, 1], [answer] * 4, 3, 3)
    np.testing.assert_allclose(fit.posterior, posterior, rtol=0, atol=1e-9)
    assert (fit.tau, fit.arrival.converged) == (1.0, True)


def test_without_judgments_nothing_is_known():
    fit = fit_posteriors([], [], [], 2, 3)
    assert np.isnan(fit.posterior).all()
    assert np.isnan(fit.prior)
    assert not fit.counts.any()


def test_yes_and_no_are_treated_alike():
    (worker, pair, answer, *sizes), _ = simulated(2, difficulty=1.5, maybe=0.1)
    turned = np.array([YES, NO, MAYBE])[answer]
    fit, other = (fit_posteriors(worker, pair, said, *sizes) for said in (answer, turned))
    assert fit.tau == other.tau < 1
    np.testing.assert_allclose(1 - other.posterior, fit.posterior, rtol=0, atol=1e-6)
    np.testing.assert_allclose(other.counts[::-1, :, [1, 0, 2]], fit.counts, rtol=0, atol=1e-3)


def test_independent_answers_keep_their_weight_and_difficult_pictures_take_some_of_it():
    independent, _ = simulated(3, pairs=3000, workers=40)
    assert fit_posteriors(*independent).tau == 1.0
    difficult, truth = simulated(3, pairs=3000, workers=40, difficulty=1.8)
    fit = fit_posteriors(*difficult)
    assert fit.tau <= 0.8

    def log_loss(posterior):
        return -np.log(np.where(truth, posterior, 1 - posterior)).mean()

    untempered = fit_posteriors(*difficult, taus=[1.0])
    assert log_loss(fit.posterior) < 0.9 * log_loss(untempered.posterior)


@pytest.mark.skipif(
    REFERENCE is None,
    reason="no results of other programs: name their folder in the environment variable REFERENCE",
)
@pytest.mark.parametrize(("study", "tau"), [("easy", 1.0), ("hard", 0.6)])
def test_other_programs_give_the_same(study, tau):
    assert REFERENCE is not None
    rows, wanted = (
        list(csv.DictReader((REFERENCE / "posterior" / name).open(newline="")))
        for name in (f"{study}.csv", f"{study}-expected.csv")
    )
    pairs = {(row["image"], row["label"]): number for number, row in enumerate(wanted)}
    workers = sorted({row["worker"] for row in rows})
    fit = fit_posteriors(
        [workers.index(row["worker"]) for row in rows],
        [pairs[row["image"], row["label"]] for row in rows],
        [("false", "true", "maybe").index(row["selected"]) for row in rows],
        len(workers),
        len(pairs),
    )
    assert fit.tau == tau
    expected = [float(row["posterior"]) for row in wanted]
    np.testing.assert_allclose(fit.posterior, expected, rtol=0, atol=1e-6)
