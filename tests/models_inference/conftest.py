"""Datasets of real photographs with ImageNet's labels."""

import csv
import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image as Picture

from imagesets.labels.imagenet import imagenet_classes
from imagesets.models import Dataset, Image, Label
from models_inference.models import Classifier

PHOTOS = Path(__file__).resolve().parents[3] / "shared" / "photos"


def add_images(dataset: Dataset, files: list[Path], labels: dict[str, str] | None = None) -> None:
    """Register files as a dataset's images under their names."""
    ids = dict(dataset.labels.values_list("key", "id"))
    for file in files:
        content = file.read_bytes()
        with Picture.open(file) as picture:
            width, height = picture.size
        Image.objects.create(
            dataset=dataset,
            key=file.name,
            location=str(file),
            sha256=hashlib.sha256(content).hexdigest(),
            width=width,
            height=height,
            dataset_label_id=ids[labels[file.name]] if labels else None,
        )


@pytest.fixture
def make_dataset(db) -> Callable[..., Dataset]:
    """A function that makes a dataset with the labels of these keys (default: ImageNet's)."""

    def make(slug: str = "sample", keys: list[str] | None = None) -> Dataset:
        dataset = Dataset.objects.create(slug=slug, name=slug)
        entries = imagenet_classes()
        Label.objects.bulk_create(
            Label(dataset=dataset, key=entry.key, names=list(entry.names))
            for entry in entries
            if keys is None or entry.key in keys
        )
        return dataset

    return make


@pytest.fixture(scope="session")
def photo_labels() -> dict[str, str]:
    """File name -> WordNet id of the 63 photographs beside the checkout; skips without them."""
    table = PHOTOS / "labels.csv"
    if not table.is_file():
        pytest.skip(f"{table} is not on this machine")
    with table.open(newline="") as file:
        return {row["image"]: row["wnid"] for row in csv.DictReader(file)}


@pytest.fixture
def photos(make_dataset, photo_labels) -> Dataset:
    """The 63 photographs as a dataset."""
    dataset = make_dataset("photos")
    add_images(dataset, sorted((PHOTOS / "images").iterdir()), photo_labels)
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
