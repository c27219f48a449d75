"""R4: the accuracy of the classifiers by what workers saw: a label of any object counts."""

from typing import Any

import numpy as np

from annotation.report.arrays import Predictions, Study
from annotation.report.figures.figure import Figure
from annotation.report.figures.populations import Question, not_predicted, sizes, spread
from annotation.report.figures.unjudged import bounds, unjudged
from annotation.report.without import Objects

DEFINITION = (
    "Share of images whose first predicted label is a label of any object (any_label), such a label"
    " selected by at least half of the responses (chosen_by_half), or an object's name"
    " (object_name). On an easy image: the dataset label. A label that no worker was offered is in"
    " no object, and so counts as wrong. not_judged: settled images of whose first label no worker"
    " was asked; bounds: any_label of settled images with these all wrong, and all right."
)
POPULATION = "settled images with a prediction, whose labels could be parted into objects"


def r4(study: Study) -> Figure:
    """The figure; it needs CLASSIFY and predictions."""
    if study.classify is None or not study.models:
        return Figure(
            DEFINITION, POPULATION, missing="a CLASSIFY campaign with answers, and predictions"
        )
    readings = ("any_label", "chosen_by_half", "object_name")
    data: dict[str, Any] = {reading: {} for reading in (*readings, "not_judged", "bounds")}
    for name, model in study.models.items():
        for reading in readings:
            data[reading][name] = spread(study, question(study, model, reading))
        never = unjudged(study, model) & question(study, model, "any_label").known
        data["not_judged"][name] = int(never.sum())
        data["bounds"][name] = bounds(data["any_label"][name]["settled"], never)
    unparted = study.responses.parted.unparted
    data["unparted"] = int((unparted & study.settled).sum())
    data["not_predicted"] = not_predicted(study)
    data["fu_not_answered"] = study.fu_not_answered
    return Figure(DEFINITION, POPULATION, sizes(study), data)


def question(study: Study, model: Predictions, reading: str) -> Question:
    """Whether the classifier's first label is right by this reading."""
    known = (model.top >= 0) & (study.easy | ~study.responses.parted.unparted)
    return Question(
        _right(study, study.objects, model, reading, 0),
        _right(study, study.without, model, reading, 1),
        model.top == study.dataset_label,
        known,
    )


def _right(study: Study, objects: Objects, model: Predictions, reading: str, left_out: int):
    """(U,): by these objects, of images that `left_out` responses are missing from."""
    top = model.top[objects.image][objects.unit]
    if reading == "object_name":
        rows = objects.name == top
    else:
        rows = objects.label == top
    if reading == "chosen_by_half":
        responses = np.bincount(study.responses.image, minlength=study.n) - left_out
        rows = rows & (2 * objects.chosen >= responses[objects.image][objects.unit])
    return objects.any_row(rows) & (objects.num_objects > 0)
