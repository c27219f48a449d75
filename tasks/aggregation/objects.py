"""From CLASSIFY to objects: the labels that workers selected in an image, grouped by object."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypedDict

from .k_cut import Partition, TooHardError, best_cuts

Groups = list[list[str]]  # of labels


class Response(NamedTuple):
    """One worker's answer about one image."""

    selected: Sequence[str]
    """Keys of the labels selected; empty: none of these labels."""
    main: str | None = None
    """The label of the main object, one of those selected."""


class Share(TypedDict):
    share: float
    fraction: float


class Object(TypedDict):
    """One object of an image, as it stands in the table of annotations."""

    name: str
    main_votes: int
    labels: dict[str, Share]


class ImageObjects(NamedTuple):
    """The objects and labels that the responses on one image amount to."""

    num_objects: int | None
    object_counts: dict[str, int] | None
    main_label: str | None
    main_votes: dict[str, int] | None
    objects: list[Object]
    main_object: int | None
    dataset_object: int | None
    workers: int
    equal_cuts: bool = False
    """Another partition of the labels is as good."""
    surely_disagrees: bool = False
    """Main-object disagreement, whichever of equals is chosen."""
    may_disagree: bool = False
    """The same by some choice among equals."""

    @property
    def is_multi_object(self) -> bool:
        return self.num_objects is not None and self.num_objects > 1

    @property
    def disagrees(self) -> bool:
        """Main-object disagreement: of several objects, the main one is not the dataset label's."""
        return (
            self.is_multi_object
            and self.dataset_object is not None
            and self.main_object != self.dataset_object
        )


NO_RESPONSES = ImageObjects(None, None, None, None, [], None, None, 0)


def image_objects(
    responses: Iterable[Response | tuple[Sequence[str], str | None]],
    dataset_label: str | None = None,
    *,
    skip_too_hard: bool = False,
) -> ImageObjects:
    """The objects of one image, from its used responses in order of submission (rules O1 to O7).

    1. `num_objects` is the most frequent number of labels selected; of equals, the one seen
       first. "None of these" counts as 0; if 0 wins, there are no objects and no main label.
       Steps 2 to 5 use the other responses only.
    2. `main_label` is the most frequent main label; of equals, the one seen first. `main_votes`
       holds the votes for all main labels.
    3. Objects: the labels that anyone selected, divided into `num_objects` groups that separate
       as many pairs of labels selected together as possible (k_cut.py): labels selected together
       are different objects, labels that exclude each other are names of the same. If there are
       several objects, labels never selected together with another are left out.
    4. Each object holds for its labels `share`, the label's part of all selections of the object's
       labels, and `fraction`, the part of the responses (other than "none") that selected it; its
       name is its most selected label; of equals, the first by key. Objects are in order of
       falling main votes, then by name.
    5. `main_object` is the object with most main votes and `dataset_object` the one that holds
       `dataset_label`, as positions in `objects`, or None.

    6. Of equals each of these steps takes one: of numbers of labels, of partitions, of objects with
       most main votes. `surely_disagrees` and `may_disagree` go through all such choices (rule O7);
       where the best partitions are too many to list, they are False and True.

    `object_counts` counts responses by number of labels selected (keys as text, ascending);
    `workers` counts responses. Without responses `workers` is 0, `objects` [], all else None.

    Raises ValueError if a main label is not among the selected or a label is selected twice, and
    TooHardError if there are too many labels to group exactly (k_cut.py); with `skip_too_hard`
    such an image gets everything but objects.
    Source: Tsipras et al. 2020, the CLASSIFY task; steps 1 to 5 reproduce its data release.
    """
    answers = [_checked(response) for response in responses]
    if not answers:
        return NO_RESPONSES
    sizes = Counter(len(answer.selected) for answer in answers)
    num_objects, most = sizes.most_common(1)[0]
    object_counts = {str(size): sizes[size] for size in sorted(sizes)}
    named = [answer for answer in answers if answer.selected]
    mains = Counter(answer.main for answer in named if answer.main is not None)
    votes = Counter(label for answer in named for label in answer.selected)
    groups, equal = _label_cuts(named, num_objects, skip_too_hard)
    ends = _disagreements(equal, mains, dataset_label)
    for number, times in sizes.items():
        if times == most and number != num_objects and dataset_label in votes:
            _, cuts = _label_cuts(named, number, skip_too_hard=True)
            ends |= _disagreements(cuts, mains, dataset_label)
    of_equals = equal is None or len(equal) > 1, ends == {True}, True in ends
    if num_objects == 0:
        return ImageObjects(0, object_counts, None, {}, [], None, None, len(answers), *of_equals)

    objects = [_object(group, votes, mains, len(named)) for group in groups]
    objects.sort(key=lambda item: (-item["main_votes"], item["name"]))
    return ImageObjects(
        num_objects,
        object_counts,
        mains.most_common(1)[0][0] if mains else None,
        dict(mains.most_common()),
        objects,
        0 if objects else None,
        next(
            (place for place, item in enumerate(objects) if dataset_label in item["labels"]), None
        ),
        len(answers),
        *of_equals,
    )


def _checked(response: Response | tuple[Sequence[str], str | None]) -> Response:
    selected, main = response
    if len(set(selected)) < len(selected):
        raise ValueError(f"a label is selected twice in one response: {list(selected)}")
    if main is not None and main not in selected:
        raise ValueError(f"the main label {main} is not among the selected {list(selected)}")
    return Response(selected, main)


def _label_cuts(
    answers: Sequence[Response], k: int, skip_too_hard: bool
) -> tuple[Groups, list[Groups] | None]:
    """The labels of the answers in k groups, and every partition as good; None: too many."""
    if k == 0:
        return [], [[]]
    together = {
        label
        for answer in answers
        if k == 1 or len(answer.selected) > 1
        for label in answer.selected
    }
    labels = sorted(together)
    if k == 1:
        return [labels], [[labels]]
    number = {label: node for node, label in enumerate(labels)}
    selections = [
        [number[label] for label in answer.selected]
        for answer in answers
        if len(answer.selected) > 1
    ]
    try:
        cuts = best_cuts(selections, len(labels), k)
    except TooHardError:
        if not skip_too_hard:
            raise
        return [], None

    def named(partition: Partition) -> Groups:
        return [[labels[node] for node in group] for group in partition]

    return named(cuts.smallest), None if cuts.every is None else [*map(named, cuts.every)]


def _disagreements(
    cuts: list[Groups] | None, mains: Counter[str], dataset_label: str | None
) -> set[bool]:
    """Whether the main object is another one than the dataset label's: what equal choices say."""
    if cuts is None:
        return {False, True}
    if len(cuts[0]) < 2:
        return {False}
    ends = set()
    for groups in cuts:
        votes = [sum([mains[label] for label in group]) for group in groups]
        own = [place for place, group in enumerate(groups) if dataset_label in group]
        if not own:  # in none of them: they part the same labels
            return {False}
        most = max(votes)
        is_main = votes[own[0]] == most
        if is_main:
            ends.add(False)
        if votes.count(most) > is_main:
            ends.add(True)
    return ends


def _object(labels: list[str], votes: Counter[str], mains: Counter[str], n: int) -> Object:
    total = sum(votes[label] for label in labels)
    ranked = sorted(labels, key=lambda label: (-votes[label], label))
    return {
        "name": ranked[0],
        "main_votes": sum(mains[label] for label in labels),
        "labels": {
            label: {"share": votes[label] / total, "fraction": votes[label] / n} for label in ranked
        },
    }
