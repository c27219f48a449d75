"""Each estimate of each figure against its definition, and what each worker changes in it."""

import pytest

from annotation.report.arrays import EASY, FU, MIS
from annotation.report.figures.r01_objects import r1
from annotation.report.figures.r03_top1 import r3
from annotation.report.figures.r04_multi_label import r4
from annotation.report.figures.r17_accepted import r17
from annotation.report.intervals import Estimate
from tests.studies.figures_by_definition import (
    FIGURES,
    MODEL,
    any_label,
    parted,
    predicted,
    settled,
    top,
)
from tests.studies.made_up_studies import Picture, at, close, pictures, study_of

CASES = [
    (figure, pointer, definition)
    for figure, definitions in FIGURES.items()
    for pointer, definition in definitions.items()
]


@pytest.mark.parametrize(
    ("figure", "pointer", "definition"), CASES, ids=[f"{f.__name__}/{p}" for f, p, _ in CASES]
)
def test_an_estimate_and_what_each_worker_changes(studies, figure, pointer, definition):
    computed = changed = 0
    for made, study in studies:
        estimate: Estimate = at(figure(study).data, pointer)
        terms = [definition(picture) or (0.0, 0.0) for picture in made]
        total = sum(d for _, d in terms)
        if not total:
            assert estimate.value is None
            continue
        value = sum(x for x, _ in terms) / total
        assert close(estimate.value, value)
        computed += 1
        assert close(estimate.effect, [(x - value * d) / total for x, d in terms])
        changes: dict[tuple[int, int], float] = {}
        for number, picture in enumerate(made):
            for worker in picture.workers:
                leave = Picture.without_the_last_of_none if figure is r17 else Picture.without
                after = definition(leave(picture, worker))
                if after is None:
                    continue
                x, d = terms[number]
                change = (after[0] - x - value * (after[1] - d)) / total
                if abs(change) > 1e-15:
                    changes[number, worker] = change
        panel = estimate.panel
        if panel is None:
            assert not changes
            continue
        cells = zip(panel.image[estimate.cell], panel.worker[estimate.cell], strict=True)
        found = {
            (int(image), int(worker)): change
            for (image, worker), change in zip(cells, estimate.change, strict=True)
            if abs(change) > 1e-15
        }
        assert found.keys() == changes.keys()
        assert close([found[cell] for cell in changes], list(changes.values()))
        changed += bool(changes)
    assert computed > 3
    assert changed or figure is r3 or pointer in ("mean_offered", "within_superclass/models/first")


def test_weights_stand_for_the_images_that_were_not_asked():
    for seed in range(12):
        made = pictures(seed, 30)
        study = study_of(made)
        counts = {
            group: (
                sum(picture.asked and picture.group == group for picture in made),
                sum(picture.group == group and bool(picture.responses) for picture in made),
            )
            for group in (FU, MIS, EASY)
        }
        found = at(r1(study).data, "fraction_multi/weighted")
        if any(images and not answered for images, answered in counts.values()):
            assert found is None
            continue
        weights = {group: images / n for group, (images, n) in counts.items() if n}
        answered = [picture for picture in made if picture.responses and picture.asked]
        total = sum(weights[picture.group] for picture in answered)
        several = sum(
            weights[picture.group] * ((picture.num_objects or 0) > 1) for picture in answered
        )
        assert close(found.value, several / total)
        assert close(found.n, total**2 / sum(weights[picture.group] ** 2 for picture in answered))


def test_first_labels_that_nobody_was_asked_about_bound_an_accuracy():
    found = 0
    for seed in range(12):
        made = pictures(seed, 30)
        data = r4(study_of(made)).data
        counted = [picture for picture in made if parted(predicted(settled))(picture)]
        never = [
            picture
            for picture in counted
            if top(picture) != picture.dataset_label
            and top(picture) not in picture.offered
            and picture.sf(top(picture)) is None
        ]
        low = sum(any_label(picture) for picture in counted)
        assert data["not_judged"][MODEL] == len(never)
        high = low + len(never)
        assert close(data["bounds"][MODEL], [low / len(counted), high / len(counted)])
        found += 0 < len(never) < len(counted)
    assert found > 3
