"""A table of known answers is stored whole or not at all; errors name row and field."""

import pytest
from django.core.management import CommandError, call_command

from tasks.models import KnownAnswer

A, B = "000.jpg,n00000001", "001.jpg,n00000001"


@pytest.fixture
def load(dataset, tmp_path):
    def run(*rows: str, header: str = "image,label,present") -> None:
        file = tmp_path / "known.csv"
        file.write_text("\n".join([header, *rows]) + "\n")
        call_command("import_known_answers", "small", str(file))

    return run


def test_answers_are_added_and_the_same_again_adds_nothing(load, capsys):
    load(f"{A},true", f"{B},no")
    header = "image,label,present,who"
    load(f"{A},1,x", f"{B},FALSE,x", "002.jpg,n00000001,yes,", header=header)
    said = capsys.readouterr().out
    assert "1 known answers added; 2 had been added before" in said
    assert "columns passed over (1): who." in said
    rows = KnownAnswer.objects.order_by("image__key").values_list("image__key", "present")
    assert list(rows) == [("000.jpg", True), ("001.jpg", False), ("002.jpg", True)]


@pytest.mark.parametrize(
    ("rows", "error"),
    [
        ([f"{A},true", "nowhere.jpg,n00000001,true"], r"row 3: unknown image 'nowhere\.jpg'"),
        ([f"{A},", f"{B},"], r"rows 2, 3: present is ''"),
        (["000.jpg,x,true"], r"row 2: label 'x' is not in dataset small"),
        ([f"{A},true", f"{B},maybe"], r"row 3: present is 'maybe'"),
        ([f"{A},"], r"row 2: present is ''"),
        ([f"{A},true", f"{B},true", f"{A},true"], r"row 4: .*stands in row 2 already"),
        ([f"{A},true,1"], r"row 2: 4 cells under 3 columns"),
    ],
)
def test_an_error_names_row_and_field_and_nothing_is_added(load, rows, error):
    with pytest.raises(CommandError, match=error):
        load(*rows)
    assert not KnownAnswer.objects.exists()


def test_another_answer_than_before_is_refused(load):
    load(f"{A},true")
    with pytest.raises(CommandError, match=r"row 3: present: .* was imported as true before"):
        load(f"{B},true", f"{A},false")
    assert KnownAnswer.objects.count() == 1


def test_an_explanation_may_come_with_an_answer_or_later_but_is_not_changed(load, capsys):
    header = "image,label,present,explanation"
    load(f"{A},true")
    load(f"{A},true,A paw.", f"{B},no,", header=header)
    assert "1 had been added before, 1 of which are explained now" in capsys.readouterr().out
    load(f"{A},true,", header=header)
    assert KnownAnswer.objects.get(present=True).explanation == "A paw."
    with pytest.raises(CommandError, match=r"row 2: explanation: .* with another before"):
        load(f"{A},true,Two paws.", header=header)
    with pytest.raises(CommandError, match=r"row 2, explanation: has 501 characters"):
        load(f"{B},no,{'x' * 501}", header=header)


def test_a_column_or_a_file_or_a_dataset_that_is_missing_is_named(load, dataset):
    with pytest.raises(CommandError, match="no column 'present'"):
        load(A, header="image,label")
    with pytest.raises(CommandError, match="nowhere"):
        call_command("import_known_answers", "small", "/nowhere.csv")
    with pytest.raises(CommandError, match="no dataset large"):
        call_command("import_known_answers", "large", "/nowhere.csv")
