"""R1: how many objects the images show."""

import numpy as np

from annotation.report.arrays import Bools, Ints, Study
from annotation.report.figures.figure import Figure
from annotation.report.figures.populations import Question, of_population, sizes, weighted

DEFINITION = (
    "Images by number of objects: the most frequent number of labels that workers selected. An"
    " image settled in CONTAINS has one. equal_cuts: followed-up images whose labels can be parted"
    " into objects in several ways that are equally good."
)
POPULATION = "images that were followed up and answered; settled: these and the easy ones"


def r1(study: Study) -> Figure:
    """The figure; it needs CLASSIFY."""
    if study.classify is None:
        return Figure(DEFINITION, POPULATION, missing="a CLASSIFY campaign with answers")
    count, answered, without = study.num_objects, study.objects, study.without
    everything = np.ones(study.n, bool)
    equals = study.responses.parted.equals
    several = Question(
        answered.num_objects > 1, without.num_objects > 1, np.zeros(study.n, bool), everything
    )
    number = Question(answered.num_objects, without.num_objects, np.ones(study.n, int), everything)
    return Figure(
        DEFINITION,
        POPULATION,
        sizes(study),
        {
            "histogram_follow_up": _histogram(count, study.fu),
            "histogram_settled": _histogram(count, study.settled),
            "multi_object": int(study.multi.sum()),
            "fraction_multi": {
                "of_follow_up": of_population(study, several, study.fu),
                "of_settled": of_population(study, several, study.settled),
                "of_all_images": of_population(study, _of_settled(study, several), everything),
                "weighted": weighted(study, several),
            },
            "mean_objects_settled": of_population(study, number, study.settled, unit=False),
            "fu_not_answered": study.fu_not_answered,
            "equal_cuts": None if equals is None else int((equals[0] & study.fu).sum()),
        },
    )


def _histogram(count: Ints, population: Bools) -> dict[str, int]:
    numbers, images = np.unique(count[population], return_counts=True)
    return {str(number): int(n) for number, n in zip(numbers, images, strict=True)}


def _of_settled(study: Study, asked: Question) -> Question:
    """The question with the answer no on every image that is not settled."""
    settled = study.settled
    assert asked.without is not None
    without = asked.without & settled[study.responses.image]
    return Question(asked.now & settled, without, asked.easy & settled, asked.known)
