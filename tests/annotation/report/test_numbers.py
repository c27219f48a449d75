"""A study's numbers from arrays: small ones by hand, random ones against plain loops."""

from fractions import Fraction

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from annotation.report.numbers import (
    Objects,
    Share,
    accuracy,
    disagreements,
    multi_object,
    multi_object_truth,
    rivalled,
    settled_objects,
)

NONE = -1


def ints(*values: int) -> np.ndarray:
    return np.array(values, int)


def bools(*values: int) -> np.ndarray:
    return np.array(values, bool)


def test_a_share_of_nothing_has_no_value():
    assert (Share(1, 4).share, str(Share(1, 4))) == (0.25, "25.0 %")
    assert (Share(0, 0).share, str(Share(0, 0))) == (None, "-")


def test_rivalled_counts_ties_as_exact_fractions():
    """Image 0: 2/6 ties 1/3. 1: 3/10 is below 1/3. 2: nobody selected its dataset label. 3: too few
    saw it. 4: it has none. 5: no other label. 6: the other label was not seen."""
    rows = [
        (0, 1, 1, 3),
        (0, 0, 2, 6),
        (1, 1, 1, 3),
        (1, 0, 3, 10),
        (2, 1, 0, 4),
        (2, 0, 0, 9),
        (3, 1, 1, 2),
        (3, 0, 5, 5),
        (4, 0, 5, 5),
        (5, 1, 3, 9),
        (6, 1, 1, 5),
        (6, 0, 0, 0),
    ]
    image, own, selected, shown = np.array(rows).T
    assert rivalled(image, own.astype(bool), selected, shown, 3) == Share(1, 4)


def test_rivalled_is_defined_without_pairs():
    assert rivalled(ints(), bools(), ints(), ints(), 1) == Share(0, 0)


def test_an_easy_image_is_one_object_whatever_was_answered():
    """Image 0: two objects. 1: asked, no answer. 2: easy, not asked. 3: easy, asked, two objects.
    4: easy, without a dataset label. 5: too many labels to part."""
    objects = settled_objects(
        num_objects=ints(2, NONE, NONE, 2, NONE, 3),
        parted=bools(1, 0, 0, 1, 0, 0),
        image=ints(0, 0, 0, 3, 3),
        label=ints(7, 8, 9, 5, 6),
        easy=bools(0, 0, 1, 1, 1, 0),
        dataset_label=ints(7, 7, 4, 5, NONE, 3),
    )
    assert objects.counted.tolist() == [2, NONE, 1, 1, 1, 3]
    assert objects.parted.tolist() == [True, False, True, True, True, False]
    labels = sorted(zip(objects.image.tolist(), objects.label.tolist(), strict=True))
    assert labels == [(0, 7), (0, 8), (0, 9), (2, 4), (3, 5)]
    assert multi_object(objects.counted) == Share(2, 5)
    assert multi_object_truth(objects.counted, ints(2, 3, 0, 2, 1, 1)) == Share(2, 5)


def test_disagreements_need_two_objects_and_the_dataset_labels_among_them():
    """Images: agree, disagree, no object of the dataset label, one object, none, no answer."""
    share = disagreements(
        num_objects=ints(2, 3, 2, 1, 0, NONE),
        main_object=ints(0, 0, 0, 0, NONE, NONE),
        dataset_object=ints(0, 2, NONE, 0, NONE, NONE),
    )
    assert share == Share(1, 2)


def test_accuracy_by_number_of_objects():
    """Images 0, 1: one object; 2, 3: two, the last one's labels too many to part; 4: none; 5: not
    counted. The classifier predicted all but image 1."""
    objects = Objects(
        counted=ints(1, 1, 2, 2, 0, NONE),
        parted=bools(1, 1, 1, 0, 1, 0),
        image=ints(0, 1, 2, 2),
        label=ints(7, 7, 7, 8),
    )
    top = ints(7, NONE, 8, 7, 7, 7)
    result = accuracy("net", top, dataset_label=ints(7, 7, 7, 7, NONE, 7), objects=objects)
    assert result.classifier == "net"
    assert result.top1 == {"all": Share(2, 4), "single": Share(1, 1), "multi": Share(1, 2)}
    assert result.multi_label == {"all": Share(2, 3), "single": Share(1, 1), "multi": Share(1, 1)}


