"""B5: how far people agree on an image's label, and whether the classifiers foretell it."""

import numpy as np
from scipy.special import logsumexp

from annotation.report.arrays import Floats, Ints, Predictions, Study
from annotation.report.figures.figure import Figure

DEFINITION = (
    "An image's soft label: the shares of its main votes; on an easy image the dataset label alone."
    " mean_entropy: of these, in nats; of m votes over K labels it is low by about (K - 1) / (2m)."
    " nll: mean negative log-likelihood of the soft label under a classifier's probabilities. ece:"
    " mean distance between the first label's probability and its share of the votes, in 15 bins."
)
POPULATION = "settled images with a vote for a main label"
BINS = 15
FLOOR = 1e-12  # of a probability, before its logarithm
BLOCK = 100  # images whose logits are read together, so that they stay in the processor's cache
FAR, TINY = 600.0, 1e-300  # logits farther apart have exponentials that no number holds together


def b5(study: Study) -> Figure:
    """The figure; it needs CLASSIFY."""
    if study.classify is None:
        return Figure(DEFINITION, POPULATION, missing="a CLASSIFY campaign with answers")
    people = _SoftLabels(study)
    models = {}
    for name, model in study.models.items():
        foretold = _Foretold(people, model, len(study.labels))
        models[name] = {"nll": foretold.nll, "ece": foretold.ece, "images": foretold.images.size}
        model.let_go()
    return Figure(
        DEFINITION,
        POPULATION,
        people.images.size,
        {"mean_entropy": people.mean_entropy, "models": models},
    )


class _SoftLabels:
    """What people call the main thing. images: those with a vote, ascending.

    image, label, p (E,): the shares, by image and label.
    """

    def __init__(self, study: Study) -> None:
        voted = study.fu[study.responses.image] & (study.responses.main >= 0)
        (easy,) = np.nonzero(study.easy & (study.dataset_label >= 0))
        image = np.concatenate([study.responses.image[voted], easy])
        label = np.concatenate([study.responses.main[voted], study.dataset_label[easy]])
        self.width = len(study.labels)
        self.codes, votes = np.unique(
            image.astype(np.int64) * self.width + label, return_counts=True
        )
        self.image, self.label = self.codes // self.width, self.codes % self.width
        self.p = votes / np.bincount(image, minlength=study.n)[self.image]
        self.images = np.unique(image)

    @property
    def mean_entropy(self) -> float | None:
        if not self.images.size:
            return None
        return float(-(self.p * np.log(self.p)).sum() / self.images.size)

    def share(self, image: Ints, label: Ints) -> Floats:
        """(n,): of the votes on each image, those for the label."""
        codes = image.astype(np.int64) * self.width + label
        at = np.minimum(np.searchsorted(self.codes, codes), self.codes.size - 1)
        return np.where(self.codes[at] == codes, self.p[at], 0.0)


class _Foretold:
    """What a classifier foretells of people's soft labels; null where it cannot be said.

    images: those with a prediction. Its probabilities are the softmax of its logits, or else the
    scores that were stored.
    """

    def __init__(self, people: _SoftLabels, model: Predictions, n_labels: int) -> None:
        self.people, self.model, self.n_labels = people, model, n_labels
        self.images = people.images[model.top[people.images] >= 0]
        self.norm = np.zeros(0)
        if model.logits is not None:
            self.norm = _log_sum_exp(model.logits, self.images, model.top[self.images])

    @property
    def nll(self) -> float | None:
        """None unless the probabilities cover all labels."""
        people, model = self.people, self.model
        entries = np.flatnonzero(model.top[people.image] >= 0)
        image, label = people.image[entries], people.label[entries]
        if not self.images.size:
            return None
        if model.logits is not None:
            if np.isneginf(model.logits[self.images[0]]).any():  # labels that no class means
                return None
            place = np.searchsorted(self.images, image)
            log_q = model.logits[image, label] - self.norm[place]
        else:
            if (model.labels[self.images] >= 0).sum(1).min() < self.n_labels:
                return None
            said = model.labels[image] == label[:, None]
            log_q = np.log(np.maximum(model.scores[image, said.argmax(1)], FLOOR))
        return (
            float(-(people.p[entries] * np.maximum(log_q, np.log(FLOOR))).sum()) / self.images.size
        )

    @property
    def ece(self) -> float | None:
        """None where a score is no probability."""
        images, model = self.images, self.model
        if not images.size:
            return None
        if model.logits is not None:
            q = np.exp(model.logits[images, model.top[images]] - self.norm)
        else:
            scores = np.nan_to_num(model.scores[images], nan=0.0)
            if scores.min() < 0 or scores.max() > 1 or scores.sum(1).max() > 1.001:
                return None
            q = scores[:, 0]
        apart = q - self.people.share(images, model.top[images])
        order = np.argsort(q, kind="stable")  # equal ones by key
        bins = np.array_split(apart[order], BINS)
        return float(sum(abs(each.sum()) for each in bins)) / images.size


def _log_sum_exp(logits: Floats, images: Ints, top: Ints) -> Floats:
    """(n,): of the logits (N, L) of these images (n,), of which `top` (n,) are the highest.

    A float16 has one of 65,536 values: their exponentials are looked up, not computed each time.
    """
    assert logits.dtype == np.float16
    highest = logits[images, top].astype(float)
    shift = highest.max(initial=-np.inf)
    with np.errstate(invalid="ignore", over="ignore"):
        values = np.arange(1 << 16, dtype=np.uint16).view(np.float16).astype(float)
        exponentials = np.exp(values - shift)
    norm = np.empty(top.size)
    for at in range(0, top.size, BLOCK):
        block = logits[images[at : at + BLOCK]]
        sums = exponentials.take(block.view(np.uint16)).sum(1)
        norm[at : at + BLOCK] = shift + np.log(np.maximum(sums, TINY))
    for at in np.flatnonzero(highest < shift - FAR).tolist():
        norm[at] = logsumexp(logits[images[at]].astype(float))
    return norm
