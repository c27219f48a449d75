"""The usual tables of the trade are read, or refused with the columns wanted."""

import json

import pytest

from imagesets.errors import ImportRefused
from imagesets.importing.class_tables import read_classes, read_labels

IMAGENET = "ILSVRC2012_val_00000001"


@pytest.fixture
def labels(tmp_path):
    """Reads a table of labels: image -> label, and the notes."""

    def read(text: str) -> tuple[dict[str, str], list[str]]:
        path, notes = tmp_path / "table.csv", []
        path.write_text(text)
        return {image: row.label for image, row in read_labels(path, notes).items()}, notes

    return read


@pytest.fixture
def classes(tmp_path):
    """Reads a table of classes: key -> names, and the notes."""

    def read(text: str) -> tuple[dict[str, tuple[str, ...]], list[str]]:
        path, notes = tmp_path / "table.csv", []
        path.write_text(text)
        return {key: entry.names for key, entry in read_classes(path, notes).items()}, notes

    return read


@pytest.mark.parametrize(
    ("text", "image", "label"),
    [
        ("file_name,label\na.jpg,cat\n", "a.jpg", "cat"),  # Hugging Face's metadata.csv
        ("filename,class\na.jpg,cat\n", "a.jpg", "cat"),  # Keras' flow_from_dataframe
        ("image_id,label\na.jpg,3\n", "a.jpg", "3"),  # Kaggle's
        ("Path;Category\na.jpg;cat\n", "a.jpg", "cat"),
        (  # Kaggle's LOC_val_solution.csv
            f"ImageId,PredictionString\n{IMAGENET},n01751748 1 2 3 4 n01751748 5 6 7 8 \n",
            IMAGENET,
            "n01751748",
        ),
    ],
)
def test_tables_with_other_names_of_the_two_columns_are_read_and_it_is_said(
    labels, text, image, label
):
    table, notes = labels(text)
    assert table == {image: label}
    header = [name.lower() for name in text.partition("\n")[0].replace(";", ",").split(",")]
    for name in {*header} - {"label"}:
        assert any(f"column {name} read as" in note for note in notes)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"{IMAGENET}.JPEG 65\n", "no column 'image'.*first row must name the columns image,label"),
        (f"{IMAGENET} 65\n{IMAGENET} 66\n", "first row must name the columns image,label"),
        ("val_0.JPEG\tn03444034\t0\t32\t44\t62\n", "columns image,label, and rows such as img0.jp"),
        ("490\n361\n171\n", "holds numbers alone.*columns image,label"),
        ("image,label,wnid\na.jpg,cat,n1\n", "label and wnid may each be the label"),
        ("file_name,label,class\na.jpg,1,cat\n", "label and class may each be the label"),
        ("image,file_name,label\na,a.jpg,cat\n", "image and file_name may each be the image"),
        ('{"images": [], "annotations": [], "categories": []}', "COCO's kind"),
        ('{"0": ["n01440764", "tench"]}', "is JSON"),
        ("image,label\na.jpg,nan\nb.jpg,\n", "row 2: label is empty.*row 3: label is empty"),
        ("ImageId,PredictionString\na,n00000001 1 2 3 4 n00000002 1 2 3 4\n", "several classes"),
    ],
)
def test_tables_that_leave_open_what_they_mean_are_refused_with_the_columns_wanted(
    labels, text, says
):
    with pytest.raises(ImportRefused, match=says):
        labels(text)


def test_columns_that_nothing_is_read_from_are_named(labels, classes):
    assert labels("image,split,label\na.jpg,train,cat\n")[1] == [
        "table.csv: columns passed over (1): split"
    ]
    assert classes("key,names,defintion\ncat,cat,purrs\n")[1] == [
        "table.csv: columns passed over (1): defintion"
    ]


@pytest.mark.parametrize(
    "text",
    [
        "n01440764 tench, Tinca tinca\nn01443537 goldfish, Carassius auratus\n",
        "n01440764\ttench, Tinca tinca\nn01443537\tgoldfish, Carassius auratus\n",
    ],
)
def test_imagenets_lists_of_classes_are_read_with_all_names(classes, text):
    entries, notes = classes(text)
    assert entries == {
        "n01440764": ("tench", "Tinca tinca"),
        "n01443537": ("goldfish", "Carassius auratus"),
    }
    assert "2 WordNet ids" in notes[0]


def test_keras_class_index_is_read_in_the_order_of_its_numbers(classes):
    index = {"1": ["n01443537", "gold_fish"], "0": ["n01440764", "tench"]}
    entries, _ = classes(json.dumps(index))
    assert list(entries.items()) == [("n01440764", ("tench",)), ("n01443537", ("gold fish",))]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("n01440764\nn01443537\n", "WordNet ids alone. Leave --classes out.*columns key,names"),
        ("n01440764 tench\nn01440764 tench\n", "n01440764 comes twice"),
        ("n02119789 1 kit_fox\n", "has numbers where names.*columns key,names"),
        ("n01440764 tench\ngoldfish\n", "row 2: is no WordNet id"),
        ("tench\ngoldfish\n", "first row must name the columns key,names"),
        ('{"images": [], "annotations": [], "categories": []}', "COCO's kind"),
        ("key,wnid,names\na,n1,cat\n", "key and wnid may each be the key"),
        ("key,names\n,cat\n,dog\n,cow\n,bee\n,bat\n", "rows 2, 3, 4 and 2 more: key is empty"),
    ],
)
def test_what_is_no_list_of_classes_is_refused_with_the_columns_wanted(classes, text, says):
    with pytest.raises(ImportRefused, match=says):
        classes(text)
