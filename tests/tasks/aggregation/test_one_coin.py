"""EM over each image's own candidates."""

import numpy as np
import pytest

from tasks.aggregation import OneCoinDawidSkene, fit_one_coin


def planted(seed, images=500, workers=12, per_image=9):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 7, images)
    begin = np.concatenate([[0], sizes.cumsum()])
    candidate_image = np.repeat(np.arange(images), sizes)
    truth = begin[:-1] + rng.integers(0, sizes)
    skill = rng.uniform(0.4, 0.95, workers)
    worker = np.argsort(rng.random((images, workers)), axis=1)[:, :per_image].ravel()
    image = np.repeat(np.arange(images), per_image)
    wrong = begin[image] + rng.integers(0, np.maximum(sizes[image] - 1, 1))
    wrong += (wrong >= truth[image]) & (sizes[image] > 1)
    choice = np.where(rng.random(image.size) < skill[worker], truth[image], wrong)
    return worker, choice, candidate_image, truth, skill


def test_planted_main_labels_and_skills_are_recovered():
    worker, choice, candidate_image, truth, skill = planted(0)
    fit = fit_one_coin(worker, choice, candidate_image, 12)
    assert (fit.posterior[truth] > 0.5).mean() > 0.97
    assert np.abs(fit.skill - skill).max() < 0.07
    np.testing.assert_allclose(np.bincount(candidate_image, fit.posterior), 1)
    assert fit.arrival.converged


def test_a_good_worker_outweighs_two_poor_ones():
    worker, choice, candidate_image, _, _ = planted(1)
    skill = np.full(12, 0.35)
    skill[0] = 0.99
    rng = np.random.default_rng(1)
    sizes = np.bincount(candidate_image)
    begin = np.concatenate([[0], sizes.cumsum()])[:-1]
    image = candidate_image[choice]
    noise = begin[image] + rng.integers(0, sizes[image])
    choice = np.where(rng.random(choice.size) < skill[worker], begin[image], noise)
    fit = fit_one_coin(worker, choice, candidate_image, 12)
    assert fit.skill[0] == fit.skill.max()
    assert fit.skill[0] > 0.95


def test_with_the_same_candidates_everywhere_it_is_the_one_coin_model_of_equal_priors():
    rng = np.random.default_rng(2)
    images, per_image = 200, 7
    truth = np.arange(images) % 2
    worker = np.tile(np.arange(per_image), images)
    image = np.repeat(np.arange(images), per_image)
    right = rng.random(image.size) < np.linspace(0.6, 0.95, per_image)[worker]
    label = np.where(right, truth[image], 1 - truth[image])
    own = fit_one_coin(worker, image * 2 + label, np.repeat(np.arange(images), 2), per_image)
    pooled = OneCoinDawidSkene().fit({"task": image, "worker": worker, "label": label})
    np.testing.assert_allclose(own.skill, pooled.skills_, atol=0.01)
    assert ((own.posterior[1::2] > 0.5) == (pooled.probas_[1] > 0.5)).mean() > 0.98


def test_an_image_of_one_candidate_tells_nothing_of_a_worker():
    # Worker 1 has answered on image 1 only, which has one candidate.
    fit = fit_one_coin([0, 0, 1], [0, 3, 2], [0, 0, 1, 2, 2], 2)
    assert fit.posterior[2] == 1
    assert fit.skill[1] == pytest.approx(fit.skill[0])


def test_an_image_without_answers_keeps_its_candidates_equal():
    fit = fit_one_coin([0, 1], [0, 0], [0, 0, 1, 1, 1], 2)
    np.testing.assert_allclose(fit.posterior[2:], 1 / 3)
    assert fit.posterior[0] > 0.999


def test_nothing_to_fit_is_defined():
    assert fit_one_coin([], [], [], 2).skill.tolist() == [0.5, 0.5]
    assert fit_one_coin([], [], [0, 0], 1).posterior.tolist() == [0.5, 0.5]


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="ascending order"):
        fit_one_coin([0], [0], [1, 0], 1)
    with pytest.raises(ValueError, match="choice index"):
        fit_one_coin([0], [2], [0, 0], 1)
    with pytest.raises(ValueError, match="worker index"):
        fit_one_coin([1], [0], [0, 0], 1)
