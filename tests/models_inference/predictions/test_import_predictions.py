"""Imported predictions: a valid file is stored whole, an error changes nothing."""

import zipfile

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from imagesets.models import Dataset, Image
from models_inference.models import Classifier, Prediction
from models_inference.predictions import files
from models_inference.predictions.logits import read
from tests.factories import make_dataset

HEADER = "image,rank,label,score\n"


@pytest.fixture
def dataset(db):
    dataset = Dataset.objects.create(slug="three", name="three")
    for key in ("cat", "bat", "dog"):
        dataset.labels.create(key=key, names=[key])
    for number in range(4):
        Image.objects.create(
            dataset=dataset,
            key=f"{number}.jpg",
            location="/nowhere",
            sha256=str(number),
            width=1,
            height=1,
        )
    return dataset


def stored(dataset) -> dict:
    names = dict(dataset.labels.values_list("id", "key"))
    return {
        row.image.key: list(zip([names[label] for label in row.labels], row.scores, strict=True))
        for row in Prediction.objects.select_related("image")
    }


def bring(file, *extra, name="theirs") -> None:
    call_command("import_predictions", "three", str(file), "--classifier", name, *extra)


def test_a_table_comes_in_and_again_changes_nothing(dataset, tmp_path, capsys):
    file = tmp_path / "p.csv"
    file.write_text(HEADER + "0.jpg,2,dog,0.1\n0.jpg,1,cat,0.30000000000000004\n2.jpg,1,bat,1\n")
    bring(file)
    expected = {"0.jpg": [("cat", 0.30000000000000004), ("dog", 0.1)], "2.jpg": [("bat", 1.0)]}
    assert stored(dataset) == expected
    bring(file)
    assert stored(dataset) == expected
    assert "0 images' predictions imported, 2 known before" in capsys.readouterr().out
    file.write_text(HEADER + "1.jpg,1,dog,0.5\n0.jpg,1,dog,0.9\n")
    with pytest.raises(CommandError, match=r"another prediction for image 0\.jpg"):
        bring(file)
    assert stored(dataset) == expected


