"""Datasets, campaigns, workers and their answers, made through the engine itself."""

import hashlib
import io
import random
import string
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.test import Client
from PIL import Image as Picture

from annotation.models import Grant, Scope
from annotation.rights.granting import make_token
from imagesets.labels.imagenet import imagenet_classes
from imagesets.models import Dataset, Image, Label
from models_inference.models import Classifier, Prediction
from tasks.campaigns.publish import publish
from tasks.models import Assignment, Campaign, HITItem, Pair, Worker
from tasks.work.claiming import next_assignment
from tasks.work.submitting import submit

# Keys that a careless table breaks on: a comma, quotes, a line break, letters of other scripts.
IMAGE_KEYS = ['a, "b".png', "c\nd.png", "e/ß/猫.png", "f.png", "g'h.png", "i\\j.png", "k l.png"]
LABEL_KEYS = ["325", "n02123045", "α,β", 'l"m']

Answer = Callable[[Assignment], dict[str, Any]]


# Datasets


def make_dataset(
    images: int | Sequence[str] = 12,
    labels: int | Sequence[str] = 8,
    slug: str = "small",
    *,
    folder: Path | None = None,
    classifiers: Sequence[str] = ("first", "second"),
) -> Dataset:
    """Image i has the dataset label i mod `labels`.

    `images` and `labels` are how many, or their keys. The first classifier ranks an image's own
    label and the next one, the second classifier the next two. Only with a `folder` do the images
    have files: 8 x 6 pixels each.
    """
    image_keys = [f"{n:03d}.jpg" for n in range(images)] if isinstance(images, int) else images
    label_keys = [f"n{n:08d}" for n in range(labels)] if isinstance(labels, int) else labels
    dataset = Dataset.objects.create(slug=slug, name=slug.title())
    made_labels = Label.objects.bulk_create(
        Label(dataset=dataset, key=key, names=[f"thing {n}"], definition=f"definition {n}")
        for n, key in enumerate(label_keys)
    )
    made_images = Image.objects.bulk_create(
        Image(
            dataset=dataset,
            key=key,
            dataset_label=made_labels[number % len(made_labels)],
            **(_drawn(folder / f"{number}.png", number) if folder else _without_a_file(number)),
        )
        for number, key in enumerate(image_keys)
    )
    for shift, name in enumerate(classifiers):
        classifier = Classifier.objects.create(dataset=dataset, name=name)
        Prediction.objects.bulk_create(
            Prediction(
                classifier=classifier,
                image=image,
                labels=[made_labels[(n + shift + step) % len(made_labels)].pk for step in (0, 1)],
                scores=[0.6, 0.25],
            )
            for n, image in enumerate(made_images)
        )
    return dataset


def _without_a_file(number: int) -> dict[str, Any]:
    location, sha256 = f"/nowhere/{number:03d}.jpg", f"{number:064x}"
    return {"location": location, "sha256": sha256, "width": 100, "height": 80}


def _drawn(file: Path, number: int) -> dict[str, Any]:
    buffer = io.BytesIO()
    colour = ((37 * number) % 256, (91 * number) % 256, 128)
    Picture.new("RGB", (8, 6), colour).save(buffer, "PNG")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(buffer.getvalue())
    sha256 = hashlib.sha256(buffer.getvalue()).hexdigest()
    return {"location": str(file), "sha256": sha256, "width": 8, "height": 6}


def make_awkward_dataset(folder: Path, slug: str = "tiny") -> Dataset:
    """Seven images and four labels with awkward keys; the last image has no dataset label."""
    dataset = make_dataset(IMAGE_KEYS, LABEL_KEYS, slug, folder=folder)
    dataset.images.filter(key=IMAGE_KEYS[-1]).update(dataset_label=None)
    return dataset


def make_lettered_dataset(images: int = 6, labels: int = 4, slug: str = "given") -> Dataset:
    """Images a.jpg, b.jpg, ... (from the 27th 0026.jpg, ...), labels n0, n1, ..., no classifier."""
    letters = string.ascii_lowercase
    keys = [f"{letters[n]}.jpg" if n < 26 else f"{n:04d}.jpg" for n in range(images)]
    return make_dataset(keys, [f"n{n}" for n in range(labels)], slug, classifiers=())


def make_imagenet_dataset(slug: str = "sample", keys: Sequence[str] | None = None) -> Dataset:
    """No images yet; the ImageNet labels of these keys (default: all 1,000)."""
    dataset = Dataset.objects.create(slug=slug, name=slug)
    Label.objects.bulk_create(
        Label(dataset=dataset, key=entry.key, names=list(entry.names))
        for entry in imagenet_classes()
        if keys is None or entry.key in keys
    )
    return dataset


