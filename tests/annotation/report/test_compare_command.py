"""compare A B: what it prints and writes of two studies of one dataset."""

import csv
import json

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from tests.factories import make_campaign, make_dataset, make_workers, random_answers, work_through
from tests.studies.answered_studies import make_answered_study

pytestmark = pytest.mark.django_db


def test_headline_figures_side_by_side(tmp_path, capsys):
    dataset = make_dataset(6, 3)
    make_answered_study(dataset)
    again = make_campaign(dataset, slug="again")
    with pytest.raises(CommandError, match="grid and again cannot be compared"):
        call_command("compare", "grid", "again")
    work_through(again, make_workers(3), random_answers())
    out = tmp_path / "new"
    call_command("compare", "grid", "again", "--out", str(out))
    printed = capsys.readouterr().out
    compared = json.loads((out / "compare.json").read_text())
    assert [compared[side]["contains"] for side in ("a", "b")] == ["grid", "again"]
    assert [compared[side]["classify"] for side in ("a", "b")] == ["form", None]
    row = compared["data"]["headlines"]["R10/dataset_label/mean_sf"]
    assert row["difference"] == pytest.approx(row["a"] - row["b"])
    assert "R10/dataset_label/mean_sf" in printed
    assert f"{row['difference']:.3f}" in printed
    with (out / "compare.csv").open() as file:
        rows = {line["figure"]: line for line in csv.DictReader(file)}
    assert rows.keys() == compared["data"]["headlines"].keys()
    assert float(rows["R10/dataset_label/mean_sf"]["difference"]) == row["difference"]
    page = (out / "index.html").read_text()
    assert "grid and again compared" in page
    assert f"{100 * row['a']:.1f} %" in page

    with pytest.raises(CommandError, match="are of one study"):
        call_command("compare", "grid", "form")
    with pytest.raises(CommandError, match="There is no campaign grit"):
        call_command("compare", "grit", "again")
