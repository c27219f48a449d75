"""Before publishing, the site names duplicates among the images of the campaign."""

import random

import pytest
from django.core.management import call_command

from imagesets.models import Image
from imagesets.pictures.duplicates import compare_all
from tasks.campaigns.findings import image_findings
from tasks.models import Campaign
from tests.factories import make_dataset

pytestmark = pytest.mark.django_db


@pytest.fixture
def draft() -> Campaign:
    """Asks three of twelve images: 000 and 001 are one file, 002 looks like 003."""
    dataset = make_dataset()
    keys = ["000.jpg", "001.jpg", "002.jpg"]
    for number, image in enumerate(dataset.images.order_by("key")):
        image.sha256 = f"{max(number, 1):064}"
        image.perceptual_hash = random.Random(3 if number == 2 else number).getrandbits(63)
        image.save()
    return Campaign.objects.create(
        name="C", slug="c", dataset=dataset, kind="contains", images=keys
    )


def test_only_images_of_the_campaign_count_before_and_after(draft, capsys):
    sentence = image_findings(draft)
    assert sentence.startswith("Of its images 2 in 1 group are the same files (000.jpg, 001.jpg):")
    call_command("publish", "c")
    assert sentence in " ".join(capsys.readouterr().out.split())
    Campaign.objects.update(images="all")  # what was laid out counts
    assert image_findings(Campaign.objects.get()) == sentence


def test_a_campaign_of_all_images_takes_what_the_import_found(draft):
    draft.images = "all"
    compared = image_findings(draft)
    assert "2 in 1 group look alike (002.jpg, 003.jpg)" in compared
    compare_all(draft.dataset)
    Image.objects.update(sha256="0" * 64)  # not compared again
    assert image_findings(draft) == compared
