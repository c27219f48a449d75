"""The same error on many rows is told once, with its first rows and a count."""

from imagesets.tables.problems import Problems, listed


def test_an_error_on_many_rows_is_one_line_with_its_first_rows_and_a_count():
    problems = Problems()
    for row in range(2, 5002):
        problems.add(row, "worker", "is empty")
    problems.add(7, "image", "unknown image 'x.jpg'")
    assert listed(problems.errors()) == (
        "rows 2, 3, 4 and 4,997 more, worker: is empty; row 7, image: unknown image 'x.jpg'"
    )


def test_errors_that_differ_by_their_values_are_of_one_kind():
    problems = Problems()
    for row in range(2, 102):
        problems.add(row, "label", f"unknown label 'n{row // 3}' (see row {row - 1})")
    first, _, third = map(str, problems.errors())
    assert first == "row 2, label: unknown label 'n0' (see row 1)"
    assert third.endswith("unknown label 'n1' (see row 3) (97 more rows have such an error)")
    assert not problems.enough


def test_reading_ends_after_twenty_kinds():
    problems = Problems()
    for number in range(20):
        problems.add(2, "", "x" * number)
    assert problems.enough
