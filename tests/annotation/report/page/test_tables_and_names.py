"""A figure's data as tables, and labels by name."""

import copy

from annotation.report.page.named import named, unambiguous
from annotation.report.page.tables import ROWS, Table, tables_of
from tests.studies.made_up_reports import made_up_report
from tests.studies.made_up_studies import pictures, study_of


def figure(data, **intervals):
    return {"data": data, "intervals": {f"/{key}": ends for key, ends in intervals.items()}}


def test_each_value_stands_in_its_row_and_column_with_its_interval():
    data = {
        "models": {
            "net_a/b": {"top_one": 0.5, "n": 1200, "inner": {"deep": None}},
            "net_b": {"top_one": 1.0, "n": 3},
        },
        "mean_of_all": 0.75,
        "rows": [{"label": "x", "share": 0.25}],
        "histogram": {"1": 7, "2,3": 8},
    }
    made = {"data": data, "intervals": {"/models/net_a~1b/top_one": [0.25, 0.75]}}
    whole, models, rows, histogram = tables_of(made, ["net_a/b", "net_b"])
    assert whole == Table("", ["", "value"], [["mean of all", "0.750"]])
    assert models == Table(
        "models",
        ["", "top one", "n", "inner deep"],
        [
            ["net_a/b", "0.500 (0.250 to 0.750)", "1,200", "-"],
            ["net_b", "1.000", "3", ""],
        ],
    )
    assert rows == Table("rows", ["label", "share"], [["x", "0.250"]])
    assert histogram == Table("histogram", ["", "images"], [["1", "7"], ["2,3", "8"]])


def test_long_tables_say_how_many_rows_are_left_out():
    rows = [{"label": str(number), "n": number} for number in range(ROWS + 5)]
    (table,) = tables_of(figure({"classes": rows}))
    assert (len(table.rows), table.left_out) == (ROWS, 5)
    (table,) = tables_of(figure({"by": {str(row["n"]): row for row in rows}}))
    assert (len(table.rows), table.left_out) == (ROWS, 5)


def test_a_matrix_is_read_by_its_superclasses():
    (table,) = tables_of(figure({"superclasses": ["animal", "thing"], "human": [[1, 2], [3, 4]]}))
    assert table.head == ["", "animal", "thing"]
    assert table.rows == [["animal", "1", "2"], ["thing", "3", "4"]]


def test_every_figure_becomes_tables():
    for made in made_up_report(study_of(pictures(5, 40)))["figures"].values():
        for table in tables_of(made, ["first", "second"]):
            assert all(len(row) == len(table.head) for row in table.rows)


def test_labels_by_name_in_data_and_findings():
    report = made_up_report(study_of(pictures(5, 60)))
    before = copy.deepcopy(report)
    names = unambiguous({"a": "crane", "b": "crane", "c": "cup", "d": "dog", "e": "dog"})
    assert names == {"a": "crane (a)", "b": "crane (b)", "c": "cup", "d": "dog (d)", "e": "dog (e)"}
    readable = named(report, names)
    assert report == before
    label = {row["label"] for row in readable["figures"]["R13"]["data"]["classes"]}
    assert label <= set(names.values())
    for figure_name in ("R2", "R9", "R13"):
        old, new = (each["figures"][figure_name]["finding"] for each in (report, readable))
        assert old != new
        assert any(name in new for name in names.values())