def test_a_table_shows_how_far_it_is(dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(files, "ROWS_SHOWN", 2)
    file = tmp_path / "p.csv"
    file.write_text(HEADER + "".join(f"{image}.jpg,1,cat,0.5\n" for image in range(4)))
    shown: list[tuple[int, int | None]] = []
    files.import_predictions(dataset, file, "theirs", show=lambda *done: shown.append(done))
    assert shown == [(2, None), (4, None), (4, 4)]


def test_a_table_from_a_spreadsheet_holds_the_same_predictions_and_it_is_said(
    dataset, tmp_path, capsys
):
    file = tmp_path / "p.csv"
    rows = ".\\0.jpg;1.0;cat;0,5\n.\\0.jpg;2.0;dog;0,25\n;;;\n"
    file.write_text("Image;Rank;Label;Score\n" + rows)
    bring(file)
    assert stored(dataset) == {"0.jpg": [("cat", 0.5), ("dog", 0.25)]}
    out = capsys.readouterr().out
    for note in ("separated by semicolons", "2 scores with a comma", "1 path that is no key was"):
        assert f"p.csv: {note}" in out or f"p.csv: columns are {note}" in out


def test_logits_are_ranked_by_softmax_and_kept(dataset, tmp_path):
    logits = np.array([[2.0, 1.0, 0.0], [0.0, 0.0, 0.0], [-1e4, 5.0, 5.5]], dtype=np.float32)
    file = tmp_path / "p.npz"
    np.savez(file, logits=logits, images=np.array(["3.jpg", "0.jpg", "1.jpg"]))
    bring(file)
    rows = stored(dataset)
    assert [key for key, _ in rows["3.jpg"]] == ["cat", "bat", "dog"]
    assert [key for key, _ in rows["0.jpg"]] == ["cat", "bat", "dog"]  # ties: by class
    assert [key for key, _ in rows["1.jpg"]] == ["dog", "bat", "cat"]
    shares = np.exp(logits[0]) / np.exp(logits[0]).sum()
    assert np.allclose([score for _, score in rows["3.jpg"]], shares, rtol=1e-6)
    images, kept = read(Classifier.objects.get())
    keys = dict(dataset.images.values_list("id", "key"))
    assert [keys[image] for image in images] == ["0.jpg", "1.jpg", "3.jpg"]
    assert np.array_equal(kept, logits[[1, 2, 0]].astype(np.float16))
    bring(file)
    assert Prediction.objects.count() == 3


def test_classes_and_mapping_name_the_labels(dataset, tmp_path):
    logits = np.log(np.array([[0.1, 0.2, 0.3, 0.4]]))
    images = np.array(["0.jpg"])
    file, mapping = tmp_path / "p.npz", tmp_path / "mapping.csv"
    np.savez(file, logits=logits, images=images)
    with pytest.raises(CommandError, match=r"4 classes, but dataset three has 3 labels"):
        bring(file)
    mapping.write_text("Class,Label\n0.0,dog\n2.0,dog\n1.0,cat\n3.0,NaN\n,\n")
    bring(file, "--mapping", str(mapping))
    assert stored(dataset)["0.jpg"] == [("dog", pytest.approx(0.4)), ("cat", pytest.approx(0.2))]
    Classifier.objects.all().delete()
    np.savez(file, logits=logits, images=images, classes=np.array(["x", "dog", "y", "bat"]))
    bring(file)
    assert [key for key, _ in stored(dataset)["0.jpg"]] == ["bat", "dog"]


def test_logits_that_come_later_mean_the_same_classes(dataset, tmp_path):
    """Kept logits are one table: its columns cannot mean one thing above and another below."""
    table, file = tmp_path / "p.csv", tmp_path / "p.npz"
    table.write_text(HEADER + "3.jpg,1,cat,0.5\n")
    bring(table)
    for number, classes in enumerate((["dog", "cat", "bat"], ["cat", "dog", "bat"])):
        images, logits = np.array([f"{number}.jpg"]), np.eye(3)[[0]]
        np.savez(file, logits=logits, images=images, classes=np.array(classes))
        if number == 0:
            bring(file)
            continue
        with pytest.raises(CommandError, match="another order"):
            bring(file)
    assert Classifier.objects.get().mapping == ["dog", "cat", "bat"]
    assert set(stored(dataset)) == {"0.jpg", "3.jpg"}
    assert len(read(Classifier.objects.get())[0]) == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "the file is empty"),
        ("image,rank,label\n", "no column 'score'"),
        (HEADER, "has no rows"),
        (HEADER + "0.jpg,1,cat,0.5\n9.jpg,1,cat,0.5\n", r"row 3, image: unknown image '9\.jpg'"),
        (HEADER + "0.jpg,1,cow,0.5\n", "row 2, label: .* no label 'cow'"),
        (HEADER + "0.jpg,1,cow,1\n1.jpg,1,cow,1\n", "rows 2, 3, label: .* no label 'cow'"),
        (HEADER + '0.jpg,1,cat,"1,234"\n', "row 2, score: .*decimal comma or thousands"),
        (HEADER + "0.jpg,0,cat,0.5\n", "row 2, rank: '0'"),
        (HEADER + "0.jpg,x,cat,0.5\n", "row 2, rank: 'x'"),
        (HEADER + "0.jpg,1,cat,nan\n", "row 2, score: 'nan'"),
        (HEADER + "0.jpg,1,cat\n", "row 2: 3 cells under 4 columns"),
        (HEADER + "0.jpg,1,cat,0.5\n0.jpg,1,dog,0.5\n", "row 3, rank: .* already in row 2"),
        (HEADER + "0.jpg,1,cat,0.5\n0.jpg,3,dog,0.5\n", "row 3, rank: .* no rank 2"),
        (HEADER + "0.jpg,1,cat,0.5\n0.jpg,2,cat,0.5\n", "row 3, label: .* two ranks"),
        (HEADER + "0.jpg,1,cat,0.5\n0.jpg,2,dog,0.6\n", r"row 3, score: 0\.6 of rank 2"),
        (HEADER + "0.jpg,1,cat,0.5\n\udcff", "is not UTF-8 text"),
        (HEADER + "0.jpg,1,cat,0.5" + "\n" * 9000 + "\udcff", "is not UTF-8 text"),
        (
            HEADER + "0.jpg,1,cat," + "5" * 200_000,
            r"row 2: is not valid CSV \(field larger",
        ),
        ("image" * 50_000, r"row 1: is not valid CSV \(field larger"),
        (HEADER + f"0.jpg,{'9' * 5000},cat,0.5", "row 2, rank: '999"),
        (HEADER + "0.jpg,1,cat," + "9" * 400, "row 2, score: '999"),
        (HEADER + "0\0.jpg,1,cat,0.5", "row 2: holds a NUL character"),
    ],
)
def test_an_error_in_a_table_names_its_place_and_changes_nothing(dataset, tmp_path, text, says):
    file = tmp_path / "p.csv"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(CommandError, match=says):
        bring(file)
    assert not Classifier.objects.exists()


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"logits": np.zeros((1, 3))}, "array images is missing"),
        ({"logits": np.zeros(3), "images": np.array(["0.jpg"])}, "logits: must be"),
        ({"logits": np.zeros((2, 3)), "images": np.array(["0.jpg"])}, "images: must be 2 keys"),
        (
            {"logits": np.zeros((1, 3)), "images": np.array(["0.jpg"], dtype=object)},
            "could run code",
        ),
        ({"logits": np.full((1, 3), np.nan), "images": np.array(["0.jpg"])}, "row 0, logits"),
        ({"logits": np.zeros((1, 3)), "images": np.array(["7.jpg"])}, r"row 0, images: .*7\.jpg"),
        ({"logits": np.zeros((2, 3)), "images": np.array(["1.jpg"] * 2)}, "is already in row 0"),
        ({"logits": np.zeros((1, 3)), "images": np.array([b"\xff"])}, "keys are not text"),
        (
            {
                "logits": np.zeros((1, 3)),
                "images": np.array(["0.jpg"]),
                "classes": np.array(["cat", "b\0t", "dog"]),
            },
            r"classes: 'b\\x00t' of 1 is not text",
        ),
    ],
)
def test_an_error_in_an_archive_names_its_place(dataset, tmp_path, arrays, says):
    file = tmp_path / "p.npz"
    np.savez(file, **arrays)
    with pytest.raises(CommandError, match=says):
        bring(file)
    assert not Classifier.objects.exists()


