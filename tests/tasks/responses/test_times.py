"""A time is read as whoever wrote it meant it, or refused where day and month may be either."""

import pytest

from tasks.responses.times import Times


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-28T14:05:00+01:00", "2026-11-28T13:05:00"),
        ("2026-11-28 14:05", "2026-11-28T14:05:00"),
        ("2026-11-28 14:05:00 UTC", "2026-11-28T14:05:00"),
        ("2026-11-28 14:05:00 +0100", "2026-11-28T13:05:00"),
        ("Sat Nov 28 06:05:00 PST 2026", "2026-11-28T14:05:00"),
        ("28.11.2026 14:05", "2026-11-28T14:05:00"),
        ("3.4.26 9:05:07", "2026-04-03T09:05:07"),
        ("11/28/26 14:05", "2026-11-28T14:05:00"),
        ("28/11/2026, 14:05:07", "2026-11-28T14:05:07"),
        ("11/28/2026 2:05 PM", "2026-11-28T14:05:00"),
        ("11/28/2026 12:05:00 AM", "2026-11-28T00:05:00"),
        ("2026/11/28 14:05", "2026-11-28T14:05:00"),
        ("5/5/2026", "2026-05-05T00:00:00"),
        ("46354.586805556", "2026-11-28T14:05:00"),
        ("1795874700", "2026-11-28T14:05:00"),
        ("1795874700000", "2026-11-28T14:05:00"),
    ],
)
def test_a_time_is_read_as_the_program_that_wrote_it_meant_it(text, moment):
    assert Times()(text).isoformat().removesuffix("+00:00") == moment


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("11/12/2026 14:05", "may be 2026-11-12 or 2026-12-11: write times as 2026-11-12T"),
        ("3-4-26", "may be 2026-03-04 or 2026-04-03"),
        ("32.11.2026 14:05", "there is no such date"),
        ("11/28/2026 14:05 PM", "there is no such date or hour"),
        ("12345", "not a time"),
        ("Saturday", "not a time"),
    ],
)
def test_a_time_that_may_mean_two_days_or_none_is_refused(text, says):
    with pytest.raises(ValueError, match=says):
        Times()(text)


def test_the_form_that_times_were_read_by_is_said_with_a_count_and_an_example():
    times = Times()
    for text in ("46354.5", "46354.5", "2026-11-28T12:00:00Z", "nan"):
        times(text)
    assert times.notes() == [
        "2 times were read as a spreadsheet's days since 1899-12-30, in UTC: 46354.5 as"
        " 2026-11-28T12:00:00Z"
    ]
