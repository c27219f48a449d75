"""R6: what the classifiers say where the main object is not the dataset label's."""

import numpy as np

from annotation.report.arrays import Bools, Predictions, Study
from annotation.report.figures.figure import Figure
from annotation.report.figures.populations import Question, of_population
from annotation.report.figures.r05_main_object import disagreement
from annotation.report.without import Objects

DEFINITION = (
    "On images whose main object is not the dataset label's: share whose first predicted label is"
    " the dataset label, a label of the main object, the main label, a label of any object."
    " given_object: of those with the last, to be compared with random_object, the mean of one over"
    " the number of objects. A label that no worker was offered is in no object."
)
POPULATION = "followed-up images with a main-object disagreement"
READINGS = ("dataset_label", "main_object", "main_label", "any_object")


def r6(study: Study) -> Figure:
    """The figure; it needs CLASSIFY and predictions."""
    if study.classify is None or not study.models:
        return Figure(
            DEFINITION, POPULATION, missing="a CLASSIFY campaign with answers, and predictions"
        )
    apart = disagreement(study)
    assert apart.without is not None
    either = (apart.now, apart.without)
    everything = np.ones(study.n, bool)
    chance = Question(
        1 / np.maximum(study.objects.num_objects, 1),
        1 / np.maximum(study.without.num_objects, 1),
        np.ones(study.n),
        everything,
    )
    models = {}
    for name, model in study.models.items():
        now, without = (_said(model, objects, study) for objects in (study.objects, study.without))
        known = model.top >= 0

        def share(reading: str, among: tuple[Bools, Bools], now=now, without=without, known=known):
            asked = Question(now[reading], without[reading], now[reading], known)
            return of_population(study, asked, study.fu, among)

        given = (either[0] & now["any_object"], either[1] & without["any_object"])
        models[name] = {reading: share(reading, either) for reading in READINGS} | {
            "given_object": {
                "dataset_object": share("dataset_object", given),
                "main_object": share("main_object", given),
                "n": int((study.fu & known & given[0]).sum()),
            },
            "not_predicted": int((study.fu & apart.now & ~known).sum()),
        }
    return Figure(
        DEFINITION,
        POPULATION,
        int((study.fu & apart.now).sum()),
        {"random_object": of_population(study, chance, study.fu, either), "models": models},
    )


def _said(model: Predictions, objects: Objects, study: Study) -> dict[str, Bools]:
    """(U,) each: what the first label is."""
    top = model.top[objects.image]
    rows = objects.label == top[objects.unit]
    return {
        "dataset_label": top == study.dataset_label[objects.image],
        "main_object": objects.any_row(rows & (objects.place == objects.main_object[objects.unit])),
        "main_label": (top == objects.main_label) & (top >= 0),
        "any_object": objects.any_row(rows) & (objects.num_objects > 0),
        "dataset_object": objects.any_row(
            rows & (objects.place == objects.dataset_object[objects.unit])
        ),
    }
