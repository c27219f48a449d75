"""Asks the network of a classifier on trial about three pictures."""

from typing import cast

from imagesets.locations import read_same
from imagesets.pictures.decoding import open_rgb
from models_inference.classifiers.trials import ANSWERS, OUTPUTS, Said, note, shown_of
from models_inference.errors import InferenceError
from models_inference.models import Classifier, Trial
from models_inference.networks.devices import choose_device
from models_inference.networks.network import load
from models_inference.networks.weights import first_line


def try_network(trial: Trial) -> None:
    """Load the network, ask it, and note what it says. Raises InferenceError."""
    import torch

    network = load(
        Classifier(
            dataset=trial.dataset,
            name=trial.name,
            architecture=trial.architecture,
            weights=trial.weights,
            input=trial.input,
            mapping=trial.mapping,
        ),
        choose_device("auto"),
    )
    labels = network.labels
    meant = labels.labels[labels.position].tolist()
    label_of = dict(zip(labels.kept.tolist(), meant, strict=True))
    images = shown_of(trial.dataset)
    transform, middle = network.preprocessing.transform(), network.preprocessing.resizing.middle
    try:
        pictures = [open_rgb(read_same(image.location, image.sha256)) for image in images]
        pixels = torch.stack([transform(middle(picture)) for picture in pictures])
        logits = network.logits(pixels)
    except (OSError, ValueError, RuntimeError, AssertionError) as error:
        raise InferenceError(f"It could not be asked about pictures: {first_line(error)}") from None
    best = torch.softmax(logits, dim=1).topk(min(ANSWERS, logits.shape[1]), dim=1)
    answers = zip(best.indices.tolist(), best.values.tolist(), strict=True)
    note(
        trial,
        Said(
            pictures={
                image.pk: [
                    (output, label_of.get(output), score)
                    for output, score in zip(outputs, scores, strict=True)
                ]
                for image, (outputs, scores) in zip(images, answers, strict=True)
            },
            outputs=cast("list[tuple[int, int]]", list(label_of.items())[:OUTPUTS]),
            classes=labels.classes,
            matched=len(label_of),
            notes=[f"From its weights file: {network.taken}."] if network.taken else [],
        ),
    )
