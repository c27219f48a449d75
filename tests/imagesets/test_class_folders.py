"""Folders as classes: which folder is an image's label, and what links do to that."""

from pathlib import Path

import pytest
from django.core.management import call_command

from imagesets.errors import ImportRefused
from imagesets.importing.import_dataset import import_dataset
from imagesets.models import Dataset, Image
from tests.studies.drawn_pictures import jpeg

pytestmark = pytest.mark.django_db


def test_an_imagefolder_tree_labels_by_folder(tmp_path):
    for i, label in enumerate(("n02123045", "n02085620")):
        (tmp_path / "train" / label).mkdir(parents=True)
        (tmp_path / "train" / label / "x.JPEG").write_bytes(jpeg(i))
    import_dataset("set", tmp_path / "train")
    assert dict(Image.objects.values_list("key", "dataset_label__key")) == {
        "n02085620/x.JPEG": "n02085620",
        "n02123045/x.JPEG": "n02123045",
    }


def test_splits_above_the_classes_are_passed_over_and_said(tmp_path, capsys):
    tree(tmp_path / "set", "train/n02123045", "val/n02123045", "val/n02085620", "test")
    call_command("import_dataset", "set", "--images", str(tmp_path / "set"))
    assert dict(Image.objects.values_list("key", "dataset_label__key")) == {
        "train/n02123045/x.jpg": "n02123045",
        "val/n02123045/x.jpg": "n02123045",
        "val/n02085620/x.jpg": "n02085620",
        "test/x.jpg": None,
    }
    printed = capsys.readouterr().out
    assert "ignored above them: 'train', 'val'" in printed
    assert "no label for 1 image in 'test', as 'test' is not a class" in printed


def test_classes_below_splits_that_nobody_named_become_the_classes(tmp_path):
    tree(tmp_path / "set", "train/cat", "val/dog")
    labels = import_dataset("set", tmp_path / "set").dataset.labels
    assert list(labels.order_by("id").values_list("key", flat=True)) == ["cat", "dog"]
    (tmp_path / "c.csv").write_text("key,names\ncat,cat\ndog,dog\n")
    assert import_dataset("set", tmp_path / "set", classes=tmp_path / "c.csv").without_label == 0


def make_tree(folder: Path, *labels: str) -> Path:
    for number, label in enumerate(labels):
        (folder / label).mkdir(parents=True)
        (folder / label / "x.jpg").write_bytes(jpeg(number))
    return folder


@pytest.mark.parametrize(
    ("labels", "order", "says"),
    [
        (("dog", "cat", "Zebra"), ["Zebra", "cat", "dog"], "in the order of text (Zebra to dog)"),
        (("10", "2", "0"), ["0", "2", "10"], "in the order of their numbers (0 to 10)"),
        (("10.0", "2.0"), ["2.0", "10.0"], "in the order of their numbers (2.0 to 10.0)"),
        (("10", "2", "2b"), ["10", "2", "2b"], "in the order of text (10 to 2b)"),
    ],
)
def test_labels_without_classes_become_the_classes_in_an_order_that_is_said(
    tmp_path, labels, order, says
):
    report = import_dataset("set", make_tree(tmp_path / "tree", *labels))
    kept = report.dataset.labels.order_by("id").values_list("key", "names")
    assert list(kept) == [(key, [key]) for key in order]
    (note,) = report.notes
    assert says in note
    assert set(report.dataset.images.values_list("dataset_label__key", flat=True)) == set(labels)
    table = tmp_path / "labels.csv"
    table.write_text("image,label\n" + "".join(f"{label}/x.jpg,{label}\n" for label in labels))
    other = import_dataset("other", tmp_path / "tree", labels=table).dataset
    assert list(other.labels.order_by("id").values_list("key", flat=True)) == order


def test_wordnet_ids_and_other_labels_together_need_classes(tmp_path):
    tree = make_tree(tmp_path / "tree", "n02123045", "tabby")
    with pytest.raises(ImportRefused, match=r"unknown label .* and others are not .*--labels"):
        import_dataset("set", tree)
    table = tmp_path / "labels.csv"
    table.write_text("image,label\ntabby/x.jpg,tabby\nn02123045/x.jpg,n02123045\n")
    with pytest.raises(ImportRefused, match="and others are not") as refused:
        import_dataset("set", tree, labels=table)
    assert "--labels" not in str(refused.value)  # they gave them
    assert not Dataset.objects.exists()


def tree(root: Path, *names: str) -> None:
    """Folders below `root`, each with one picture that looks like no other."""
    for seed, name in enumerate(names):
        (root / name).mkdir(parents=True)
        (root / name / "x.jpg").write_bytes(jpeg(seed))


def test_a_link_that_sorts_before_its_folder_does_not_hide_it(tmp_path):
    tree(tmp_path / "set", "n02085620", "n02123045")
    (tmp_path / "set/a_link").symlink_to("n02123045")
    (tmp_path / "set/n02085620/a_loop").symlink_to(tmp_path / "set")
    report = import_dataset("set", tmp_path / "set")
    assert dict(Image.objects.values_list("key", "dataset_label__key")) == {
        "n02085620/x.jpg": "n02085620",
        "n02123045/x.jpg": "n02123045",
    }
    *links, classes = report.notes
    assert classes.startswith("the labels are WordNet ids: those of ImageNet-1k, 1,000 in")
    assert links == [
        "linked folder 'a_link' is ignored: it shows 'n02123045' again",
        "linked folder 'n02085620/a_loop' is ignored: it shows the whole of it again",
    ]
    assert report.findings()[:3] == report.notes


def test_class_folders_that_lie_elsewhere_are_followed_once(tmp_path):
    tree(tmp_path / "store", "tabby", "dog")
    (tmp_path / "set/.hidden/n02085620").mkdir(parents=True)
    (tmp_path / "set/.hidden/n02085620/x.jpg").write_bytes(jpeg(9))
    (tmp_path / "set/n02085620").symlink_to(".hidden/n02085620")
    (tmp_path / "set/n02123045").symlink_to(tmp_path / "store/tabby")
    (tmp_path / "set/n02123159").symlink_to(tmp_path / "store/tabby")
    report = import_dataset("set", tmp_path / "set")
    keys = set(Image.objects.values_list("key", flat=True))
    assert keys == {"n02085620/x.jpg", "n02123045/x.jpg"}
    assert report.notes[0] == "linked folder 'n02123159' is ignored: it shows 'n02123045' again"
