"""Datasets, labels and images in the admin: linked, linted, and history kept."""

import pytest
from django.urls import reverse

from imagesets.importing.import_dataset import import_dataset
from imagesets.models import Dataset, Image, Label
from tests.studies.drawn_pictures import jpeg

pytestmark = pytest.mark.django_db


@pytest.fixture
def dataset(tmp_path, settings) -> Dataset:
    settings.DATA_DIR = tmp_path / "data"
    (tmp_path / "images").mkdir()
    for i in range(3):
        (tmp_path / "images" / f"{i}.jpg").write_bytes(jpeg(i))
    (tmp_path / "classes.csv").write_text(
        "key,names,definition\na,maillot,one piece\nb,maillot;tank suit,\n"
    )
    (tmp_path / "labels.csv").write_text("image,label\n0.jpg,a\n1.jpg,b\n")
    return import_dataset(
        "set", tmp_path / "images", tmp_path / "classes.csv", tmp_path / "labels.csv"
    ).dataset


def page(client, model: str, page: str = "changelist", *args, **query) -> str:
    response = client.get(reverse(f"admin:imagesets_{model}_{page}", args=args), query)
    assert response.status_code == 200
    return response.content.decode()


def test_search(admin_client, dataset):
    text = page(admin_client, "label", q="tank SUIT")
    assert reverse("admin:imagesets_label_change", args=[Label.objects.get(key="b").pk]) in text
    image = Image.objects.get(key="2.jpg")
    for query in ("2.j", image.public_id, image.sha256):
        text = page(admin_client, "image", q=query)
        assert "2.jpg" in text
        assert "1.jpg" not in text


def test_from_the_datasets_to_the_import_page(admin_client, dataset):
    action = reverse("admin:imagesets_dataset_bring_in")
    assert action in page(admin_client, "dataset")
    assert admin_client.get(action).url == reverse("import-dataset")


def test_the_lint_stands_with_the_dataset(admin_client, dataset):
    text = page(admin_client, "dataset", "change", dataset.pk)
    assert "two labels have the same first name: 1" in text
    assert "a label has no definition: 1" in text
    assert reverse("admin:imagesets_label_change", args=[Label.objects.get(key="a").pk]) in text


def test_a_labels_texts_can_be_mended_and_its_key_not(admin_client, dataset):
    label = Label.objects.get(key="b")
    address = reverse("admin:imagesets_label_change", args=[label.pk])
    form = {"names": "maillot, tank suit\ntank", "definition": "a swimsuit", "key": "other"}
    assert admin_client.post(address, form).status_code == 302
    label.refresh_from_db()
    assert (label.names, label.key) == (["maillot, tank suit", "tank"], "b")


def test_images_are_not_changed_and_nothing_is_deleted(admin_client, dataset):
    image = Image.objects.first()
    address = reverse("admin:imagesets_image_change", args=[image.pk])
    assert admin_client.post(address, {"key": "x"}).status_code == 403
    for model, row in (("image", image), ("dataset", dataset), ("label", Label.objects.first())):
        delete = reverse(f"admin:imagesets_{model}_delete", args=[row.pk])
        assert admin_client.post(delete, {"post": "yes"}).status_code == 403
