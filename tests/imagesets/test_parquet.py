"""Parquet files as people have them: repeated names, several columns, splits, paths alone."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from imagesets.columns import named_columns
from imagesets.errors import ImportRefused
from imagesets.importing.sources import open_source
from imagesets.importing.sources.parquet_layout import split_of
from tests.studies.drawn_pictures import jpeg

PICTURE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
CLASS = {"names": ["cat", "dog"], "_type": "ClassLabel"}


def pictures(*paths, content=b"JPEG"):
    return pa.array([{"bytes": content, "path": path} for path in paths], type=PICTURE)


def write(path: Path, features=None, **columns) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.table(columns)
    if features:
        info = json.dumps({"info": {"features": features}})
        table = table.replace_schema_metadata({"huggingface": info})
    pq.write_table(table, path)
    return path


def listed(where, **columns):
    """Key -> label of what a source lists, and its notes."""
    source = open_source(where, columns)
    return {entry.key: entry.label for entry in source.entries(())}, source.notes


def test_where_paths_repeat_keys_have_the_split_and_the_row_and_a_note_says_so(tmp_path):
    for split, paths in (("train", ["1.jpg", "1.jpg"]), ("test", ["1.jpg", None, "2.jpg"])):
        write(
            tmp_path / f"data/{split}-00000-of-00001.parquet",
            image=pictures(*paths),
            label=[index % 2 for index in range(len(paths))],
        )
    entries, notes = listed(tmp_path)
    assert entries == {
        "test/0000001-1.jpg": "0",
        "test/0000002": "1",
        "test/0000003-2.jpg": "0",
        "train/0000001-1.jpg": "0",
        "train/0000002-1.jpg": "1",
    }
    (note,) = notes
    assert note.startswith("3 rows share their path with another ('1.jpg' is in 3)")
    assert listed(tmp_path / "data/test-00000-of-00001.parquet") == (
        {"1.jpg": "0", "row-0000002": "1", "2.jpg": "0"},
        [],
    )


def test_rows_are_counted_through_the_shards_of_a_split(tmp_path):
    for shard in range(2):
        write(tmp_path / f"train-0000{shard}-of-00002.parquet", image=pictures("a", "a"))
    write(tmp_path / "validation/0000.parquet", image=pictures("a"))
    assert list(listed(tmp_path)[0]) == [
        *(f"train/000000{row}-a" for row in (1, 2, 3, 4)),
        "validation/0000001-a",
    ]


@pytest.mark.parametrize(
    ("path", "split"),
    [
        ("train-00000-of-00002.parquet", "train"),
        ("data/test-00000-of-00001-0d0f24bd.parquet", "test"),
        ("data/test/part.parquet", "test"),
        ("default/validation/0000.parquet", "validation"),
        ("birds/0000.parquet", "birds"),
        ("train.parquet", "train"),
        ("cats.parquet", "cats"),
    ],
)
def test_a_files_split_is_in_its_name_or_its_folders(tmp_path, path, split):
    assert split_of(tmp_path / path) == split


def test_shards_lie_in_folders_of_splits_unless_it_is_a_folder_of_pictures(tmp_path):
    write(tmp_path / "default/train/0000.parquet", image=pictures("a"))
    write(tmp_path / ".cache/train/0000.parquet", image=pictures("b"))
    assert list(listed(tmp_path)[0]) == ["a"]
    write(tmp_path / "other/train/0000.parquet", image=pictures("a"))
    with pytest.raises(ImportRefused, match=r"several datasets in it \(default, other\)"):
        open_source(tmp_path)
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat/1.jpg").write_bytes(jpeg(1))
    assert list(listed(tmp_path)[0]) == ["cat/1.jpg"]


LABELS = {"fine_label": [1, 0], "coarse_label": [0, 0]}


def test_of_two_columns_for_one_meaning_one_must_be_named(tmp_path):
    two = write(
        tmp_path / "cifar.parquet",
        {"img": {"_type": "Image"}, "fine_label": CLASS, "coarse_label": CLASS},
        img=pictures("a", "b"),
        **LABELS,
    )
    with pytest.raises(ImportRefused, match=r"labels \(fine_label, coarse_label\).*--column l"):
        open_source(two)
    assert listed(two, label="fine_label") == (
        {"a": "1", "b": "0"},
        [
            "columns passed over (1): coarse_label (pictures are in 'img', labels in 'fine_label';"
            " --column label=NAME names another)"
        ],
    )
    assert listed(two, label="")[0] == {"a": "", "b": ""}
    with pytest.raises(ImportRefused, match="no column 'fine'"):
        open_source(two, {"label": "fine"})
    masks = write(tmp_path / "m.parquet", left=pictures("a"), right=pictures("b"))
    with pytest.raises(ImportRefused, match=r"pictures \(left, right\).*--column image=left"):
        open_source(masks)
    assert list(listed(masks, image="right")[0]) == ["b"]
    words = write(tmp_path / "w.parquet", image=pictures("a"), label=[0], wnid=["n02123045"])
    with pytest.raises(ImportRefused, match=r"labels \(label, wnid\)"):
        open_source(words)


def test_columns_passed_over_are_named(tmp_path):
    path = write(tmp_path / "x.parquet", image=pictures("a"), caption=["a cat"], label=["cat"])
    entries, notes = listed(path)
    assert entries == {"a": "cat"}
    assert "columns passed over (1): caption" in notes[0]
    path = write(tmp_path / "y.parquet", image=pictures("a"), breed=["tabby"])
    assert "labels in no column; --column label=NAME" in listed(path)[1][0]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (pa.array(["cat", None]), ["cat", ""]),
        (pa.array([3.0, float("nan")]), ["3", ""]),
        (pa.array(["cat", "dog"]).dictionary_encode(), ["cat", "dog"]),
        (pa.array([7, -1], type=pa.int8()), ["7", ""]),
        (pa.array([[0, 1], [1]]), "holds list<.*>, not one label for each image"),
        (pa.array([{"id": 1}, {"id": 2}]), "holds struct<.*>, not one label"),
    ],
)
def test_labels_of_every_type(tmp_path, labels, expected):
    path = write(tmp_path / "x.parquet", image=pictures("a", "b"), label=labels)
    if isinstance(expected, list):
        assert list(listed(path)[0].values()) == expected
    else:
        with pytest.raises(ImportRefused, match=expected):
            open_source(path)


@pytest.mark.parametrize(
    "image",
    [
        pictures("a.jpg", "b.jpg", content=None),
        pa.array(["a.jpg", "b.jpg"]),
        pa.array([{"path": "a.jpg"}, {"path": "b.jpg"}]),
    ],
)
def test_files_that_hold_paths_and_no_pictures_say_so(tmp_path, image):
    with pytest.raises(ImportRefused, match=r"holds paths, not pictures\. Import the folder"):
        open_source(write(tmp_path / "x.parquet", image=image, label=[0, 1]))


def test_columns_are_named_for_parquet_alone_and_by_field(tmp_path):
    with pytest.raises(ImportRefused, match="for Parquet files alone"):
        open_source(tmp_path, {"label": "breed"})
    assert named_columns(["image=img", "label="], ("image", "label")) == {
        "image": "img",
        "label": "",
    }
    for texts in (["breed"], ["breed=x"], ["label=a", "label=b"]):
        with pytest.raises(ImportRefused, match="--column"):
            named_columns(texts, ("image", "label"))
