"""The examples in the API's description: of the reader's own study where there is one.

The description is built once with names in capitals; each reader gets it with names that are true
for them, so that an example can be sent as it stands.
"""

from dataclasses import astuple, dataclass, fields
from typing import Any

from annotation.rights import visible
from imagesets.models import Dataset
from imagesets.pictures.demo_photos import SLUG
from models_inference.models import Classifier
from tasks.models import Campaign, HITItem
from tasks.models.campaign import Kind, State

# Bodies by the name of a route and method. Values in capitals are those of Examples.
BODIES: dict[tuple[str, str], Any] = {
    ("campaigns/", "post"): {
        "name": "A second look",
        "dataset": "DATASET",
        "kind": "contains",
        "crowd": "local",
        "workers_per_item": 3,
    },
    ("campaigns/{slug}/", "patch"): {"title": "What is in these pictures?"},
    ("campaigns/{slug}/publish/", "post"): {},
    ("campaigns/{slug}/pause/", "post"): {"why": "a question about a label"},
    ("campaigns/{slug}/resume/", "post"): {"why": "answered"},
    ("campaigns/{slug}/close/", "post"): {"why": "enough answers"},
    ("campaigns/{slug}/sync/", "post"): {},
    ("campaigns/{slug}/aggregate/", "post"): {},
    ("campaigns/{slug}/invitations/", "post"): {"count": 2, "uses": 1, "expires": 7},
    ("campaigns/{slug}/responses/", "post"): [
        {"worker": "ada", "hit": "HIT", "image": "IMAGE", "label": "LABEL", "selected": True}
    ],
    ("datasets/{slug}/classifiers/", "post"): {"name": "resnet18", "architecture": "resnet18"},
    ("datasets/{slug}/predictions/", "post"): {"classifiers": ["CLASSIFIER"]},
    ("datasets/{slug}/images/{public_id}/withdraw/", "post"): {"why": "a face"},
    ("datasets/{slug}/images/{public_id}/bring_back/", "post"): {"why": "it is a statue's"},
}
PARAMETERS = {"table": "judgments", "extension": "csv", "public_id": "PUBLIC_ID"}


@dataclass(frozen=True)
class Examples:
    """What stands in the place of each name in capitals; by default, of the demo's study."""

    CAMPAIGN: str = "photos-contains"
    DATASET: str = SLUG
    CLASSIFIER: str = "efficientnet_lite0"
    IMAGE: str = "collage-01.jpg"
    LABEL: str = "n02124075"
    HIT: str = "1"
    PUBLIC_ID: str = "3kq0ZrVn5bXa7cQe"  # an image's


def examples_for(user: Any) -> Examples:
    """Names of the newest study that the user sees."""
    if not user.is_authenticated:
        return Examples()
    campaigns = visible(user, Campaign.objects.filter(kind=Kind.CONTAINS).order_by("-pk"))
    campaign = campaigns.exclude(state=State.DRAFT).first() or campaigns.first()
    dataset = (
        campaign.dataset if campaign else visible(user, Dataset.objects.order_by("-pk")).first()
    )
    if dataset is None:
        return Examples()
    classifier = Classifier.objects.filter(dataset=dataset).order_by("name").first()
    return Examples(
        campaign.slug if campaign else Examples.CAMPAIGN,
        dataset.slug,
        classifier.name if classifier else Examples.CLASSIFIER,
        *_item_of(campaign, dataset),
    )


def _item_of(campaign: Campaign | None, dataset: Dataset) -> tuple[str, str, str, str]:
    """Keys of an image, a label and the HIT that asks them; before publishing, of the first two.

    And the image's public id.
    """
    items = HITItem.objects.filter(hit__campaign=campaign, label__isnull=False)
    item = items.select_related("hit", "image", "label").first() if campaign else None
    if item is not None and item.label is not None:
        return item.image.key, item.label.key, item.hit.key, item.image.public_id
    image, label = dataset.images.order_by("key").first(), dataset.labels.order_by("key").first()
    return (
        image.key if image else Examples.IMAGE,
        label.key if label else Examples.LABEL,
        Examples.HIT,
        image.public_id if image else Examples.PUBLIC_ID,
    )


def add_examples(operation: dict[str, Any], path: str, method: str) -> None:
    """Give an operation of the description its examples, in capitals."""
    route = path.removeprefix("/api/")
    for parameter in operation.get("parameters", ()):
        name = parameter["name"]
        if name == "slug":
            parameter["example"] = "CAMPAIGN" if route.startswith("campaigns/") else "DATASET"
        elif name in PARAMETERS and parameter["in"] == "path":
            parameter["example"] = PARAMETERS[name]
    body = BODIES.get((route, method.lower()))
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        if body is not None and media_type == "application/json":
            content["example"] = body


def filled_in(part: Any, examples: Examples) -> Any:
    """A part of the description with the names in capitals replaced, in `example` alone."""
    names = dict(zip((field.name for field in fields(Examples)), astuple(examples), strict=True))

    def replaced(value: Any, is_example: bool) -> Any:
        if isinstance(value, dict):
            return {k: replaced(v, is_example or k == "example") for k, v in value.items()}
        if isinstance(value, list):
            return [replaced(each, is_example) for each in value]
        return names.get(value, value) if is_example and isinstance(value, str) else value

    return replaced(part, False)
