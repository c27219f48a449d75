"""R15: how the workers differ: agreement, sensitivity, specificity, pace."""

from typing import Any

import numpy as np

from annotation.report.arrays import Floats, Study
from annotation.report.figures.figure import Figure
from tasks.aggregation.consensus import agrees_with_others

DEFINITION = (
    "Per worker of CONTAINS: share of their answers that agree with more than half of at least"
    " three others (maybe is an answer of its own), sensitivity and specificity by the posteriors,"
    " accuracy on controls, median seconds an item. Means over workers with such an answer."
)
POPULATION = "workers with a used answer in CONTAINS"
ANSWERS = 3  # no, yes, maybe


def r15(study: Study) -> Figure:
    """The figure; it needs CONTAINS."""
    contains = study.contains
    if contains is None:
        return Figure(DEFINITION, POPULATION, missing="a CONTAINS campaign with answers")
    agreement = _agreement(study)
    judgments = np.bincount(contains.worker, minlength=len(study.workers))
    compared = agreement[~np.isnan(agreement)]
    workers: dict[str, dict[str, Any]] = {
        study.workers[number]: {
            "agreement": None if np.isnan(agreement[number]) else float(agreement[number]),
            **study.skills.get(study.workers[number], {}),
            "judgments": int(judgments[number]),
        }
        for number in np.flatnonzero(judgments).tolist()
    }
    return Figure(
        DEFINITION,
        POPULATION,
        len(workers),
        {
            "mean_agreement": float(compared.mean()) if compared.size else None,
            "least_agreement": float(compared.min()) if compared.size else None,
            "workers": workers,
            "posterior": dict(study.fit) or None,
        },
    )


def _agreement(study: Study) -> Floats:
    """(workers,): share of judgments that agree with the others' consensus; nan without any."""
    contains = study.frequencies
    n = len(study.workers)
    code = contains.pair.astype(np.int64) * ANSWERS + contains.answer
    count = np.bincount(code, minlength=ANSWERS * contains.image.size)
    unit = np.repeat(np.arange(contains.image.size), ANSWERS)
    verdict = agrees_with_others(count, unit)[code]
    compared = np.bincount(contains.worker[verdict >= 0], minlength=n)
    agreed = np.bincount(contains.worker[verdict == 1], minlength=n)
    return np.divide(agreed, compared, out=np.full(n, np.nan), where=compared > 0)
