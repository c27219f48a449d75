"""R3: the accuracy of the classifiers by the dataset labels."""

from typing import Any

import numpy as np

from annotation.report.arrays import Study
from annotation.report.figures.figure import Figure
from annotation.report.figures.populations import Question, of_population, sizes, spread

DEFINITION = "Share of images whose first predicted label is the dataset label."
POPULATION = "images with a dataset label and a prediction"


def r3(study: Study) -> Figure:
    """The figure; it needs predictions."""
    if not study.models:
        return Figure(DEFINITION, POPULATION, missing="predictions of a classifier")
    everything = np.ones(study.n, bool)
    models: dict[str, dict[str, Any]] = {}
    for name, model in study.models.items():
        right = model.top == study.dataset_label
        known = (model.top >= 0) & (study.dataset_label >= 0)
        asked = Question(right, None, right, known)
        models[name] = {"all": of_population(study, asked, everything)}
        if study.classify is not None:
            models[name] |= spread(study, asked)
        models[name]["not_predicted"] = int((model.top < 0).sum())
    data: dict[str, Any] = {"models": models}
    if study.classify is not None:
        data["fu_not_answered"] = study.fu_not_answered
    return Figure(DEFINITION, POPULATION, sizes(study), data)
