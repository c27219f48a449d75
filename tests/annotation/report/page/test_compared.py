"""The page of a comparison: what it calls clear, and what it says of it."""

from annotation.report.comparison_groups import groups_of
from annotation.report.page.compared import abstract_of, names_of, page_of

ROWS = {  # pointer: a, b, the difference's interval
    "R1/fraction_multi/of_settled": (0.5, 0.2, [0.1, 0.5]),
    "R3/models/a~1b/settled": (0.5, 0.4, [-0.1, 0.3]),
    "R3/models/second/settled": (0.2, 0.7, [-0.6, -0.4]),
    "R3/models/third/settled": (None, None, None),
    "R7/thresholds/0.5/mean_labels": (2.5, 1.25, [1.0, 1.5]),
    "B1/models/second/top1/value": (0.2, 0.7, [-0.6, -0.4]),
}


def compared(rows=ROWS):
    headlines = {
        pointer: {"a": a, "b": b, "difference": None if a is None else a - b}
        for pointer, (a, b, _) in rows.items()
    }
    intervals = {
        f"/headlines/{pointer.replace('~', '~0').replace('/', '~1')}/difference": between
        for pointer, (_, _, between) in rows.items()
        if between
    }
    study = {"classify": None, "classifiers": ["x"], "images": 7, "workers": 1}
    return {
        "a": study | {"dataset": "birds", "contains": "grid"},
        "b": study | {"dataset": "cups", "contains": "grid"},
        "software": "1",
        "data": {"headlines": headlines},
        "intervals": intervals,
    }


def test_what_the_interval_leaves_out_is_clear():
    groups = groups_of(compared())
    assert [group.title for group in groups] == [
        "Images with several objects: a clear difference",
        "Right by the dataset label, settled images: clear differences in 1 of 3",
        "Labels that rival, an image: a clear difference",
    ]
    assert [row.of for row in groups[1].rows] == ["a/b", "second", "third"]


def test_sentences():
    comparison = compared()
    names = names_of(comparison)
    assert abstract_of(comparison, names) == [
        "birds/grid: 7 images of birds, 1 worker, 1 classifier.",
        "cups/grid: 7 images of cups, 1 worker, 1 classifier.",
        "Of 4 headline figures that both have, 3 differ clearly: the 95 % interval of the"
        " difference leaves out zero. If nothing differed, about 5 % of them would all the same.",
        "Right by the dataset label, settled images (second): 20.0 % in birds/grid, 70.0 % in"
        " cups/grid; the difference is -50.0 (-60.0 to -40.0) points.",
        "Labels that rival, an image (0.5): 2.50 in birds/grid, 1.25 in cups/grid; the difference"
        " is 1.25 (1.00 to 1.50).",
        "Images with several objects: 50.0 % in birds/grid, 20.0 % in cups/grid; the difference is"
        " 30.0 (10.0 to 50.0) points.",
    ]


def test_classifiers_that_one_study_lacks_are_said():
    comparison = compared()
    for ours, theirs, sentence in (
        (["x", "y"], ["z", "x"], "Compared are the classifiers of both, x; 2 others are in one"),
        (["x"], ["y"], "No classifier is compared: none is in both."),
        (["x"], [], "No classifier is compared: cups/grid has none."),
    ):
        for side, classifiers in (("a", ours), ("b", theirs)):
            comparison[side] = comparison[side] | {"classifiers": classifiers}
        assert abstract_of(comparison, names_of(comparison))[2].startswith(sentence)


def test_the_page_needs_no_other_file_and_shows_what_has_no_chart():
    text = page_of(compared({"R3/models/third/settled": (None, None, None)}), ("a", "b")).decode()
    assert "No difference has an interval" in text
    assert "<h2>Right by the dataset label, settled images</h2>" in text
    whole = page_of(compared(), ("<i>", "b")).decode()
    assert whole.count("data:image/svg+xml") == 6
    assert "http" not in whole.replace("http://www.w3.org", "")
    assert "&lt;i&gt; and b compared" in whole
