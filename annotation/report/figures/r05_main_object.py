"""R5: how often the main object is the dataset label's."""

import numpy as np

from annotation.report.arrays import Bools, Study
from annotation.report.figures.figure import Figure
from annotation.report.figures.populations import Question, of_population
from annotation.report.without import Objects

DEFINITION = (
    "Share of an image's responses whose main label is the dataset label. Disagreement: of several"
    " objects, one of them the dataset label's, another one is the main object."
    " disagreements_range: the fewest and the most there can be, over all choices among equally"
    " good partitions, equally frequent numbers of objects and objects with as many main votes."
)
POPULATION = "followed-up images with a dataset label"


def r5(study: Study) -> Figure:
    """The figure; it needs CLASSIFY."""
    if study.classify is None:
        return Figure(DEFINITION, POPULATION, missing="a CLASSIFY campaign with answers")
    labelled = study.dataset_label >= 0
    image, main = study.responses.image, study.responses.main
    own = main == study.dataset_label[image]
    votes = np.bincount(image, own, study.n).astype(int)
    responses = np.bincount(image, minlength=study.n)
    share = votes / np.maximum(responses, 1)
    without = (votes[image] - own) / np.maximum(responses[image] - 1, 1)
    asked = Question(share, without, share, labelled)
    count, count_without = study.num_objects, study.without.num_objects
    apart = disagreement(study)
    unparted, equals = study.responses.parted.unparted, study.responses.parted.equals
    parted = labelled & ~unparted
    several = (count > 1, count_without > 1)
    with_dataset_object = (
        several[0] & (study.objects.dataset_object >= 0),
        several[1] & (study.without.dataset_object >= 0),
    )
    images = study.fu & labelled
    apart_now = np.flatnonzero(apart.now & images)
    tenths = np.minimum(9, 10 * votes // np.maximum(responses, 1))
    return Figure(
        DEFINITION,
        POPULATION,
        int(images.sum()),
        {
            "mean_share": of_population(study, asked, study.fu),
            "mean_share_multi": of_population(study, asked, study.fu, several),
            "mean_share_single": of_population(
                study, asked, study.fu, (count == 1, count_without == 1)
            ),
            "share_tenths": np.bincount(tenths[images], minlength=10).tolist(),
            "nobody": int((images & (votes == 0)).sum()),
            "main_label_is_dataset_label": int(
                (images & (study.objects.main_label == study.dataset_label)).sum()
            ),
            "disagreements": apart_now.size,
            "disagreements_of_multi": of_population(
                study, Question(apart.now, apart.without, apart.easy, parted), study.fu, several
            ),
            "disagreements_of_multi_with_dataset_object": of_population(
                study, apart, study.fu, with_dataset_object
            ),
            "disagreements_range": (
                None if equals is None else (equals[1:] & images & ~unparted).sum(1).tolist()
            ),
            "gallery": [study.images[number] for number in apart_now.tolist()],
        },
    )


def disagreement(study: Study) -> Question:
    """Whether an image's main object is another one than its dataset label's, of several."""
    return Question(
        _apart(study.objects),
        _apart(study.without),
        np.zeros(study.n, bool),
        study.dataset_label >= 0,
    )


def _apart(objects: Objects) -> Bools:
    both = (objects.dataset_object >= 0) & (objects.main_object >= 0)
    return (objects.num_objects > 1) & both & (objects.main_object != objects.dataset_object)
