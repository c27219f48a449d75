"""import_dataset: what comes in, what is refused, and that a refusal changes nothing."""

import os
from importlib import import_module
from pathlib import Path

import pytest
from django.db import connection

from imagesets.errors import ImportRefused
from imagesets.importing import import_dataset as importing
from imagesets.importing.import_dataset import import_dataset
from imagesets.locations import read
from imagesets.locks import Lock, number_of
from imagesets.models import Comparison, Dataset, Image, Label
from imagesets.pictures.derivatives import image_urls
from tests.studies.drawn_pictures import encoded, jpeg, noise
from tests.studies.photographs import PHOTOS, needs_photographs

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path) -> Path:
    """Three pictures, two classes whose keys are digits, and labels."""
    images = tmp_path / "images"
    (images / "deep").mkdir(parents=True)
    for i, name in enumerate(("a.jpg", "b.jpg", "deep/c.jpg")):
        (images / name).write_bytes(jpeg(i, (64 + i, 48)))
    (images / "notes.txt").write_text("not an image")
    (tmp_path / "classes.csv").write_text(
        "key,names,definition,wikipedia,superclass\n"
        '0325,"tub; vat","open, round",https://en.wikipedia.org/wiki/Vat|https://en.wikipedia.org/wiki/Tub,things\n'
        "7,cat,,,\n"
    )
    (tmp_path / "labels.csv").write_text("image,label\na.jpg,0325\nb.jpg,7\ndeep/c.jpg,7\n")
    return tmp_path


def run(folder: Path, **options):
    options = {"classes": folder / "classes.csv", "labels": folder / "labels.csv"} | options
    return import_dataset("set", folder / "images", **options)


def nothing_stored() -> bool:
    return not (Dataset.objects.exists() or Label.objects.exists() or Image.objects.exists())


def test_images_labels_and_sizes_come_in(folder):
    report = run(folder, name="A set")
    assert (report.found, report.added, report.skipped) == (3, 3, [])
    image = Image.objects.get(key="deep/c.jpg")
    assert (image.width, image.height, image.dataset_label.key) == (66, 48, "7")
    assert Path(image.location).read_bytes() == (folder / "images/deep/c.jpg").read_bytes()
    label = Label.objects.get(key="0325")
    assert label.names == ["tub", "vat"]
    assert label.definition == "open, round"
    assert len(label.wikipedia) == 2
    assert Dataset.objects.get().name == "A set"


def test_copies_survive_the_source(folder, settings, tmp_path):
    settings.DATA_DIR = tmp_path / "data"
    run(folder, copy=True)
    (folder / "images/a.jpg").unlink()
    settings.DATA_DIR = (tmp_path / "data").rename(tmp_path / "moved")
    assert read(Image.objects.get(key="a.jpg").location) == jpeg(0, (64, 48))


def test_images_that_were_moved_are_read_from_where_they_are(folder, client, monkeypatch):
    monkeypatch.setattr(importing, "LOCATIONS", 2)
    run(folder)
    (folder / "images").rename(folder / "moved")
    public = {image.key: (image.id, image.public_id) for image in Image.objects.all()}
    tile = image_urls(Image.objects.get(key="a.jpg"))[0]
    assert client.get(tile).status_code == 404
    (folder / "moved/new.jpg").write_bytes(jpeg(9))
    report = import_dataset("set", folder / "moved")
    assert (report.known, report.moved, report.added) == (3, 3, 1)
    assert report.counts()["  of them moved"] == 3
    for image in Image.objects.exclude(key="new.jpg"):
        assert image.location == str(folder / "moved" / image.key)
        assert public[image.key] == (image.id, image.public_id)
    assert client.get(tile).status_code == 200
    assert import_dataset("set", folder / "moved").moved == 0


@pytest.mark.parametrize("strict", [False, True])
def test_a_move_with_other_bytes_or_a_skipped_file_if_strict_moves_nothing(folder, strict):
    run(folder)
    (folder / "images").rename(folder / "moved")
    (folder / ("moved/new.jpg" if strict else "moved/deep/c.jpg")).write_bytes(b"none")
    with pytest.raises(ImportRefused):
        import_dataset("set", folder / "moved", strict=strict)
    for image in Image.objects.all():
        assert image.location == str(folder / "images" / image.key)
    assert Image.objects.count() == 3