def test_a_classifier_without_predictions_has_no_accuracy():
    objects = Objects(ints(1, 2), bools(1, 1), ints(0, 1, 1), ints(3, 3, 4))
    result = accuracy("net", ints(NONE, NONE), ints(3, NONE), objects)
    nothing = dict.fromkeys(("all", "single", "multi"), Share(0, 0))
    assert (result.top1, result.multi_label) == (nothing, nothing)


on_a_busy_machine = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

pairs = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 4), st.integers(0, 4)),
    unique_by=lambda pair: pair[:2],
)


@on_a_busy_machine
@given(pairs, st.lists(st.integers(-1, 3), min_size=4, max_size=4))
def test_rivalled_is_what_a_loop_over_fractions_counts(rows, dataset_labels):
    rows = [(image, label, min(selected, shown), shown) for image, label, selected, shown in rows]
    own, best = {}, {}
    for image, label, selected, shown in rows:
        if label == dataset_labels[image]:
            if shown >= 2 and selected:
                own[image] = Fraction(selected, shown)
        elif shown:
            best[image] = max(best.get(image, Fraction(0)), Fraction(selected, shown))
    wanted = Share(sum(image in best and best[image] >= sf for image, sf in own.items()), len(own))
    image, label, selected, shown = np.array(rows, int).reshape(-1, 4).T
    is_dataset_label = label == np.array(dataset_labels)[image]
    assert rivalled(image, is_dataset_label, selected, shown, 2) == wanted


labels = st.integers(0, 4)
results = st.tuples(
    st.booleans(),  # easy
    st.one_of(st.none(), labels),  # dataset label
    st.one_of(st.none(), st.lists(st.sets(labels, min_size=1), max_size=3)),  # objects, if asked
    st.booleans(),  # parted
    st.one_of(st.none(), labels),  # first label predicted
)


@on_a_busy_machine
@given(st.lists(results, max_size=8))
def test_accuracies_are_what_a_loop_over_sets_counts(images):
    counted, objects, right, own, top = {}, {}, {}, {}, {}
    for row, (easy, dataset_label, found, parted, predicted) in enumerate(images):
        own[row] = dataset_label
        if easy:
            counted[row], objects[row] = 1, [{dataset_label}]
        elif found is not None:
            counted[row] = len(found)
            if parted:
                objects[row] = found
        if predicted is not None:
            top[row] = predicted
    for split, rows in {
        "all": list(counted),
        "single": [row for row in counted if counted[row] == 1],
        "multi": [row for row in counted if counted[row] > 1],
    }.items():
        known = [row for row in rows if row in top]
        known_objects = [row for row in known if row in objects]
        right[split] = (
            Share(sum(top[row] == own[row] for row in known), len(known)),
            Share(
                sum(any(top[row] in each for each in objects[row]) for row in known_objects),
                len(known_objects),
            ),
        )
    members = [
        (row, label)
        for row, (_, _, found, parted, _) in enumerate(images)
        for each in (found or ()) * parted
        for label in each
    ]
    image, label = np.array(members, int).reshape(-1, 2).T
    easy, dataset_label, found, parted, predicted = (
        zip(*images, strict=True) if images else [()] * 5
    )
    dataset_labels = ints(*(NONE if each is None else each for each in dataset_label))
    settled = settled_objects(
        ints(*(NONE if each is None else len(each) for each in found)),
        bools(*parted),
        image,
        label,
        bools(*easy),
        dataset_labels,
    )
    tops = ints(*(NONE if each is None else each for each in predicted))
    result = accuracy("net", tops, dataset_labels, settled)
    for split, (top1, multi_label) in right.items():
        assert (result.top1[split], result.multi_label[split]) == (top1, multi_label)
    assert multi_object(settled.counted) == Share(
        sum(number > 1 for number in counted.values()), len(counted)
    )
