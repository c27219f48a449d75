"""A campaign of CONTAINS whose one HIT has sections of chosen sizes."""

from collections.abc import Sequence

from imagesets.models import Dataset
from tasks.models import HIT, Campaign, CampaignImage, CampaignLabel, HITItem, Pair
from tasks.models.campaign import State
from tasks.work.rounds import open_round


def open_sections(dataset: Dataset, sizes: Sequence[int], **settings) -> Campaign:
    """An open campaign for anyone with one HIT: section n asks for the dataset's n-th label.

    The dataset needs as many images as the sizes sum to; no image stands in the HIT twice.
    """
    name = "-".join(["sections", *map(str, sizes)])
    campaign = Campaign.objects.create(
        **({"name": name, "slug": name, "open": "anyone"} | settings),
        dataset=dataset,
        kind="contains",
    )
    hit = HIT.objects.create(campaign=campaign, key="hit", expected_seconds=60)
    images = iter(dataset.images.order_by("key"))
    labels = dataset.labels.order_by("key")
    position = 0
    for section, (size, label) in enumerate(zip(sizes, labels, strict=False)):
        CampaignLabel.frozen(campaign, label).save()
        for _ in range(size):
            image = next(images)
            CampaignImage.objects.create(campaign=campaign, image=image)
            pair = Pair.objects.create(campaign=campaign, image=image, label=label)
            HITItem.objects.create(
                hit=hit,
                position=position,
                section=section,
                image=image,
                label=label,
                pair=pair,
                role="study",
            )
            position += 1
    campaign.move_to(State.OPEN, "a test")
    open_round(campaign, after=0, who="a test")
    campaign.refresh_from_db()
    return campaign
