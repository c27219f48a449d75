"""Publishing says which images it asks about on less than the settings ask for, with counts."""

from django.core.management import call_command

from models_inference.models import Prediction
from tasks.models import Campaign
from tests.factories import client_of


def test_images_without_any_prediction_and_short_lists_are_said_wherever_one_publishes(
    dataset, capsys
):
    Prediction.objects.filter(image__key__in=["000.jpg", "001.jpg"]).delete()
    Prediction.objects.filter(classifier__name="second", image__key="002.jpg").delete()
    dataset.images.filter(key="001.jpg").update(dataset_label=None)
    expected = [
        "1 images have no labels to offer and are not asked.",
        "Without any prediction, so asked about their dataset label alone: 1 of 12 images.",
        "Images for which first names fewer than 5 labels: 10.",
        "Of 12 images second has predictions for 9.",
        "Images for which second names fewer than 5 labels: 9.",
    ]
    for slug in ("one", "two"):
        Campaign.objects.create(name=slug, slug=slug, dataset=dataset, kind="contains")
    call_command("publish", "one")
    assert capsys.readouterr().out.splitlines()[:5] == expected
    client = client_of("anna", "researcher")
    reply = client.post("/api/campaigns/two/publish/", {}, content_type="application/json")
    assert reply.json()["notes"] == expected