def test_copies_stay_where_they_are_and_are_made_again_where_they_are_gone(
    folder, settings, tmp_path
):
    settings.DATA_DIR = tmp_path / "data"
    run(folder)
    assert run(folder, copy=True).moved == 3
    copies = dict(Image.objects.values_list("key", "location"))
    assert copies["a.jpg"].startswith("images/")
    assert run(folder).moved == 0
    assert dict(Image.objects.values_list("key", "location")) == copies
    (settings.DATA_DIR / copies["a.jpg"]).unlink()
    assert run(folder, copy=True).moved == 1
    assert read(copies["a.jpg"]) == jpeg(0, (64, 48))


def test_copies_that_were_kept_by_their_whole_path_become_relative(folder):
    migration = import_module("imagesets.migrations.0005_copies_below_data_dir")
    run(folder)
    image = Image.objects.get(key="a.jpg")
    copy = f"images/{image.sha256[:2]}/{image.sha256}"
    for location, then in ((f"/srv/old/{copy}", copy), (f"s3://x/{copy}", f"s3://x/{copy}")):
        Image.objects.filter(id=image.id).update(location=location)
        with connection.cursor() as cursor:
            cursor.execute(migration.RELATIVE)
        image.refresh_from_db()
        assert image.location == then
    assert Image.objects.get(key="b.jpg").location == str(folder / "images/b.jpg")


def test_a_second_import_adds_what_is_new_and_nothing_else(folder):
    run(folder)
    before = set(Image.objects.values_list("id", "public_id", "key"))
    (folder / "images/d.jpg").write_bytes(jpeg(9))
    with (folder / "labels.csv").open("a") as file:
        file.write("d.jpg,0325\n")
    report = run(folder)
    assert (report.added, report.known, report.labels_added) == (1, 3, 0)
    assert before < set(Image.objects.values_list("id", "public_id", "key"))


def test_classes_have_names_and_definitions_by_language_and_later_imports_add_some(folder):
    classes = folder / "classes.csv"
    header = "key,names,names_de,definition_de,names_pt-br,names_old\n"
    classes.write_text(header + "0325,tub;vat,Wanne|Bottich,rund,,x\n7,cat,,,,x\n")
    assert "names_old" in " ".join(run(folder).notes)  # no language's: passed over
    german = {"names": ["Wanne", "Bottich"], "definition": "rund"}
    assert Label.objects.get(key="0325").translations == {"de": german}
    assert Label.objects.get(key="7").translations == {}
    classes.write_text(header + "0325,tub;vat,Zuber,,tina,\n7,cat,Katze,,,\n")
    report = run(folder)
    assert (report.labels_translated, report.labels_kept) == (2, ["0325"])
    assert Label.objects.get(key="0325").translations == {
        "de": german,
        "pt-br": {"names": ["tina"]},
    }
    assert Label.objects.get(key="7").translations == {"de": {"names": ["Katze"]}}
    assert not run(folder).labels_translated


def test_other_bytes_under_a_known_key_are_refused(folder):
    run(folder)
    (folder / "images/a.jpg").write_bytes(jpeg(77))
    (folder / "images/new.jpg").write_bytes(jpeg(78))
    with pytest.raises(ImportRefused, match=r"'a\.jpg'.*other bytes"):
        run(folder)
    assert Image.objects.count() == 3


def test_another_label_under_a_known_key_is_refused(folder):
    run(folder)
    (folder / "labels.csv").write_text("image,label\na.jpg,7\n")
    with pytest.raises(ImportRefused, match=r"'a\.jpg'.*'0325'.*'7'"):
        run(folder)


def test_labels_may_come_later(folder):
    run(folder, labels=None)
    assert Image.objects.filter(dataset_label=None).count() == 3
    report = run(folder)
    assert (report.dataset_labels_filled, report.without_label) == (3, 0)


def test_undecodable_files_are_skipped_with_the_reason(folder):
    (folder / "images/b.jpg").write_bytes(b"")
    (folder / "images/cut.jpg").write_bytes(jpeg(5, (400, 300))[:-3000])
    report = run(folder)
    assert report.added == 2
    assert {key for key, _ in report.skipped} == {"b.jpg", "cut.jpg"}
    assert "empty" in dict(report.skipped)["b.jpg"]


def test_strict_imports_nothing_if_one_is_undecodable(folder):
    (folder / "images/b.jpg").write_bytes(b"no")
    with pytest.raises(ImportRefused, match=r"b\.jpg"):
        run(folder, strict=True)
    assert nothing_stored()


