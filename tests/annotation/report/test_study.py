"""The headline numbers of a study, read from the database."""

import pytest

from annotation.report.numbers import Share
from annotation.report.study import headlines
from models_inference.models import Classifier, Prediction
from tasks.results import aggregate
from tests.factories import make_lettered_dataset
from tests.studies.judgment_files import form, give, make_draft, on

pytestmark = pytest.mark.django_db


def test_images_count_by_their_number_of_objects(monkeypatch):
    """a.jpg: several objects, but too many labels to part; b: two objects; c: one; d: none."""
    dataset = make_lettered_dataset(labels=30)
    contains, classify = (make_draft(dataset, kind) for kind in ("contains", "classify"))
    rows = []
    for w in range(24):
        around = {f"n{w}", f"n{(w + 1) % 24}", f"n{(w * 7 + 3) % 24}"}
        rows.append(form(worker=f"w{w}", selected=sorted(around), main=f"n{w}"))
    for image, selected in (("b", ["n0", "n1"]), ("c", ["n2"]), ("d", [])):
        main = (selected or [""])[0]
        rows += [
            form(worker=f"w{w}", image=f"{image}.jpg", selected=selected, main=main)
            for w in range(3)
        ]
    give(classify, rows)
    monkeypatch.setattr("tasks.aggregation.k_cut.MAX_STEPS", 10)
    assert aggregate(classify).notes
    classifier = Classifier.objects.create(dataset=dataset, name="one")
    labels = dict(dataset.labels.values_list("key", "pk"))
    Prediction.objects.bulk_create(
        Prediction(classifier=classifier, image=image, labels=[labels[label]], scores=[1.0])
        for image, label in zip(
            dataset.images.filter(key__in=["a.jpg", "b.jpg", "c.jpg", "d.jpg"]).order_by("key"),
            ("n5", "n1", "n9", "n3"),
            strict=True,
        )
    )
    numbers = headlines(contains, classify, {"a.jpg": {"n0", "n1"}, "c.jpg": {"n2"}})
    assert numbers.multi_object == Share(2, 4)
    assert numbers.multi_object_truth == Share(1, 4)
    (accuracy,) = numbers.accuracies
    assert accuracy.top1 == {"all": Share(2, 4), "single": Share(0, 1), "multi": Share(1, 2)}
    assert accuracy.multi_label == {"all": Share(1, 3), "single": Share(0, 1), "multi": Share(1, 1)}


def test_every_number_of_a_small_study():
    """Six images a to f; f has no dataset label, and no worker saw b under its own."""
    dataset = make_lettered_dataset()
    dataset.images.filter(key="f.jpg").update(dataset_label=None)
    contains = make_draft(dataset)
    classify = make_draft(dataset, "classify", min_judgments=2)
    answers = {
        ("a.jpg", "n0"): [True, True, False],  # 2/3
        ("a.jpg", "n1"): [True, True, False],  # ties
        ("b.jpg", "n2"): [True],  # rivals no dataset label that was seen
        ("c.jpg", "n2"): [True, True],  # 2/2
        ("c.jpg", "n0"): [True, False],  # 1/2
        ("d.jpg", "n3"): [False],  # 0/1
        ("d.jpg", "n0"): [False, False],  # 0/2 ties
        ("e.jpg", "n0"): [True],
        ("f.jpg", "n1"): [True],
    }
    give(
        contains,
        [
            on(worker=f"w{w}", image=image, label=label, selected=str(selected).lower())
            for (image, label), by_worker in answers.items()
            for w, selected in enumerate(by_worker)
        ],
    )
    aggregate(contains)
    give(
        classify,
        [
            form(worker=f"{image} {w}", image=f"{image}.jpg", selected=selected, main=main)
            for image, selected, main in (
                ("a", ["n0", "n1"], "n0"),
                ("b", ["n1", "n2"], "n2"),  # the main object is not the dataset label's
                ("c", ["n0", "n3"], "n0"),  # no object of the dataset label
                ("d", [], ""),
                ("e", ["n0", "n1"], "n1"),  # easy: one object, whatever was answered
                ("f", ["n2"], "n2"),
            )
            for w in range(2)
        ],
    )
    classify.campaign_images.update(group="fu")
    classify.campaign_images.filter(image__key="e.jpg").update(group="easy")
    aggregate(classify)
    labels = dict(dataset.labels.values_list("key", "pk"))
    Classifier.objects.create(dataset=dataset, name="silent")
    speaking = Classifier.objects.create(dataset=dataset, name="speaking")
    images = dict(dataset.images.values_list("key", "pk"))
    Prediction.objects.bulk_create(
        Prediction(
            classifier=speaking,
            image_id=images[f"{image}.jpg"],
            labels=[labels[label] for label in ranked],
            scores=[1 / (rank + 1) for rank in range(len(ranked))],
        )
        for image, ranked in {
            "a": ["n0", "n1"],
            "b": ["n2"],
            "c": ["n2"],
            "d": [],
            "e": ["n0"],
            "f": ["n2"],
        }.items()
    )

    numbers = headlines(contains, classify, {"a.jpg": {"n0", "n1"}, "e.jpg": {"n0", "n3"}})
    assert (numbers.images, numbers.pairs, numbers.candidates_per_image) == (6, 9, 1.5)
    assert numbers.hits == {c.kind: c.hits.count() for c in (contains, classify)}
    assert numbers.judgments == {"contains": 16, "classify": 12}
    assert numbers.workers == 3 + 12
    assert numbers.rivalled == Share(1, 2)
    assert numbers.groups == {"easy": 1, "fu": 5}
    assert numbers.multi_object == Share(3, 6)
    assert numbers.multi_object_truth == Share(2, 6)
    assert numbers.disagreements == Share(2, 3)
    assert headlines(contains, classify).multi_object_truth is None
    silent, speaking = numbers.accuracies
    assert (silent.classifier, silent.top1["all"]) == ("silent", Share(0, 0))
    assert silent.multi_label["all"] == Share(0, 0)
    assert speaking.top1 == {"all": Share(3, 5), "single": Share(1, 2), "multi": Share(2, 3)}
    assert speaking.multi_label == {"all": Share(4, 5), "single": Share(2, 2), "multi": Share(2, 3)}


def test_a_study_nobody_worked_on_has_no_shares():
    dataset = make_lettered_dataset()
    contains, classify = (make_draft(dataset, kind) for kind in ("contains", "classify"))
    numbers = headlines(contains, classify, {})
    assert (numbers.images, numbers.pairs, numbers.candidates_per_image) == (0, 0, 0.0)
    assert (numbers.workers, numbers.judgments) == (0, {"contains": 0, "classify": 0})
    nothing = Share(0, 0)
    assert (numbers.rivalled, numbers.multi_object, numbers.disagreements) == (nothing,) * 3
    assert numbers.multi_object_truth == nothing
