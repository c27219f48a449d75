"""95 % intervals of shares and means without resampling: images vary, and so do workers.

A figure is a ratio sum(x) / sum(d) over images. Its squared standard error is

    V_images + max(0, V_workers - V_answers)

V_images: the spread of the images' effects within their dataset labels. V_workers: the spread of
what each worker's answers change in all. V_answers: the part of that which single answers make up,
and which V_images holds already. With G the smaller of the number of workers and of images, t is
Student's at 97.5 % with G - 1 degrees of freedom (rule T6).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse, special

from annotation.report.least import LEAST_IMAGES, LEAST_WORKERS

Floats = NDArray[Any]  # NumPy's stubs take some sums of floats for whole numbers
Ints = NDArray[np.integer]
Bools = NDArray[np.bool_]

OUTSIDE = -1  # as a stratum: an image that is not of the population


@dataclass(frozen=True)
class Panel:
    """Who answered on which images in the campaigns that a figure reads.

    image, worker (C,): a cell for each worker with a used answer on an image, in this order.
    """

    image: Ints
    worker: Ints
    n_images: int
    n_workers: int  # workers are numbered 0 to n_workers - 1; some may have no cell

    @classmethod
    def of(cls, image: Ints, worker: Ints, n_images: int, n_workers: int) -> "Panel":
        """The panel of answers, of which one cell may have several."""
        return cls.numbered(image, worker, n_images, n_workers)[0]

    @classmethod
    def numbered(
        cls, image: Ints, worker: Ints, n_images: int, n_workers: int
    ) -> tuple["Panel", Ints]:
        """The same, and the cell of each answer."""
        codes = image.astype(np.int64) * n_workers + worker
        order = np.argsort(codes)
        begins = np.diff(codes[order], prepend=-1) != 0
        cell = np.empty(codes.size, np.int32)
        cell[order] = np.cumsum(begins, dtype=np.int32) - 1
        cells = codes[order][begins]
        image, worker = (each.astype(np.int32) for each in np.divmod(cells, n_workers))
        return cls(image, worker, n_images, n_workers), cell

    def and_(self, other: "Panel") -> "Panel":
        """The panel of a figure that reads the answers of both."""
        image = np.concatenate([self.image, other.image])
        worker = np.concatenate([self.worker, other.worker])
        return Panel.of(image, worker, self.n_images, self.n_workers)

    @cached_property
    def workers(self) -> int:
        """How many workers have a cell."""
        return int((np.bincount(self.worker) > 0).sum())

    @cached_property
    def workers_of_image(self) -> Ints:
        """(n_images,)."""
        return np.bincount(self.image, minlength=self.n_images)

    @cached_property
    def images_of_worker(self) -> sparse.csr_array:
        """(n_workers, n_images): 1 where there is a cell."""
        shape = (self.n_workers, self.n_images)
        return sparse.csr_array((np.ones(self.image.size), (self.worker, self.image)), shape=shape)

    def cells(self, image: Ints, worker: Ints) -> Ints:
        """The numbers of these cells, which there must be."""
        return np.searchsorted(self._codes, image.astype(np.int64) * self.n_workers + worker)

    @cached_property
    def _codes(self) -> Ints:
        return self.image.astype(np.int64) * self.n_workers + self.worker


@dataclass(frozen=True)
class Moved:
    """How a ratio's x and d change, image by image, without a worker's answers there.

    cell (n,): cells of the panel; those left out change nothing. x, d (n,).
    """

    panel: Panel
    cell: Ints
    x: Floats
    d: Floats | float = 0.0


@dataclass(frozen=True)
class Estimate:
    """A ratio over images, and what its interval is made of.

    effect (N,): (x - value * d) / sum(d), 0 where d = 0. stratum (N,): the image's stratum within
    the population that d selects from, or OUTSIDE. images: how many have d > 0. n: sum(d), or
    (sum d)² / sum d² where d are weights. cell, change (n,): of the effects, each cell once; none
    where no answer can move the value. unit: it lies within [0, 1] by definition.
    """

    value: float | None
    effect: Floats
    stratum: Ints
    images: int
    n: float
    panel: Panel | None = None
    cell: Ints = field(default_factory=lambda: np.zeros(0, int))
    change: Floats = field(default_factory=lambda: np.zeros(0))
    unit: bool = True
    barred: str = ""
    """Why there is no interval, where the design of the study leaves none."""

    among: Ints | None = None
    """(N,): how many answers there are to the one pair of each image that is read, if it is one."""

    @cached_property
    def parts(self) -> "Parts":
        """Of its own variance, (1, 1) each."""
        return parts([self])

    @property
    def centred(self) -> Floats:
        """(C,): what each cell's worker changes, less the mean over the image's workers."""
        panel = self.panel
        assert panel is not None
        of_image = np.bincount(panel.image[self.cell], self.change, panel.n_images)
        result = -(of_image / np.maximum(panel.workers_of_image, 1))[panel.image]
        result[self.cell] += self.change
        return result


@dataclass(frozen=True)
class Parts:
    """Covariances (K, K) of K estimates over the same images and workers, part by part."""

    images: Floats
    workers: Floats
    answers: Floats
    groups: int
    """G."""

    @property
    def variances(self) -> Floats:
        """(K,): of each estimate."""
        between = np.diag(self.workers) - np.diag(self.answers)
        return np.diag(self.images) + np.maximum(between, 0)

    def variance_of_difference(self, a: int, b: int) -> float:
        """Of estimate a less estimate b."""
        images, workers, answers = (
            float(part[a, a] + part[b, b] - 2 * part[a, b])
            for part in (self.images, self.workers, self.answers)
        )
        return max(0.0, images) + max(0.0, workers - answers)


def ratio(
    x: NDArray[Any],
    d: NDArray[Any],
    stratum: Ints,
    moved: Moved | None = None,
    *,
    weights: Floats | None = None,
    unit: bool = True,
) -> Estimate:
    """The estimate sum(x) / sum(d); x, d, stratum (N,), of which x is read where d > 0.

    Its value is None where sum(d) = 0. `weights` (N,) multiply x and d; `moved` has them already.
    """
    counted = d > 0
    x, d = np.where(counted, x, 0).astype(float), d.astype(float)
    if weights is not None:
        x, d = x * weights, d * weights
    total = float(d.sum())
    panel = moved.panel if moved else None
    if not total:
        return Estimate(None, np.zeros(x.size), stratum, 0, 0.0, panel, unit=unit)
    value = float(x.sum()) / total
    cell, change = np.zeros(0, int), np.zeros(0)
    if moved is not None:
        cell, change = summed(moved.panel, moved.cell, (moved.x - value * moved.d) / total)
    return Estimate(
        value,
        (x - value * d) / total,
        stratum,
        int(counted.sum()),
        total if weights is None else total**2 / float((d**2).sum()),
        panel,
        cell,
        change,
        unit,
    )


def summed(panel: Panel, cell: Ints, change: Floats) -> tuple[Ints, Floats]:
    """Each cell once, with the sum of its changes."""
    if 8 * cell.size > panel.image.size:
        sums = np.bincount(cell, change, panel.image.size)
        (cells,) = np.nonzero(sums)
        return cells.astype(np.int32), sums[cells]
    cells, number = np.unique(cell, return_inverse=True)
    return cells, np.bincount(number, change, cells.size)


def strata(dataset_label: Ints, population: Bools) -> Ints:
    """(N,): images of one dataset label; those alone in theirs, or without one (-1), together."""
    label = np.where(population, dataset_label, -1)
    alike = np.bincount(label[label >= 0], minlength=label.max(initial=-1) + 1)
    alone = label < 0
    alone[~alone] = alike[label[~alone]] == 1
    return np.where(population, np.where(alone, alike.size, label), OUTSIDE)


def parts(estimates: Sequence[Estimate]) -> Parts:
    """The parts of the covariances of estimates that share their strata and their panel."""
    first, n = estimates[0], len(estimates)
    images = between_images(np.stack([each.effect for each in estimates], 1), first.stratum)
    counted = min(each.images for each in estimates)
    panel = first.panel
    if panel is None:
        return Parts(images, np.zeros((n, n)), np.zeros((n, n)), counted)

    def summed(row: Ints, size: int) -> Floats:
        sums = [np.bincount(row[each.cell], each.change, size) for each in estimates]
        return np.stack(sums, 1)

    of_image = summed(panel.image, panel.n_images)
    means = of_image / np.maximum(panel.workers_of_image, 1)[:, None]
    of_worker = summed(panel.worker, panel.n_workers) - panel.images_of_worker @ means
    workers = panel.workers / max(panel.workers - 1, 1) * of_worker.T @ of_worker
    answers = _products(estimates) - of_image.T @ means
    return Parts(images, workers, answers, min(panel.workers, counted))


def _products(estimates: Sequence[Estimate]) -> Floats:
    """(K, K): the products of the estimates' changes, cell by cell, summed."""
    if len(estimates) == 1:
        (only,) = estimates
        return np.array([[only.change @ only.change]])
    ends = np.cumsum([0, *(each.cell.size for each in estimates)])
    cells = np.concatenate([each.cell for each in estimates])
    changes = np.concatenate([each.change for each in estimates])
    size = int(cells.max(initial=0)) + 1
    table = sparse.csc_array((changes, cells, ends), shape=(size, len(estimates)))
    return (table.T @ table).toarray()


