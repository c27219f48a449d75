"""B2: posteriors of dataset labels by the rule's formulae, and lists of images by hand."""

from dataclasses import replace
from math import exp, log

import numpy as np
import pytest

from annotation.report.arrays import EASY, FU, MAYBE
from annotation.report.figures.b2_label_errors import b2
from tasks.aggregation import fit_posteriors
from tests.studies.made_up_studies import Picture, fewer_workers, pictures, study_of


def fitted(made, **options):
    """The study with the posteriors that aggregation would store, and what it does not store."""
    study = study_of(made, **options)
    contains = study.contains
    maybe = np.arange(contains.answer.size) % 7 == 0
    contains = replace(contains, answer=np.where(maybe, MAYBE, contains.answer))
    selected = np.bincount(contains.pair, contains.answer == 1, contains.image.size).astype(int)
    fit = fit_posteriors(
        contains.worker, contains.pair, contains.answer, len(study.workers), contains.image.size
    )
    contains = replace(contains, selected=selected, posterior=fit.posterior)
    return replace(study, contains=contains, fit={"tau": fit.tau}), fit


@pytest.mark.parametrize("seed", range(3))
def test_posteriors_under_a_prior_of_the_dataset_labels(seed):
    study, fit = fitted(pictures(seed, 50), classify=False)
    contains = study.contains
    answers = {}  # by image: (worker, answer) on the dataset label
    for pair, worker, answer in zip(contains.pair, contains.worker, contains.answer, strict=True):
        image = int(contains.image[pair])
        if contains.label[pair] == study.dataset_label[image]:
            answers.setdefault(image, []).append((int(worker), int(answer)))

    def posterior(said, prior):
        absent, present = (
            sum(log(fit.probabilities[state, worker, answer]) for worker, answer in said)
            for state in (0, 1)
        )
        odds = log(prior / (1 - prior)) + fit.tau * (present - absent)
        return 1 / (1 + exp(-odds))

    prior, moved = 0.9, 1.0
    while moved >= 1e-9:
        p = {image: posterior(said, prior) for image, said in answers.items()}
        moved, prior = abs(prior - np.mean(list(p.values()))), np.mean(list(p.values()))
    figure = b2(study)
    estimate = figure.data["rates"]["wrong"]
    n = len(p)
    assert estimate.value == pytest.approx(1 - prior, abs=1e-6)
    apart = [1 - value - (1 - prior) for value in p.values()]
    assert np.allclose(estimate.effect[list(p)] * n, apart, atol=1e-6)
    panel = estimate.panel
    cells = zip(panel.image[estimate.cell], panel.worker[estimate.cell], strict=True)
    changes = dict(zip(cells, estimate.change * n, strict=True))
    for image, said in answers.items():
        for worker, answer in said:
            rest = [each for each in said if each != (worker, answer)]
            wanted = p[image] - posterior(rest, prior) if rest else 0.0
            assert changes.get((image, worker), 0.0) == pytest.approx(wanted, abs=1e-6)
    listed = sorted((value, image) for image, value in p.items() if value < 0.05)
    assert listed
    rows = figure.data["images"]
    assert [row["image"] for row in rows] == [study.images[image] for _, image in listed]
    for row in rows:
        assert row["evidence"]["posterior"] == pytest.approx(
            p[study.images.index(row["image"])], abs=1e-6
        )


def votes(*mains, selected="ab"):
    return {worker: (selected, main) for worker, main in enumerate(mains)}


def test_images_are_listed_by_falling_share():
    """a is the dataset label throughout."""
    made = [
        Picture("0", "a", FU, responses=votes("a", "b", "b"), partition=["b", "a"]),
        Picture("1", "a", FU, responses=votes("b", "b", "b"), partition=["b", "a"]),
        # Two of five main votes are the most, but not half.
        Picture("2", "a", FU, responses=votes(*"bbacd", selected="abcd"), partition=["b", *"acd"]),
        Picture("3", "a", FU, responses=votes("b", "b", "b"), partition=["b", "a"]),
        # One object, which nobody calls a; two of four workers call it none of these labels.
        Picture(
            "4",
            "a",
            FU,
            responses={**votes("c", "c", selected="c"), 2: ("", None), 3: ("", None)},
            partition=["c"],
        ),
        # Settled as one object, whatever a sample says.
        Picture("5", "a", EASY, responses=votes("b", "b"), partition=["b", "a"]),
        Picture("6", None, FU, responses=votes("b", "b"), partition=["b", "a"]),
    ]
    for picture in made:
        picture.pairs = {"a": {0: 1}}
    figure = b2(study_of(made))
    found = [
        (row["verdict"], row["image"], row["evidence"]["share"]) for row in figure.data["images"]
    ]
    assert found == [
        ("secondary", "1", 1.0),
        ("secondary", "3", 1.0),
        ("secondary", "0", pytest.approx(2 / 3)),
        ("missing", "0", 1.0),
        ("missing", "1", 1.0),
        ("missing", "2", 1.0),
        ("missing", "3", 1.0),
        ("missing", "4", 0.5),
    ]
    assert figure.data["images"][-1]["evidence"] == {
        "dataset_label": "a",
        "object": "c",
        "votes": 2,
        "of": 4,
        "share": 0.5,
    }
    assert figure.data["rates"]["wrong"] is None


def test_without_workers_enough_rates_have_no_interval():
    study, _ = fitted(fewer_workers(pictures(1, 50), 9))
    figure = b2(study).plain()
    assert figure["data"]["rates"]["wrong"] is not None
    assert figure["intervals"] == {}
    assert "10 workers" in figure["without_interval"]["/rates/wrong"]