def test_identical_and_similar_files_are_reported_and_stay(folder):
    picture = noise(3, (300, 200))
    for name, content in (
        ("one.png", encoded(picture, "PNG")),
        ("two.png", encoded(picture, "PNG")),
        ("three.jpg", encoded(picture.resize((150, 100)), quality=60)),
    ):
        (folder / "images" / name).write_bytes(content)
    report = run(folder)
    assert report.added == 6
    assert report.identical == [["one.png", "two.png"]]
    assert report.alike == [["one.png", "three.jpg"]]
    kept = Comparison.objects.get()
    assert kept.images == 6
    assert kept.identical == {"n": 1, "images": 2, "first": [["one.png", "two.png"]]}
    assert kept.alike == {"n": 1, "images": 2, "first": [["one.png", "three.jpg"]]}


def test_what_is_no_readable_picture_is_listed_and_never_waited_for(folder):
    (folder / "images/drawing.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (folder / "images/gone.jpg").symlink_to("nowhere")
    os.mkfifo(folder / "images/pipe.jpg")
    (folder / "images" / os.fsdecode(b"\xff.jpg")).write_bytes(jpeg(7))
    (folder / "images/two\nlines.jpg").write_bytes(b"no")
    report = run(folder)
    assert report.added == 3
    assert dict(report.skipped) == {
        "drawing.svg": "not a picture in any known format",
        "gone.jpg": "No such file or directory",
        "pipe.jpg": "a device or a pipe, not a file",
        "\\udcff.jpg": "its file name is not UTF-8",
        "two\nlines.jpg": "not a picture in any known format",
    }
    assert not any("\n" in line for line in report.findings())


def test_a_disk_that_takes_no_copies_stops_the_import_instead_of_skipping_all(
    folder, settings, tmp_path
):
    settings.DATA_DIR = tmp_path / "data"
    settings.DATA_DIR.write_text("a file, so that nothing can be kept below it")
    with pytest.raises(ImportRefused, match=r"copy of 'a\.jpg' cannot be kept"):
        run(folder, copy=True)
    assert not Image.objects.exists()


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("labels.csv", "image,label\na.jpg,0325\nzz.jpg,7\n", r"labels.csv, row 3: .*'zz\.jpg'"),
        ("labels.csv", "image,label\na.jpg,325\n", r"labels.csv, row 2: unknown label '325'"),
        ("labels.csv", "image,label\na.jpg,7\na.jpg,7\n", r"row 3: .*already in row 2"),
        ("labels.csv", "image,breed\na.jpg,7\n", r"row 1: no column 'label'.*image,label"),
        ("labels.csv", "image,label,wnid\na.jpg,7,7\n", r"label and wnid may each be the label"),
        ("labels.csv", "image,label\na.jpg\n", r"row 2: 1 cells under 2 columns"),
        ("labels.csv", "image,label\na.jpg,7,cat\n", r"row 2: 3 cells under 2 columns"),
        ("labels.csv", "image,label\na.jpg,\n", r"row 2: label is empty"),
        ("labels.csv", "image,label,,\na.jpg,7,,\nb.jpg,7,,x\n", r"row 3: 'x'.*without a name"),
        ("labels.csv", "image,,label\na.jpg,x,7\n", r"row 2: 'x' in a column without a name"),
        ("labels.csv", "image,label,,,label\na.jpg,7,,,7\n", r"row 1: column 'label'.*twice"),
        ("labels.csv", b"image,label\n\xff\xfe,7\n", r"labels.csv, row 2: is not UTF-8"),
        ("labels.csv", "", r"labels.csv: the file is empty"),
        ("labels.csv", "image,label\n", r"labels.csv: has no labels"),
        ("classes.csv", "key,names\n7,cat\n7,dog\n", r"classes.csv, row 3: key '7'.*row 2"),
        ("classes.csv", "key,names\n7, ;\n", r"row 2: names is empty"),
        ("classes.csv", "key,names,wikipedia\n7,cat,Cat\n", r"row 2: wikipedia .*'Cat'"),
        ("classes.csv", "key,names\n", r"has no classes"),
    ],
)
def test_an_error_in_a_table_names_file_and_row_and_changes_nothing(folder, file, text, message):
    path = folder / file
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ImportRefused, match=message):
        run(folder)
    assert nothing_stored()


def test_a_byte_order_mark_and_quotes_are_read(folder):
    (folder / "labels.csv").write_bytes(b'\xef\xbb\xbfimage,wnid\r\n"a.jpg","0325"\r\n')
    assert run(folder).without_label == 2


def test_empty_columns_and_rows_of_a_spreadsheet_are_passed_over(folder):
    (folder / "labels.csv").write_text(
        "image,,label,,,\na.jpg,,0325,,,\n,,,,,\nb.jpg,,7\ndeep/c.jpg,,7,\n,,,,,\n"
    )
    (folder / "classes.csv").write_text("key,names,,\n0325,tub,,\n7,cat,,,,\n,,,\n")
    assert run(folder).without_label == 0
    assert list(Label.objects.values_list("key", "names")) == [("0325", ["tub"]), ("7", ["cat"])]


