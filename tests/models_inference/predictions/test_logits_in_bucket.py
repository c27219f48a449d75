"""Logits made in parts on several machines, merged from the bucket."""

import numpy as np
import pytest

from models_inference.models import Classifier
from models_inference.predictions.logits import folder, keep_logits, read
from tests.factories import make_imagenet_dataset


@pytest.fixture
def classifier(db) -> Classifier:
    return Classifier.objects.create(
        dataset=make_imagenet_dataset(keys=[]), name="a/b", architecture="x"
    )


def test_parts_of_several_machines_are_one_and_fetched_once(
    classifier, bucket, settings, tmp_path, monkeypatch
):
    settings.AWS_STORAGE_BUCKET_NAME, settings.LOGITS_IN_BUCKET = bucket, True
    logits = np.arange(60, dtype=np.float32).reshape(12, 5)
    for machine, images in enumerate(([8, 9, 10], [1, 2, 3], [3, 4])):
        settings.DATA_DIR = tmp_path / f"machine {machine}"
        keep_logits(classifier, images, logits[images])
        assert not settings.DATA_DIR.exists()
    settings.DATA_DIR = tmp_path / "reader"
    ids, kept = read(classifier)
    assert ids.tolist() == [1, 2, 3, 4, 8, 9, 10]
    assert np.array_equal(kept, logits[ids])
    keep_logits(classifier, [11], logits[[11]])
    fetched = []
    from models_inference.predictions import logits as module

    real = module.read_bytes
    monkeypatch.setattr(module, "read_bytes", lambda at: fetched.append(at) or real(at))
    ids, kept = read(classifier)
    assert ids.tolist()[-1] == 11
    assert np.array_equal(kept, logits[ids])
    assert len(fetched) == 1
    assert list(folder(classifier).glob("parts/*")) == []
    assert len(read(classifier)[0]) == 8
