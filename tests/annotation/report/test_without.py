"""Objects of images, and of images without one response, against plain loops over the rules."""

from collections import Counter

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from annotation.report.arrays import Partitions, Responses
from annotation.report.without import NONE, objects_of, objects_without_each
from tasks.aggregation import image_objects

LABELS = "abcdef"

on_a_busy_machine = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def answers(draw):
    """(labels selected, main label) of one response; none of these: ("", None)."""
    selected = draw(st.sets(st.sampled_from(LABELS), max_size=3).map(sorted))
    return "".join(selected), draw(st.sampled_from(selected)) if selected else None


studies = st.lists(
    st.tuples(
        st.one_of(st.none(), st.sampled_from(LABELS)), st.lists(answers(), min_size=1, max_size=6)
    ),
    min_size=1,
    max_size=4,
)


def as_arrays(study):
    """Responses and dataset labels as arrays; images 0, 1 ... of `study`."""
    number = {None: NONE} | {label: n for n, label in enumerate(LABELS)}
    flat = [(n, *answer) for n, (_, given) in enumerate(study) for answer in given]
    begin = np.cumsum([0, *(len(selected) for _, selected, _ in flat)])
    parted = [
        (n, place, number[label])
        for n, (dataset_label, given) in enumerate(study)
        for place, found in enumerate(image_objects(given, dataset_label).objects)
        for label in found["labels"]
    ]
    image, place, label = np.array(parted, int).reshape(-1, 3).T
    responses = Responses(
        np.array([n for n, _, _ in flat]),
        np.arange(len(flat)),
        np.array([number[main] for _, _, main in flat]),
        begin,
        np.array([number[label] for _, selected, _ in flat for label in selected], int),
        np.zeros(len(flat) + 1, int),
        np.zeros(0, int),
        Partitions(image, place, label, np.zeros(len(study), bool)),
    )
    return responses, np.array([number[label] for label, _ in study])


def by_the_rules(given, partition, dataset_label):
    """(number of objects, main label, main object, dataset object, names) of one image."""
    if not given:
        return NONE, NONE, NONE, NONE, {}
    count = Counter(len(selected) for selected, _ in given).most_common(1)[0][0]
    chosen = Counter(label for selected, _ in given for label in selected)
    mains = Counter(main for _, main in given if main)
    names = [min(labels, key=lambda label: (-chosen[label], label)) for labels in partition]
    if not count:
        return 0, NONE, NONE, NONE, names
    first = mains.most_common(1)[0][0] if mains else None
    votes = [sum(mains[label] for label in labels) for labels in partition]
    ranked = sorted(range(len(partition)), key=lambda place: (-votes[place], names[place]))
    own = [n for n, labels in enumerate(partition) if dataset_label in labels]
    return (
        count,
        NONE if first is None else LABELS.index(first),
        ranked[0] if ranked else NONE,
        own[0] if own and chosen[dataset_label] else NONE,
        names,
    )


@on_a_busy_machine
@given(studies)
def test_objects_by_all_responses_and_without_each(study):
    responses, dataset_label = as_arrays(study)
    whole = objects_of(responses, dataset_label)
    without = objects_without_each(responses, dataset_label)
    row = 0
    for number, (own, given_answers) in enumerate(study):
        partition = [found["labels"] for found in image_objects(given_answers, own).objects]
        cases = [(whole, number, given_answers)] + [
            (without, row + left, given_answers[:left] + given_answers[left + 1 :])
            for left in range(len(given_answers))
        ]
        for result, unit, kept in cases:
            count, main_label, main_object, dataset_object, names = by_the_rules(
                kept, partition, own
            )
            assert result.num_objects[unit] == count
            assert result.main_label[unit] == main_label
            assert result.main_object[unit] == main_object
            assert result.dataset_object[unit] == dataset_object
            rows = result.unit == unit
            if kept:
                seen = {
                    (place, LABELS[name])
                    for place, name in zip(result.place[rows], result.name[rows], strict=True)
                }
                assert seen == set(enumerate(names))
        row += len(given_answers)


def test_stored_objects_are_found_again():
    """The order of stored objects is by falling main votes, then name: the main one comes first."""
    given_answers = [("ab", "b"), ("ab", "b"), ("ac", "a"), ("d", "d")]
    responses, dataset_label = as_arrays([("a", given_answers)])
    found = objects_of(responses, dataset_label)
    stored = image_objects(given_answers, "a")
    assert found.num_objects.tolist() == [stored.num_objects]
    assert found.main_object.tolist() == [0]
    assert found.dataset_object.tolist() == [stored.dataset_object]