def test_paths_that_another_system_wrote_mean_the_images_and_are_counted(folder):
    paths = ("./a.jpg", "pictures\\b.jpg", "C:\\me\\pictures\\deep\\c.jpg")
    (folder / "labels.csv").write_text("image;label\n" + "".join(f"{p};7\n" for p in paths))
    report = run(folder)
    assert report.without_label == 0
    assert report.findings()[:2] == [
        "labels.csv: columns are separated by semicolons",
        "labels.csv: 3 paths that are no keys were taken for the only images that fit"
        " ('./a.jpg' for 'a.jpg')",
    ]


def test_an_error_on_many_rows_of_labels_is_told_once(folder):
    rows = "".join(f"{number}.png,7\n" for number in range(50))
    (folder / "labels.csv").write_text(f"image,label\n{rows}a.jpg,bath\nb.jpg,bath\n")
    with pytest.raises(ImportRefused, match=r"row 2: unknown image '0\.png' .*47 more rows"):
        run(folder)
    (folder / "labels.csv").write_text("image,label\na.jpg,bath\nb.jpg,bath\n")
    with pytest.raises(ImportRefused, match=r"labels\.csv, rows 2, 3: unknown label 'bath'"):
        run(folder)


def test_wordnet_ids_without_classes_mean_imagenet(folder):
    (folder / "labels.csv").write_text("image,wnid\na.jpg,n02123045\n")
    run(folder, classes=None)
    assert Label.objects.count() == 1000
    assert Label.objects.get(key="n02123045").names == ["tabby", "tabby cat"]
    (folder / "labels.csv").write_text("image,wnid\na.jpg,n00000001\n")
    with pytest.raises(ImportRefused, match=r"row 2: unknown label 'n00000001'"):
        run(folder, classes=None)


def test_a_missing_or_empty_place_is_refused(tmp_path):
    with pytest.raises(ImportRefused, match="nowhere"):
        import_dataset("set", tmp_path / "nowhere")
    with pytest.raises(ImportRefused, match="no image files"):
        import_dataset("set", tmp_path)
    with pytest.raises(ImportRefused, match="cannot name a dataset"):
        import_dataset("a b/c", tmp_path)


def test_a_link_to_a_folder_above_ends(folder):
    (folder / "images/deep/loop").symlink_to(folder / "images")
    assert run(folder).added == 3


def test_what_programs_leave_behind_is_no_image(folder):
    for left in (".ipynb_checkpoints/a-checkpoint.jpg", "@eaDir/a.jpg/THUMB.jpg", "._a.jpg"):
        path = folder / "images" / left
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(jpeg(8))
    (folder / "images/Thumbs.db").write_bytes(b"thumbnails")
    (folder / "images/empty").mkdir()
    (folder / "images/Holiday 100% (1).JPG").write_bytes(jpeg(9))
    report = run(folder)
    assert (report.added, report.skipped) == (4, [])
    assert Image.objects.filter(key="Holiday 100% (1).JPG").exists()


def test_a_hidden_file_that_the_table_names_comes_in(folder):
    (folder / "images" / ".kept").mkdir()
    (folder / "images" / ".kept" / "x.jpg").write_bytes(jpeg(9))
    (folder / "labels.csv").write_text("image,label\n.kept/x.jpg,7\n")
    assert run(folder).added == 4


def test_a_killed_import_keeps_its_batches_and_goes_on(folder, monkeypatch):
    for i in range(10, 20):
        (folder / f"images/{i}.jpg").write_bytes(jpeg(i))
    monkeypatch.setattr(importing, "BATCH", 4)

    def killed(step: str, done: int, total: int | None) -> None:
        if step == "Importing images" and done == 9:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(folder, progress=killed)
    assert Image.objects.count() == 8
    report = run(folder)
    assert (report.known, report.added) == (8, 5)


def test_two_imports_into_one_dataset_do_not_mix(folder):
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_lock(%s, %s)", [Lock.DATASET_IMPORT, number_of("set")]
            )
        with pytest.raises(ImportRefused, match="another import into set is running"):
            run(folder)
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock_all()")
    finally:
        other.close()
    assert run(folder).added == 3


@needs_photographs
def test_real_photographs_come_in_whole():
    report = import_dataset("sample", PHOTOS / "images", labels=PHOTOS / "labels.csv", strict=True)
    assert (report.added, report.without_label, report.labels_added) == (63, 0, 1000)
