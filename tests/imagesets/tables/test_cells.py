"""A table is read as whichever program wrote it, or refused by what it is and what to do."""

import io
import zipfile

import pytest

from imagesets.tables.cells import cell_rows
from imagesets.tables.problems import Problems, TableError

TABLE = [["image", "label"], ["img0.jpg", "cat"], ["img1.jpg", "café"]]
TEXT = "image,label\nimg0.jpg,cat\nimg1.jpg,café\n"


def read(data: bytes | str) -> tuple[list[list[str]], list[str], list[str]]:
    """Rows, notes and errors."""
    problems, notes = Problems(), []
    file = io.BytesIO(data.encode() if isinstance(data, str) else data)
    rows = [cells for _, cells in cell_rows(file, {"image", "label"}, problems, notes)]
    assert not file.closed
    return rows, notes, [str(error) for error in problems.errors()]


def refused(data: bytes | str) -> str:
    with pytest.raises(TableError) as error:
        read(data)
    return str(error.value)


def with_index(first: str, *index: str) -> str:
    lines = TEXT.splitlines()
    return "\n".join(f"{cell},{line}" for cell, line in zip((first, *index), lines, strict=True))


@pytest.mark.parametrize(
    ("data", "note"),
    [
        (TEXT, ""),
        (TEXT.replace("\n", "\r\n"), ""),
        (TEXT.replace("\n", "\r"), ""),
        ("\ufeff" + TEXT, ""),
        (TEXT.replace(",", " , "), ""),
        (TEXT.replace("img0.jpg,cat", '"img0.jpg", "cat"').replace(",label", ", label"), ""),
        (TEXT.replace("\n", ",,\n"), ""),
        ("\n" + TEXT + ",\n , \n\n", ""),
        (TEXT.replace(",", ";"), "separated by semicolons"),
        ("sep=;\r\n" + TEXT.replace(",", ";"), "separated by semicolons"),
        (TEXT.replace(",", "\t"), "separated by tabs"),
        (TEXT.replace(",", "\t").encode("utf-16"), "in UTF-16"),
        (("\ufeff" + TEXT).encode("utf-16-be"), "in UTF-16"),
        (with_index("", "0", "1"), "counts 2 rows, was passed over"),
        (with_index('""', "1", "2"), "counts 2 rows"),
        (with_index("Unnamed: 0", "0", "1"), "counts 2 rows"),
        (with_index(",Unnamed: 0", "0,0", "1,1"), "counts 2 rows"),
    ],
)
def test_what_programs_write_is_read_and_what_was_taken_for_granted_is_said(data, note):
    rows, notes, errors = read(data)
    assert (rows, errors) == (TABLE, [])
    assert note in " ".join(notes) if note else not notes


def test_the_header_decides_between_separators_and_cells_keep_the_others():
    assert read("image;label\na,b.jpg;cat\n")[0][1] == ["a,b.jpg", "cat"]
    assert read("image,label\na.jpg,cat;house cat\n")[0][1] == ["a.jpg", "cat;house cat"]
    assert "may be separated by commas or semicolons" in refused("image;x,label\na;b,c\n")


@pytest.mark.parametrize(
    ("data", "row"),
    [(with_index("", "0", "2"), 3), (with_index("", "5", "1"), 2), (with_index("", "a", "b"), 2)],
)
def test_a_column_without_a_name_that_does_not_count_the_rows_is_refused_with_a_hint(data, row):
    errors = read(data)[2]
    assert errors[0].startswith(f"row{'s' if ' and ' in errors[0][:12] else ''} {row}")
    assert "index=False" in errors[0]


def zipped(*names: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return content.getvalue()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (TEXT.encode("cp1252"), r"row 3: is not UTF-8 text (as Windows-1252 it reads 'img1.jpg,"),
        (
            TEXT.encode("utf-16-le"),
            'UTF-16 without a byte order mark, which is not read: save it as "C',
        ),
        (TEXT.encode("utf-32"), "in UTF-32"),
        (
            zipped("[Content_Types].xml", "xl/workbook.xml"),
            "Excel workbook (.xlsx): open it and save",
        ),
        (zipped("mimetype", "content.xml"), "LibreOffice document (.ods)"),
        (zipped("labels.csv"), "zip archive: unpack it"),
        (b"PK\3\4 broken", "zip archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Excel workbook of the old kind (.xls)"),
        (b"\x1f\x8b\x08", "compressed file (gzip): decompress"),
        (b"PAR1\x15", "Parquet file"),
        (b"\x89PNG\r\n\x1a\n", "a picture (PNG)"),
        (b"\xff\xd8\xff\xe0", "a picture (JPEG)"),
        (b"%PDF-1.7", "PDF document"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "Git LFS pointer"),
        ("\n<!DOCTYPE html>\n<html>", "HTML page"),
        ('{"images": [], "annotations": [], "categories": []}', "JSON of COCO's kind"),
        ('[{"image": "a.jpg"}]', "is JSON, not a CSV"),
        ('{"image": "a.jpg"}\n{"image": "b.jpg"}\n', "is JSON lines"),
        (bytes(100), "binary file"),
    ],
)
def test_a_file_of_another_kind_is_called_by_its_name_with_what_to_do(data, says):
    assert says in refused(data)
