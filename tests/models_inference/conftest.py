"""Photographs and tiny networks."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image as Picture

from imagesets.models import Dataset
from models_inference.models import Classifier
from tests.factories import add_images, make_imagenet_dataset
from tests.studies.photographs import PHOTOS, needs_photographs, wordnet_ids


@pytest.fixture
def photos(db) -> Dataset:
    """The photographs as a dataset."""
    if PHOTOS is None:
        pytest.skip(needs_photographs.kwargs["reason"])
    dataset = make_imagenet_dataset("photos")
    add_images(dataset, sorted((PHOTOS / "images").iterdir()), wordnet_ids())
    return dataset


@pytest.fixture
def pictures(tmp_path) -> list[Path]:
    """Twelve photographs made from scikit-image's own, of sizes and shapes that differ."""
    from skimage import data

    names = ["astronaut", "chelsea", "coffee", "rocket"]
    files = []
    for number in range(12):
        picture = Picture.fromarray(getattr(data, names[number % 4])())
        width, height = picture.size
        cut = picture.crop((number, 2 * number, width - 9 * number, height))
        file = tmp_path / f"picture_{number:02}.jpg"
        cut.save(file, quality=92)
        files.append(file)
    return files


@pytest.fixture
def tiny(tmp_path) -> Callable[..., Classifier]:
    """A function that registers a classifier of a tiny network with random weights in a file."""
    import torch

    from models_inference.networks.timm_import import timm

    def make(dataset: Dataset, name: str = "tiny", **fields) -> Classifier:
        architecture = fields.pop("architecture", "test_efficientnet")
        torch.manual_seed(sum(name.encode()))
        file = tmp_path / f"{name}.pth"
        network = timm().create_model(architecture, num_classes=fields.pop("classes", 1000))
        torch.save(network.state_dict(), file)
        return Classifier.objects.create(
            dataset=dataset, name=name, architecture=architecture, weights=str(file), **fields
        )

    return make
