"""Zip, Parquet and S3: the same pictures give the same dataset, wherever they lie."""

import json
import struct
import unicodedata
import zipfile
import zlib
from pathlib import Path

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from imagesets.errors import ImportRefused
from imagesets.importing.import_dataset import import_dataset
from imagesets.importing.sources import archive, open_source
from imagesets.locations import read, s3_client
from imagesets.models import Image, Label
from imagesets.pictures.derivatives import image_urls
from tests.studies.drawn_pictures import jpeg

pytestmark = pytest.mark.django_db
CAT, DOG = "n02123045", "n02085620"
PICTURES = {f"{CAT}/a.jpg": jpeg(1), f"{CAT}/b.jpg": jpeg(2), f"{DOG}/c.jpg": jpeg(3)}


@pytest.fixture(autouse=True)
def data_dir(settings, tmp_path):
    settings.DATA_DIR = tmp_path / "data"


@pytest.mark.parametrize(
    "where", ["https://a.example/pictures.zip", "hf://datasets/a/b", "gs://bucket/p"]
)
def test_an_address_is_to_be_downloaded_first(where):
    with pytest.raises(ImportRefused, match="download it first"):
        open_source(where)


def test_a_bucket_without_an_account_names_the_variables(monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # another test's account
    s3_client.cache_clear()
    try:
        with pytest.raises(ImportRefused, match="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"):
            list(open_source("s3://pictures/below").entries(named=()))
    finally:
        s3_client.cache_clear()


def check_stored() -> None:
    stored = {image.key: image for image in Image.objects.select_related("dataset_label")}
    assert stored.keys() == PICTURES.keys()
    for key, image in stored.items():
        assert read(image.location) == PICTURES[key]
        assert image.dataset_label.key == key.split("/")[0]


def write_zip(path: Path, pictures: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as file:
        for key, content in pictures.items():
            file.writestr(key, content)


def labels_csv(folder: Path) -> Path:
    """What the folders of PICTURES say, as a table."""
    rows = "".join(f"{key},{key.split('/')[0]}\n" for key in PICTURES)
    (folder / "labels.csv").write_text(f"image,label\n{rows}")
    return folder / "labels.csv"


def test_a_zip(tmp_path):
    path = tmp_path / "x.zip"
    write_zip(path, PICTURES | {"__MACOSX/a.jpg": b"junk", "readme.txt": b"hello"})
    import_dataset("set", path)
    path.unlink()  # its pictures were copied out
    check_stored()


def test_a_zip_with_one_folder_around_it_labels_by_the_folders_inside(tmp_path):
    write_zip(tmp_path / "x.zip", {f"train/{key}": content for key, content in PICTURES.items()})
    import_dataset("set", tmp_path / "x.zip")
    assert Image.objects.get(key=f"train/{DOG}/c.jpg").dataset_label.key == DOG


def test_a_zip_in_folders_of_folders_and_names_that_lead_out_of_it(tmp_path):
    content = {f"my/pictures/train/{key}": content for key, content in PICTURES.items()}
    write_zip(tmp_path / "x.zip", content | {"my/pictures/train/../../../../x.jpg": jpeg(9)})
    report = import_dataset("out", tmp_path / "x.zip")
    assert dict(report.skipped) == {
        "my/pictures/train/../../../../x.jpg": "its path leads out of the zip"
    }
    write_zip(tmp_path / "x.zip", content)
    import_dataset("set", tmp_path / "x.zip")
    assert Image.objects.filter(dataset__slug="set", dataset_label__key=CAT).count() == 2


class Unmarked(zipfile.ZipInfo):
    """A member whose name is written in an encoding that the zip does not tell, as on a Mac."""

    encoding = "utf-8"

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:
        return self.filename.encode(self.encoding), self.flag_bits & ~0x800


@pytest.mark.parametrize("name", ["Möwe & Löwe.JPG", "50% größer.jpg", "猫.jpg", "ascii.jpg"])
def test_names_of_a_zip_made_on_a_mac_come_in_right(tmp_path, name):
    name = unicodedata.normalize("NFD", name)
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as file:
        file.writestr(Unmarked(f"{CAT}/{name}"), jpeg(1))
        file.writestr(Unmarked(f"__MACOSX/{CAT}/._{name}"), b"junk")
        file.writestr(Unmarked(f"{CAT}/._{name}"), b"junk")
    report = import_dataset("set", tmp_path / "x.zip")
    assert (Image.objects.get().key, report.skipped) == (f"{CAT}/{name}", [])


def test_an_unmarked_name_is_read_by_its_unicode_field_else_as_dos_wrote_it(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as file:
        for name, as_unicode in (("ü.jpg", None), ("Æ.jpg", "猫.jpg"), ("é.jpg", "stale.jpg")):
            info = Unmarked(name)
            info.encoding = "cp437"
            if as_unicode:
                crc = zlib.crc32(b"other" if as_unicode == "stale.jpg" else name.encode("cp437"))
                field = struct.pack("<BL", 1, crc) + as_unicode.encode()
                info.extra = struct.pack("<HH", 0x7075, len(field)) + field
            file.writestr(info, jpeg(ord(name[0])))
    import_dataset("set", tmp_path / "x.zip")
    assert set(Image.objects.values_list("key", flat=True)) == {"ü.jpg", "猫.jpg", "é.jpg"}


def test_an_unmarked_name_that_zipfile_itself_read_by_its_unicode_field_stays():
    """As of Python 3.12."""
    assert archive._name(zipfile.ZipInfo("猫.jpg")) == "猫.jpg"


@pytest.mark.parametrize(("system", "also_slashes"), [(0, True), (3, False)])
def test_a_zip_made_on_windows_has_folders(tmp_path, system, also_slashes):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as file:
        for key, content in PICTURES.items():
            info = zipfile.ZipInfo(key.replace("/", "\\"))
            info.create_system = system
            file.writestr(info, content)
        if also_slashes:
            file.writestr("notes/readme.txt", "hello")
        else:
            file.writestr("..\\..\\x.jpg", jpeg(9))
    import_dataset("set", tmp_path / "x.zip", labels=labels_csv(tmp_path))
    check_stored()


def test_a_backslash_in_a_name_of_a_zip_made_on_unix_stays(tmp_path):
    write_zip(tmp_path / "x.zip", {f"{CAT}/a\\b.jpg": jpeg(1)})
    import_dataset("set", tmp_path / "x.zip")
    assert Image.objects.get().key == f"{CAT}/a\\b.jpg"


def test_a_damaged_zip_is_refused_and_a_damaged_member_skipped(tmp_path):
    path = tmp_path / "x.zip"
    path.write_bytes(b"PK not really")
    with pytest.raises(ImportRefused, match="as a zip"):
        import_dataset("set", path)
    write_zip(path, PICTURES)
    content = bytearray(path.read_bytes())
    at = content.find(PICTURES[f"{DOG}/c.jpg"])
    content[at + 300] ^= 0xFF
    path.write_bytes(content)
    report = import_dataset("set", path)
    assert [key for key, _ in report.skipped] == [f"{DOG}/c.jpg"]
    assert "CRC" in report.skipped[0][1]


COMPOSED, DECOMPOSED = (unicodedata.normalize(form, "Möwe é.jpg") for form in ("NFC", "NFD"))


@pytest.mark.parametrize(("here", "there"), [(COMPOSED, DECOMPOSED), (DECOMPOSED, COMPOSED)])
@pytest.mark.parametrize("kind", ["folder", "zip", "parquet"])
def test_names_that_are_composed_otherwise_are_met(tmp_path, kind, here, there):
    pictures = {here: jpeg(1), "odd.é": jpeg(2)}
    if kind == "folder":
        where = tmp_path / "x"
        where.mkdir()
        for name, content in pictures.items():
            (where / name).write_bytes(content)
    elif kind == "zip":
        where = tmp_path / "x.zip"
        write_zip(where, pictures)
    else:
        where = tmp_path / "x.parquet"
        cells = [{"bytes": content, "path": path} for path, content in pictures.items()]
        pq.write_table(pa.table({"image": cells}), where)
    odd = unicodedata.normalize("NFD", "odd.é")  # an image only because the table names it
    (tmp_path / "l.csv").write_text(f"image,wnid\n{there},{CAT}\n{odd},{DOG}\n")
    import_dataset("set", where, labels=tmp_path / "l.csv")
    labels = dict(Image.objects.values_list("key", "dataset_label__key"))
    assert labels == {here: CAT, "odd.é": DOG}


def test_a_name_as_it_stands_comes_before_one_that_is_composed_otherwise(tmp_path):
    write_zip(tmp_path / "x.zip", {COMPOSED: jpeg(1), DECOMPOSED: jpeg(2)})
    (tmp_path / "l.csv").write_text(f"image,wnid\n{COMPOSED},{CAT}\n{DECOMPOSED},{DOG}\n")
    import_dataset("set", tmp_path / "x.zip", labels=tmp_path / "l.csv")
    labels = dict(Image.objects.values_list("key", "dataset_label__key"))
    assert labels == {COMPOSED: CAT, DECOMPOSED: DOG}


def test_a_name_that_could_be_several_images_or_has_two_rows_is_refused(tmp_path):
    mixed = COMPOSED[:2] + DECOMPOSED[3:]  # ö as one, e and ´ as two
    (tmp_path / "l.csv").write_text(f"image,wnid\n{mixed},{CAT}\n")
    write_zip(tmp_path / "x.zip", {COMPOSED: jpeg(1), DECOMPOSED: jpeg(2)})
    with pytest.raises(ImportRefused, match=r"row 2: .* fits several images"):
        import_dataset("set", tmp_path / "x.zip", labels=tmp_path / "l.csv")
    write_zip(tmp_path / "x.zip", {COMPOSED: jpeg(1)})
    (tmp_path / "l.csv").write_text(f"image,wnid\n{COMPOSED},{CAT}\n{DECOMPOSED},{CAT}\n")
    with pytest.raises(ImportRefused, match=r"row 3: .* would both be image"):
        import_dataset("set", tmp_path / "x.zip", labels=tmp_path / "l.csv")
    assert not Image.objects.exists()


def test_folders_and_images_that_a_mac_names_are_those_of_the_dataset(tmp_path):
    write_zip(tmp_path / "linux.zip", {f"Möwe/{COMPOSED}": jpeg(1)})
    write_zip(tmp_path / "mac.zip", {unicodedata.normalize("NFD", f"Möwe/{COMPOSED}"): jpeg(1)})
    (tmp_path / "c.csv").write_text("key,names\nMöwe,gull\n")
    for first, second in (("linux", "mac"), ("mac", "linux")):
        import_dataset(first, tmp_path / f"{first}.zip", classes=tmp_path / "c.csv")
        assert import_dataset(first, tmp_path / f"{second}.zip").known == 1
        assert Image.objects.get(dataset__slug=first).dataset_label.names == ["gull"]


def write_parquet(path: Path, labels: list, names: list[str] | None, paths: list) -> None:
    rows = list(PICTURES.items())
    image = pa.array(
        [{"bytes": content, "path": path} for (_, content), path in zip(rows, paths, strict=True)],
        type=pa.struct([("bytes", pa.binary()), ("path", pa.string())]),
    )
    table = pa.table({"image": image, "label": labels})
    if names:
        features = {"image": {"_type": "Image"}, "label": {"names": names, "_type": "ClassLabel"}}
        info = json.dumps({"info": {"features": features}})
        table = table.replace_schema_metadata({"huggingface": info})
    pq.write_table(table, path, row_group_size=2)


def test_parquet_with_paths_and_wordnet_names(tmp_path):
    write_parquet(tmp_path / "x.parquet", [1, 1, 0], [DOG, CAT], list(PICTURES))
    import_dataset("set", tmp_path / "x.parquet")
    check_stored()
    assert Label.objects.count() == 1000
    assert import_dataset("set", tmp_path / "x.parquet").known == 3


def test_parquet_without_paths_numbers_its_rows_and_takes_its_own_classes(tmp_path):
    write_parquet(tmp_path / "x.parquet", [0, 1, -1], ["cat", "dog"], [None] * 3)
    import_dataset("set", tmp_path / "x.parquet")
    assert dict(Image.objects.values_list("key", "dataset_label__names")) == {
        "row-0000001": ["cat"],
        "row-0000002": ["dog"],
        "row-0000003": None,
    }
    assert set(Label.objects.values_list("key", flat=True)) == {"0", "1"}


def test_numbers_as_labels_are_keys_of_text(tmp_path):
    write_parquet(tmp_path / "x.parquet", [325, 7, 325], None, list(PICTURES))
    (tmp_path / "classes.csv").write_text("key,names\n325,tub\n7,cat\n")
    import_dataset("set", tmp_path / "x.parquet", classes=tmp_path / "classes.csv")
    assert Image.objects.get(key=f"{DOG}/c.jpg").dataset_label.names == ["tub"]


def test_shards_in_a_folder_are_one_dataset_if_they_are_alike(tmp_path):
    first, second = (tmp_path / f"data/train-0000{i}-of-00002.parquet" for i in range(2))
    first.parent.mkdir()
    write_parquet(first, [0, 1, 1], ["cat", "dog"], [None] * 3)
    write_parquet(second, [1, 0, 0], ["cat", "dog"], [None] * 3)
    import_dataset("set", tmp_path)
    named = Image.objects.values_list("key", "dataset_label__names")
    assert dict(named)["row-0000004"] == ["dog"]
    assert len(named) == 6
    write_parquet(second, [1, 0, 0], ["dog", "cat"], [None] * 3)  # 0 now means another class
    with pytest.raises(ImportRefused, match=r"train-00001.*names of its classes differ"):
        import_dataset("other", tmp_path)


def test_numbered_classes_may_be_described_by_number_or_by_name(tmp_path):
    write_parquet(tmp_path / "x.parquet", [0, 1, 0], ["cat", "dog"], list(PICTURES))
    for slug, keys in (("numbers", ("0", "1")), ("names", ("cat", "dog"))):
        (tmp_path / "c.csv").write_text(f"key,names\n{keys[0]},a cat\n{keys[1]},a dog\n")
        import_dataset(slug, tmp_path / "x.parquet", classes=tmp_path / "c.csv")
        images = Image.objects.filter(dataset__slug=slug, dataset_label__key=keys[0])
        assert images.count() == 2
        assert import_dataset(slug, tmp_path / "x.parquet").known == 3  # without the table too


def test_columns_of_other_names_are_found_by_their_features(tmp_path):
    content = next(iter(PICTURES.values()))
    table = pa.table({"img": pa.array([{"bytes": content, "path": None}]), "fine": [1]})
    features = {"img": {"_type": "Image"}, "fine": {"names": ["a", "b"], "_type": "ClassLabel"}}
    info = json.dumps({"info": {"features": features}})
    pq.write_table(table.replace_schema_metadata({"huggingface": info}), tmp_path / "x.parquet")
    import_dataset("set", tmp_path / "x.parquet")
    assert Image.objects.get().dataset_label.names == ["b"]


def test_a_file_that_is_not_parquet_or_has_no_images_is_refused(tmp_path):
    path = tmp_path / "x.parquet"
    path.write_bytes(b"PAR1")
    with pytest.raises(ImportRefused, match="as Parquet"):
        import_dataset("set", path)
    pq.write_table(pa.table({"img": [1]}), path)
    with pytest.raises(ImportRefused, match="no column 'image'"):
        import_dataset("set", path)


def test_s3_reads_in_place(bucket):
    for key, content in PICTURES.items():
        s3_client().put_object(Bucket=bucket, Key=f"in/{key}", Body=content)
    s3_client().put_object(Bucket=bucket, Key="other/z.jpg", Body=b"not below the prefix")
    import_dataset("set", f"s3://{bucket}/in")
    check_stored()
    assert Image.objects.first().location.startswith("s3://pictures/in/")
    with pytest.raises(ImportRefused, match="s3://nowhere"):
        import_dataset("other", "s3://nowhere/in")


def test_images_moved_to_another_prefix_or_into_a_zip_are_read_from_the_new_place(bucket, tmp_path):
    def put(prefix: str) -> None:
        for key, content in PICTURES.items():
            s3_client().put_object(Bucket=bucket, Key=f"{prefix}/{key}", Body=content)

    put("old")
    import_dataset("set", f"s3://{bucket}/old")
    put("new/place")
    assert import_dataset("set", f"s3://{bucket}/new/place").moved == 3
    check_stored()
    assert Image.objects.filter(location__startswith=f"s3://{bucket}/new/place/").count() == 3
    for key, content in PICTURES.items():
        (tmp_path / "set" / key).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "set" / key).write_bytes(content)
    assert import_dataset("set", tmp_path / "set").moved == 3
    write_zip(tmp_path / "x.zip", PICTURES)
    assert import_dataset("set", tmp_path / "x.zip").moved == 0
    (tmp_path / f"set/{DOG}/c.jpg").unlink()
    assert import_dataset("set", tmp_path / "x.zip").moved == 1
    check_stored()


def test_s3_lists_more_objects_than_one_answer_holds(bucket, monkeypatch):
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "3")  # S3 itself: 1000
    for number in range(8):
        s3_client().put_object(Bucket=bucket, Key=f"many/{number:04}.jpg", Body=b"")
    assert len(s3_client().list_objects_v2(Bucket=bucket)["Contents"]) == 3
    assert len(list(open_source(f"s3://{bucket}/many/").entries(()))) == 8


def test_an_object_that_fails_is_skipped(bucket):
    for key, content in PICTURES.items():
        s3_client().put_object(Bucket=bucket, Key=f"fails/{key}", Body=content)

    def remove(step: str, done: int, total: int | None) -> None:
        if step == "Listing images":
            s3_client().delete_object(Bucket=bucket, Key=f"fails/{DOG}/c.jpg")

    report = import_dataset("set", f"s3://{bucket}/fails", progress=remove)
    assert report.added == 2
    assert [key for key, _ in report.skipped] == [f"{DOG}/c.jpg"]
    assert "NoSuchKey" in report.skipped[0][1]


def test_s3_that_stops_answering_stops_the_import(bucket, monkeypatch):
    for key, content in PICTURES.items():
        s3_client().put_object(Bucket=bucket, Key=f"in/{key}", Body=content)

    def go_away(step: str, done: int, total: int | None) -> None:
        if step == "Listing images":
            monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
            s3_client.cache_clear()

    with pytest.raises(ImportRefused, match=r"stopped: s3://.*resume"):
        import_dataset("set", f"s3://{bucket}/in", progress=go_away)
    assert not Image.objects.exists()


def test_copies_go_to_the_bucket_where_one_is_set(bucket, settings, tmp_path, client):
    settings.AWS_STORAGE_BUCKET_NAME = bucket
    write_zip(tmp_path / "x.zip", PICTURES)
    import_dataset("set", tmp_path / "x.zip")
    check_stored()
    image = Image.objects.first()
    assert image.location == f"s3://pictures/images/{image.sha256[:2]}/{image.sha256}"
    assert client.get(image_urls(image)[0]).status_code == 302
    assert not (settings.DATA_DIR / "images").exists()


def test_a_zip_whose_directory_is_damaged_is_refused_in_a_line(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("a.jpg", b"x")
    content = bytearray(path.read_bytes())
    entry = content.rindex(b"PK\x01\x02")
    content[entry + 6] = 197  # the version needed to read it
    path.write_bytes(content)
    with pytest.raises(ImportRefused, match=r"a\.zip"):
        open_source(path)


def test_a_member_without_a_name_is_left_out_and_said(tmp_path):
    write_zip(tmp_path / "x.zip", {"a.jpg": jpeg(1), "b.jpg": jpeg(2)})
    content = (tmp_path / "x.zip").read_bytes()
    directory = content.rindex(b"b.jpg") - 46  # a central header is 46 bytes and the name
    header = bytearray(content[directory : directory + 46])
    header[28:30] = b"\0\0"  # the length of the name
    header[32:34] = b"\5\0"  # that of the comment, which takes its bytes
    damaged = content[:directory] + bytes(header) + content[directory + 46 :]
    (tmp_path / "x.zip").write_bytes(damaged)
    with zipfile.ZipFile(tmp_path / "x.zip") as file:
        assert [info.filename for info in file.infolist()] == ["a.jpg", ""]
    report = import_dataset("set", tmp_path / "x.zip")
    assert list(Image.objects.values_list("key", flat=True)) == ["a.jpg"]
    assert any("without a name" in note for note in report.notes)