@pytest.mark.parametrize("name", ["p.csv", "p.npz"])
def test_a_missing_file_or_one_of_another_kind_is_refused(dataset, tmp_path, name):
    with pytest.raises(CommandError, match=r"cannot be read|No such file"):
        bring(tmp_path / name)
    (tmp_path / "q.npz").write_bytes(b"not an archive")
    with pytest.raises(CommandError, match="cannot be read"):
        bring(tmp_path / "q.npz")


def encrypted(content: bytes) -> bytes:
    """An archive whose members are said to be encrypted."""
    for signature, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        parts = content.split(signature)
        parts[1:] = [part[: flags - 4] + b"\1\0" + part[flags - 2 :] for part in parts[1:]]
        content = signature.join(parts)
    return content


def test_an_archive_that_is_encrypted_cut_off_or_holds_other_files(dataset, tmp_path):
    file = tmp_path / "p.npz"
    np.savez(file, logits=np.zeros((1, 3)), images=np.array(["0.jpg"]))
    whole = file.read_bytes()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("logits", "no array")
        archive.writestr("images", "no array")
    other = file.read_bytes()
    lies = whole.replace(b"(1, 3), ", b"(9999, 9999), ")
    for content, says in (
        (encrypted(whole), "cannot be read as .npz: .*encrypted"),
        (whole[:-40], "cannot be read"),
        (whole[:40] + whole[60:], "cannot be read as .npz"),
        (lies, "cannot be read as .npz"),
        (other, r"(logits|images): is not a NumPy array"),
    ):
        file.write_bytes(content)
        with pytest.raises(CommandError, match=says):
            bring(file)
    assert not Classifier.objects.exists()


