"""A campaign of real pictures of odd shapes, and the fields that its pages' forms send."""

import hashlib
from pathlib import Path

from PIL import Image as Pillow
from PIL import ImageDraw

from imagesets.models import Dataset, Image, Label
from tasks.models import HIT, Campaign, CampaignImage, CampaignLabel, HITItem, Pair
from tasks.models.campaign import State
from tasks.work.rounds import open_round

SHAPES = ((320, 240), (240, 320), (600, 120), (1, 1))
WORDS = (
    ("n01", ["tabby", "tabby cat"], "a cat with a grey or tawny coat", 1),
    ("n02", ["Egyptian cat"], "a domestic cat of Egypt", 2),
    ("n03", ["espresso"], "strong black coffee", 1),
    ("n04", ["tripod"], "", 0),
    ("n05", ["<b>suit</b>", "suit & tie"], 'clothes "of" the same material', 0),
)


def make_pictures(folder: Path, images: int = 12, slug: str = "pictures") -> Dataset:
    """A dataset of real files; image i has dataset label i mod 5."""
    dataset = Dataset.objects.create(slug=slug, name=slug)
    labels = [
        Label.objects.create(
            dataset=dataset,
            key=key,
            names=names,
            definition=definition,
            wikipedia=[f"https://en.wikipedia.org/wiki/Article_{n}" for n in range(links)],
        )
        for key, names, definition, links in WORDS
    ]
    for number in range(images):
        width, height = SHAPES[number % len(SHAPES)]
        picture = Pillow.new("RGB", (width, height), (40 * number % 256, 90, 160))
        ImageDraw.Draw(picture).ellipse((width // 4, 0, width // 2, height), fill="white")
        path = folder / f"secret-{number:03d}.png"
        picture.save(path)
        Image.objects.create(
            dataset=dataset,
            key=path.name,
            location=str(path),
            sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
            width=width,
            height=height,
            dataset_label=labels[number % len(labels)],
        )
    return dataset


def open_campaign(dataset: Dataset, kind: str, per_hit: int = 6, **settings) -> Campaign:
    """An open campaign for anyone, laid out by hand: every image with three labels.

    CONTAINS: HITs of two sections, the label of the images' own and its neighbour. CLASSIFY:
    `per_hit` images a HIT. A control stands in the first HIT of CONTAINS.
    """
    campaign = Campaign.objects.create(
        **({"name": f"A {kind}", "slug": f"a-{kind}", "open": "anyone"} | settings),
        dataset=dataset,
        kind=kind,
    )
    labels = list(dataset.labels.order_by("key"))
    images = list(dataset.images.order_by("key"))
    for label in labels:
        CampaignLabel.frozen(campaign, label).save()
    pairs = {}
    for number, image in enumerate(images):
        CampaignImage.objects.create(campaign=campaign, image=image)
        for step in range(3):
            label = labels[(number + step) % len(labels)]
            pairs[image.pk, label.pk] = Pair.objects.create(
                campaign=campaign, image=image, label=label
            )
    for start in range(0, len(images), per_hit):
        hit = HIT.objects.create(campaign=campaign, key=f"hit-{start}", expected_seconds=60)
        some = images[start : start + per_hit]
        for position, image in enumerate(some):
            section = position * 2 // len(some)
            label = labels[section] if kind == "contains" else None
            control = kind == "contains" and start == 0 and position == 0
            HITItem.objects.create(
                hit=hit,
                position=position,
                section=section if kind == "contains" else position,
                image=image,
                label=label,
                pair=None if label is None or control else pairs.get((image.pk, label.pk)),
                role="control" if control else "study",
                known=True if control else None,
            )
    campaign.move_to(State.OPEN, "a test")
    open_round(campaign, after=0, who="a test")
    campaign.refresh_from_db()
    return campaign


def fields_of(sheet, choose=None) -> list[tuple[str, str]]:
    """A valid form: `choose(question, options)` says which options are checked (default: none)."""
    fields = list(sheet.hidden)
    for question in sheet.questions:
        chosen = choose(question) if choose else []
        fields += [(option.name, option.value) for option in chosen]
        if not chosen:
            fields += [(o.name, o.value) for o in question.options if o.name.startswith("none")]
    return fields
