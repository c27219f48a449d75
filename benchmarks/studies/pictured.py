"""A site of its own with the demo's pictures, and HITs of chosen shapes to work on."""

import contextlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

SLUG = "photos"


@contextlib.contextmanager
def site() -> Iterator[str]:
    """The address of the site, served as `up` serves it; nothing is left of it afterwards."""
    with tempfile.TemporaryDirectory(prefix="second-look-pictured-") as folder:
        os.environ |= {
            "DATA_DIR": folder,
            "DJANGO_SETTINGS_MODULE": "annotation.settings",
            "DJANGO_ALLOW_ASYNC_UNSAFE": "true",  # Playwright keeps an event loop in this thread
        }
        import django

        from annotation.serving.embedded import remove_database, running

        with running(Path(folder)):
            django.setup()
            from annotation.serving.web import web_server

            _import_pictures(Path(folder))
            with web_server(environment={}) as address:
                yield address
            from django.db import connections

            connections.close_all()
        with contextlib.suppress(Exception):
            remove_database(Path(folder))


def _import_pictures(folder: Path) -> None:
    from django.core.management import call_command

    from imagesets.importing.import_dataset import import_dataset
    from imagesets.models import Image
    from imagesets.pictures.demo_photos import make_photos
    from imagesets.pictures.derivatives import make

    call_command("migrate", verbosity=0)
    make_photos(folder / "photos")
    import_dataset(
        SLUG,
        folder / "photos" / "images",
        classes=folder / "photos" / "classes.csv",
        labels=folder / "photos" / "labels.csv",
    )
    for image in Image.objects.all():
        make(image)  # a site in use made each when it was first asked for


def open_contains(hits: Sequence[Sequence[int]], labels: Sequence[str] = (), **fields: Any) -> Any:
    """An open campaign of CONTAINS HITs, each given by the number of tiles in its sections.

    `labels`: keys of the labels asked for, in turn; by default the dataset's, in their order.
    """
    from tasks.models import HITItem

    campaign, asked = _campaign("contains", labels, **fields)
    images = list(campaign.dataset.images.order_by("pk"))
    turn, items = count(), []
    for hit, sections in zip(_hits(campaign, len(hits)), hits, strict=True):
        tiles = [(section, next(turn)) for section, n in enumerate(sections) for _ in range(n)]
        for position, (section, picture) in enumerate(tiles):
            items.append(
                HITItem(
                    hit=hit,
                    position=position,
                    section=section,
                    image=images[picture % len(images)],
                    label=asked[(hit.pk + section) % len(asked)],
                    role="study",
                )
            )
    HITItem.objects.bulk_create(items)
    return _opened(campaign)


def open_classify(hits: int, offered: Sequence[int], labels: Sequence[str] = (), **fields: Any):
    """An open campaign of CLASSIFY HITs; `offered`: the number of labels of each picture."""
    from tasks.models import HITItem, Pair

    campaign, asked = _campaign("classify", labels, **fields)
    images = campaign.dataset.images.order_by("pk")[: len(offered)]
    turn = count()
    for image, number in zip(images, offered, strict=True):
        for _ in range(number):
            label = asked[next(turn) % len(asked)]
            Pair.objects.create(campaign=campaign, image=image, label=label)
    for hit in _hits(campaign, hits):
        HITItem.objects.bulk_create(
            HITItem(hit=hit, position=n, section=n, image=image, role="study")
            for n, image in enumerate(images)
        )
    return _opened(campaign)


def _campaign(kind: str, keys: Sequence[str], **fields: Any) -> tuple[Any, list[Any]]:
    """A draft for anybody, and the labels that it asks for."""
    from imagesets.models import Dataset
    from tasks.models import Campaign, CampaignLabel

    dataset = Dataset.objects.get(slug=SLUG)
    slug = f"{kind}-{Campaign.objects.count()}"
    campaign = Campaign.objects.create(
        **({"name": slug, "slug": slug, "workers_per_item": 9, "round_size": 9} | fields),
        dataset=dataset,
        kind=kind,
        open="anyone",
    )
    by_key = {label.key: label for label in dataset.labels.order_by("pk")}
    labels = [by_key[key] for key in keys or by_key]
    CampaignLabel.objects.bulk_create(
        CampaignLabel.frozen(campaign, label) for label in dict.fromkeys(labels)
    )
    return campaign, labels


def _hits(campaign: Any, number: int) -> list[Any]:
    from tasks.models import HIT

    return HIT.objects.bulk_create(
        HIT(campaign=campaign, key=str(n), expected_seconds=90) for n in range(number)
    )


def _opened(campaign: Any) -> Any:
    from tasks.models.campaign import State
    from tasks.work.rounds import open_round

    campaign.move_to(State.OPEN, "a benchmark")
    open_round(campaign, after=0, who="a benchmark")
    campaign.refresh_from_db()
    return campaign


def door(address: str, campaign: Any) -> str:
    """Where workers begin."""
    return f"{address}/tasks/{campaign.public_id}/"