@pytest.mark.parametrize("name", ["x" * 201, "a\0b", " "])
def test_a_name_that_no_classifier_can_have(dataset, tmp_path, name):
    with pytest.raises(CommandError, match="needs a name of at most 200 characters"):
        bring(tmp_path / "p.csv", name=name)


def test_a_classifier_that_is_run_here_takes_no_import(dataset, tmp_path):
    file = tmp_path / "p.csv"
    file.write_text(HEADER + "0.jpg,1,cat,1\n")
    Classifier.objects.create(dataset=dataset, name="theirs", architecture="resnet18")
    with pytest.raises(CommandError, match=r"is run by the site itself .* another name"):
        bring(file)


def test_numbered_classes_in_another_order_than_by_value_are_never_guessed(db, tmp_path, capsys):
    for slug, keys in (("three", ("0", "10", "2")), ("sorted", ("0", "2", "10"))):
        dataset = Dataset.objects.create(slug=slug, name=slug)
        for key in keys:
            dataset.labels.create(key=key, names=[key])
        Image.objects.create(
            dataset=dataset, key="2/p.jpg", location="/x", sha256=slug, width=1, height=1
        )
    file = tmp_path / "logits.npz"
    logits = np.array([[0, 9, 0]], np.float32)
    np.savez(file, logits=logits, images=np.array(["2/p.jpg"]))
    with pytest.raises(CommandError, match=r"imported in another order \(0, 10, 2, \.\.\.\)"):
        bring(file)
    assert not Prediction.objects.exists()
    call_command("import_predictions", "sorted", str(file), "--classifier", "theirs")
    assert "in the order of the dataset's labels, 0 to 10" in capsys.readouterr().out
    assert stored(dataset)["2/p.jpg"][0][0] == "2"
    np.savez(file, logits=logits, images=np.array(["2/p.jpg"]), classes=np.array(["0", "2", "10"]))
    bring(file)
    assert "the array `classes`" in capsys.readouterr().out


def test_two_orders_of_the_classes_are_never_chosen_between(dataset, tmp_path):
    file, mapping = tmp_path / "p.npz", tmp_path / "mapping.csv"
    mapping.write_text("class,label\n0,dog\n1,cat\n2,bat\n")
    images, logits = np.array(["0.jpg"]), np.eye(3)[[0]]
    np.savez(file, logits=logits, images=images, classes=np.array(["dog", "bat", "cat"]))
    with pytest.raises(CommandError, match=r"class 1 is 'bat' in its array .* and 'cat' in .*csv"):
        bring(file, "--mapping", str(mapping))
    np.savez(file, logits=logits, images=images, classes=np.array(["dog", "cat", "bat"]))
    bring(file, "--mapping", str(mapping))


def test_an_order_that_fits_the_images_far_worse_than_another_is_refused(db, tmp_path):
    """classes.csv in an order of its own, and a network trained on folders in that of text."""
    dataset = make_dataset(12, ["owl", "cat", "eel", "dog"], slug="three", classifiers=())
    keys = sorted(dataset.labels.values_list("key", flat=True))
    truth = list(dataset.images.order_by("key").values_list("key", "dataset_label__key"))
    file = tmp_path / "p.npz"
    logits = np.eye(4)[[keys.index(label) for _, label in truth]]
    np.savez(file, logits=logits, images=np.array([image for image, _ in truth]))
    with pytest.raises(CommandError, match=r"of 12 of 12 images if .* the order of text, and"):
        bring(file)


def test_what_was_passed_over_is_said_with_counts(dataset, tmp_path, capsys):
    table = tmp_path / "p.csv"
    table.write_text("image,rank,label,score,model\n0.jpg,1,cat,0.5,x\n1.jpg,1,dog,0.5,x\n")
    bring(table)
    said = capsys.readouterr().out
    assert "columns passed over (1): model." in said
    assert "Images with fewer than 3 labels: 2; campaigns take those." in said
    assert "of the dataset's images have no prediction by it." in said