def between_images(effect: Floats, stratum: Ints) -> Floats:
    """(K, K): sum over strata of n / (n - 1) times the products of deviations from their mean.

    A stratum of one image adds its own product.
    """
    inside = stratum != OUTSIDE
    number, effect = stratum[inside], effect[inside]
    sizes = np.bincount(number)
    sums = np.stack([np.bincount(number, column, sizes.size) for column in effect.T], 1)
    means = np.where(sizes > 1, 1 / np.maximum(sizes, 1), 0)[:, None] * sums
    apart = effect - means[number]
    factor = np.where(sizes > 1, sizes / np.maximum(sizes - 1, 1), 1)[number]
    return (apart * factor[:, None]).T @ apart


def why_none(estimate: Estimate) -> str:
    """Why an estimate has no interval, in a clause; "" if it has one."""
    if estimate.value is None:
        return "there is nothing to average"
    if estimate.panel is not None and estimate.panel.workers < LEAST_WORKERS:
        return f"fewer than {LEAST_WORKERS} workers answered"
    if estimate.images < LEAST_IMAGES:
        return "one image says nothing about others"
    return estimate.barred


def interval(estimate: Estimate) -> tuple[float, float] | None:
    """The 95 % interval; None where there is none (`why_none`)."""
    if why_none(estimate):
        return None
    assert estimate.value is not None
    error = float(np.sqrt(estimate.parts.variances[0]))
    return bounds(estimate.value, error, estimate.parts.groups, estimate.n, estimate.unit)


def bounds(
    value: float, error: float, groups: int, n: float, unit: bool = True
) -> tuple[float, float]:
    """The interval of a value with this standard error.

    A figure within [0, 1] has it on the logit scale; at 0 and 1 it is Wilson's, of n.
    """
    t = float(special.stdtrit(groups - 1, 0.975))
    if not unit:
        return value - t * error, value + t * error
    if value in (0.0, 1.0):
        share = t**2 / (n + t**2)
        return (0.0, share) if value == 0 else (1 - share, 1.0)
    half = t * error / (value * (1 - value))
    middle = special.logit(value)
    return float(special.expit(middle - half)), float(special.expit(middle + half))
