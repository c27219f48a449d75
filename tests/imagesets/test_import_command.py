"""manage.py import_dataset: what it prints, and its exit codes."""

import pytest
from django.core.management import CommandError, call_command

from imagesets.models import Dataset
from tests.studies.drawn_pictures import jpeg

pytestmark = pytest.mark.django_db


def test_the_closing_table_and_skipped_files(tmp_path, capsys):
    for i in range(3):
        (tmp_path / f"{i}.jpg").write_bytes(jpeg(i))
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    call_command("import_dataset", "set", "--images", str(tmp_path))
    printed = capsys.readouterr().out
    assert "skipped broken.jpg: not a picture in any known format" in printed
    assert "images added" in printed
    table = [line for line in printed.splitlines() if "│" in line]
    assert max(map(len, table)) <= 80


def test_a_refusal_is_a_command_error(tmp_path):
    with pytest.raises(CommandError, match="nowhere: no such file or folder"):
        call_command("import_dataset", "set", "--images", "nowhere")
    assert not Dataset.objects.exists()
