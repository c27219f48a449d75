"""The headline numbers count every answered image by its number of objects."""

import pytest

from annotation.report.study import Share, headlines
from models_inference.models import Classifier, Prediction
from tasks.results import aggregate
from tests.factories import make_lettered_dataset
from tests.studies.judgment_files import form, give, make_draft

pytestmark = pytest.mark.django_db


def test_images_count_by_their_number_of_objects(monkeypatch):
    """a.jpg: several, but too many labels to be parted; b: two objects; c: one; d: none."""
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
    keys = dict(dataset.labels.values_list("key", "pk"))
    Prediction.objects.bulk_create(
        Prediction(classifier=classifier, image=image, labels=[keys[label]], scores=[1.0])
        for image, label in zip(
            dataset.images.filter(key__in=["a.jpg", "b.jpg", "c.jpg", "d.jpg"]).order_by("key"),
            ("n5", "n1", "n9", "n3"),
            strict=True,
        )
    )
    found = headlines(contains, classify, {"a.jpg": {"n0", "n1"}, "c.jpg": {"n2"}})
    assert found.multi_object == Share(2, 4)
    assert found.multi_object_truth == Share(1, 4)
    (one,) = found.accuracies
    assert {split: share.n for split, share in one.top1.items()} == {
        "all": 4,
        "single": 1,
        "multi": 2,
    }
    assert one.multi_label == {"all": Share(1, 3), "single": Share(0, 1), "multi": Share(1, 1)}