def add_images(dataset: Dataset, files: list[Path], labels: dict[str, str] | None = None) -> None:
    """Register files as a dataset's images under their names; `labels` {file name: label key}."""
    ids = dict(dataset.labels.values_list("key", "id"))
    for file in files:
        with Picture.open(file) as picture:
            width, height = picture.size
        Image.objects.create(
            dataset=dataset,
            key=file.name,
            location=str(file),
            sha256=hashlib.sha256(file.read_bytes()).hexdigest(),
            width=width,
            height=height,
            dataset_label_id=ids[labels[file.name]] if labels else None,
        )


# Campaigns


def make_campaign(dataset: Dataset, kind: str = "contains", **settings: Any) -> Campaign:
    """A published campaign: small HITs, two answers each, unless the settings say otherwise."""
    defaults: dict[str, Any] = {
        "slug": f"{dataset.slug}-{kind}",
        "workers_per_item": 2,
        "round_size": 2,
        "grid_size": 4,
        "max_sections": 3,
        "images_per_hit": 2,
        "title": "Look again",
        "instructions": "Look **closely**.",
    }
    settings = defaults | settings
    campaign = Campaign.objects.create(
        name=settings["slug"].title(), dataset=dataset, kind=kind, **settings
    )
    publish(campaign, who="a test")
    return campaign


# People


def make_user(
    name: str, role: str = "", campaign: Campaign | None = None, **permissions: bool
) -> User:
    """The user of that name, made if new, with this role for the campaign or the whole site."""
    user, _ = get_user_model().objects.get_or_create(username=name)
    if role:
        Grant.objects.create(user=user, role=role, campaign=campaign, **permissions)
    return user


def client_of(
    name: str, role: str = "", scopes: Sequence[str] = Scope.values, **grant: Any
) -> Client:
    """A client of the API with a new token of the user that make_user makes."""
    _, key = make_token(make_user(name, role, **grant), list(scopes), days=None, who="a test")
    return Client(headers={"authorization": f"Token {key}"}, raise_request_exception=False)


def make_workers(number: int) -> list[Worker]:
    """Workers of the local crowd, always the same ones."""
    return [Worker.of("local", f"person-{n}@example.org") for n in range(number)]


# Answers


def answer_no(assignment: Assignment) -> dict[str, Any]:
    """A valid answer to a CONTAINS HIT: nothing selected."""
    return {"selected": [], "maybe": [], "unseen": []}


def answer_truly(assignment: Assignment) -> dict[str, Any]:
    """Select the dataset label of each image of a CONTAINS HIT."""
    items = HITItem.objects.filter(hit=assignment.hit).select_related("image")
    selected = [i.position for i in items if i.label_id == i.image.dataset_label_id]
    return {"selected": selected, "maybe": [], "unseen": []}


def a_random_answer(assignment: Assignment, rng: random.Random) -> dict[str, Any]:
    """A valid answer to the assignment's HIT, of its campaign's kind."""
    if assignment.campaign.kind == "contains":
        answer: dict[str, Any] = {"selected": [], "maybe": [], "unseen": [], "active_seconds": 1.5}
        for position in assignment.shown:
            where = rng.choice(["selected", "maybe", "unseen", "", ""])
            if where:
                answer[where].append(position)
        return answer
    items = dict(HITItem.objects.filter(hit=assignment.hit).values_list("position", "image_id"))
    answers = []
    for position in assignment.shown:
        offered = list(
            Pair.objects.filter(campaign=assignment.campaign, image_id=items[position])
            .order_by("pk")
            .values_list("label_id", flat=True)
        )
        rng.shuffle(offered)
        selected = [label for label in offered if rng.random() < 0.6]
        answers.append(
            {
                "offered": offered,
                "selected": selected,
                "main": rng.choice(selected) if selected else None,
                "other": "" if selected else "a thing without a name",
            }
        )
    return {"answers": answers, "active_seconds": 0.1 + 0.2}


def random_answers(seed: int = 0, none_of_these_first: bool = False) -> Answer:
    """Random answers, one after another; `none_of_these_first`: to each first image of a form."""
    rng = random.Random(seed)

    def answer(assignment: Assignment) -> dict[str, Any]:
        answered = a_random_answer(assignment, rng)
        if none_of_these_first:
            answered["answers"][0] |= {"selected": [], "main": None}
        return answered

    return answer


def work_through(
    campaign: Campaign, workers: Worker | Iterable[Worker], answer: Answer = answer_no
) -> int:
    """Let each worker in turn answer until nothing is left for them; how many HITs were done."""
    done = 0
    for worker in [workers] if isinstance(workers, Worker) else workers:
        while assignment := next_assignment(campaign, worker):
            submit(assignment, answer(assignment))
            done += 1
    campaign.refresh_from_db()
    return done
