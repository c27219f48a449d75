"""A dataset with random predictions."""

import random

import pytest

from imagesets.models import Dataset, Image
from models_inference.models import Classifier, Prediction


@pytest.fixture
def dataset(db):
    """40 images (each fifth without a dataset label), 12 labels, 4 classifiers, one of them new."""
    rng = random.Random(3)
    for slug in ("other", "main"):  # the other's rows must never show
        dataset = Dataset.objects.create(slug=slug, name=slug)
        labels = [dataset.labels.create(key=f"k{n}", names=[f"name {n}"]) for n in range(12)]
        images = [
            Image.objects.create(
                dataset=dataset,
                key=f"{n}.jpg",
                location="/nowhere",
                sha256=str(n),
                width=1,
                height=1,
                dataset_label=None if n % 5 == 0 else rng.choice(labels),
            )
            for n in range(40)
        ]
        for name in ("a", "b", "c, with comma", "new"):
            classifier = Classifier.objects.create(dataset=dataset, name=name)
            for image in images if name != "new" else []:
                if rng.random() < 0.9:
                    best = rng.sample(labels, rng.choice([0, 1, 3, 10]))
                    scores = sorted((rng.random() for _ in best), reverse=True)
                    Prediction.objects.create(
                        classifier=classifier,
                        image=image,
                        labels=[label.id for label in best],
                        scores=scores,
                    )
    return dataset
