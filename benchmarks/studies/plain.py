"""A dataset of plain pictures with a classifier's predictions, enough to publish any campaign."""

import hashlib
from pathlib import Path

LABELS = 6
PRACTISED = 24  # pictures beside those that campaigns ask about
PRACTICE = {"items": 8, "pass": 0.75, "tries": 2}


def make_dataset(folder: Path, images: int):
    """Of so many pictures, and PRACTISED more, of which is known what they show."""
    from PIL import Image as Picture

    from imagesets.models import Dataset, Image, Label
    from models_inference.models import Classifier, Prediction
    from tasks.models import KnownAnswer

    dataset = Dataset.objects.create(slug="plain", name="Plain")
    labels = Label.objects.bulk_create(
        Label(dataset=dataset, key=f"n{n}", names=[f"thing {n}"]) for n in range(LABELS)
    )
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for n in range(images + PRACTISED):
        path = folder / f"{n}.png"
        Picture.new("RGB", (32, 24), (n * 37 % 256, n * 91 % 256, 99)).save(path)
        rows.append(
            Image(
                dataset=dataset,
                key=path.name,
                location=str(path),
                sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
                width=32,
                height=24,
                dataset_label=labels[n % LABELS],
            )
        )
    rows = Image.objects.bulk_create(rows)
    classifier = Classifier.objects.create(dataset=dataset, name="one")
    Prediction.objects.bulk_create(
        Prediction(
            classifier=classifier,
            image=image,
            labels=[labels[(n + step) % LABELS].pk for step in (0, 1)],
            scores=[0.6, 0.3],
        )
        for n, image in enumerate(rows)
    )
    KnownAnswer.objects.bulk_create(
        KnownAnswer(
            dataset=dataset, image=image, label=labels[(n + step) % LABELS], present=not step
        )
        for n, image in enumerate(rows[images:], images)
        for step in (0, 3)
    )
    return dataset


def asked(dataset) -> list[str]:
    """The keys of the pictures that campaigns ask about."""
    keys = dataset.images.order_by("pk").values_list("key", flat=True)
    return list(keys)[:-PRACTISED]
