"""Small studies in the database, with real tiny pictures, made through the engine itself."""

import hashlib
import io
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image as Picture

from imagesets.models import Dataset, Image, Label
from models_inference.models import Classifier, Prediction
from tasks.campaigns.publish import publish
from tasks.models import Assignment, Campaign, HITItem, Pair, Worker
from tasks.work.claiming import next_assignment
from tasks.work.submitting import submit

# Keys that a careless table breaks on: a comma, quotes, a line break, letters of other scripts.
IMAGE_KEYS = ['a, "b".png', "c\nd.png", "e/ß/猫.png", "f.png", "g'h.png", "i\\j.png", "k l.png"]
LABEL_KEYS = ["325", "n02123045", "α,β", 'l"m']


def make_dataset(folder: Path, slug: str = "tiny", images: int = 7) -> Dataset:
    """Pictures of 8 x 6 pixels in `folder`; image i has label i mod 4, the last one none.

    Two classifiers: `first` ranks an image's own label and the next one, `second` the next two.
    """
    dataset = Dataset.objects.create(slug=slug, name=slug.title())
    labels = Label.objects.bulk_create(
        Label(dataset=dataset, key=key, names=[f"thing {n}"], definition=f"definition {n}")
        for n, key in enumerate(LABEL_KEYS)
    )
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for number in range(images):
        colour = ((37 * number) % 256, (91 * number) % 256, 128)
        file = folder / f"{number}.png"
        buffer = io.BytesIO()
        Picture.new("RGB", (8, 6), colour).save(buffer, "PNG")
        file.write_bytes(buffer.getvalue())
        made.append(
            Image(
                dataset=dataset,
                key=IMAGE_KEYS[number] if number < len(IMAGE_KEYS) else f"{number:06d}.png",
                location=str(file),
                sha256=hashlib.sha256(buffer.getvalue()).hexdigest(),
                width=8,
                height=6,
                dataset_label=labels[number % 4] if number != len(IMAGE_KEYS) - 1 else None,
            )
        )
    made = Image.objects.bulk_create(made)
    for shift, name in enumerate(("first", "second")):
        classifier = Classifier.objects.create(dataset=dataset, name=name)
        Prediction.objects.bulk_create(
            Prediction(
                classifier=classifier,
                image=image,
                labels=[labels[(number + shift + step) % 4].pk for step in (0, 1)],
                scores=[0.6, 0.25],
            )
            for number, image in enumerate(made)
        )
    return dataset


def make_campaign(dataset: Dataset, kind: str = "contains", **settings: Any) -> Campaign:
    """A campaign, published; small HITs, two answers each, unless the settings say otherwise."""
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


def make_workers(number: int) -> list[Worker]:
    """So many workers of the local crowd."""
    return [Worker.of("local", f"person-{n}@example.org") for n in range(number)]


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


def none_of_these_first(assignment: Assignment, rng: random.Random) -> dict[str, Any]:
    """A random answer to a CLASSIFY HIT, but its first image has none of the labels."""
    answer = a_random_answer(assignment, rng)
    answer["answers"][0] |= {"selected": [], "main": None}
    return answer


def work_through(
    campaign: Campaign,
    workers: list[Worker],
    seed: int = 0,
    answer: Callable[[Assignment, random.Random], dict[str, Any]] = a_random_answer,
) -> int:
    """Let each worker in turn answer until nothing is left for him; how many HITs were done."""
    rng = random.Random(seed)
    done = 0
    for worker in workers:
        while assignment := next_assignment(campaign, worker):
            submit(assignment, answer(assignment, rng))
            done += 1
    campaign.refresh_from_db()
    return done
