"""Columns of any kind of table: numbered, and each number stands for the value it came from."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from tasks.aggregation import DawidSkene
from tasks.aggregation.table import encoded_column

NAN = float("nan")


def in_chunks(values, **settings):
    return pa.chunked_array([pa.array(values[:2], **settings), pa.array(values[2:], **settings)])


def dictionary(indices, values):
    return pa.DictionaryArray.from_arrays(pa.array(indices), pa.array(values))


COLUMNS = {
    "texts": (["b", "nan", "b", "a"], list),
    "texts in Arrow": (["b", "nan", "b", "a"], pa.array),
    "texts in chunks": (["b", "nan", "b", "a"], in_chunks),
    "texts in a NumPy array": (["b", "nan", "b", "a"], np.array),
    "texts in pandas": (["b", "nan", "b", "a"], pd.Series),
    "categories, one of them unused": (
        ["b", "a", "b"],
        lambda values: pd.Categorical(values, categories=["a", "b", "c"]),
    ),
    "tuples": ([("b", 1), ("a", 2), ("b", 1)], list),
    "numbers": ([3.5, -1.0, 3.5], list),
    "numbers in Arrow": ([3.5, -1.0, 3.5], pa.array),
    "truth values": ([True, False, True], list),
    "truth values in Arrow": ([True, False, True], pa.array),
    "texts and numbers": (["1", 1, "1"], list),
    "integers that differ by more than an int64": (
        [2**63 - 1, -(2**63), 2**63 - 1],
        lambda values: np.array(values, np.int64),
    ),
    "small integers": ([-128, 127, -128], lambda values: np.array(values, np.int8)),
    "integers beyond int64": (
        [2**63 + 2, 2**63, 2**63 + 2],
        lambda values: np.array(values, np.uint64),
    ),
    "integers beyond int64 in Arrow": (
        [2**64 - 1, 2**64 - 3, 2**64 - 1],
        lambda values: in_chunks(values, type=pa.uint64()),
    ),
    "a dictionary with a value twice and an unused one": (
        ["b", "b", "a"],
        lambda values: dictionary([0, 2, 3], ["b", "c", "b", "a"]),
    ),
    "a dictionary with an unused null": (
        ["b", "a"],
        lambda values: dictionary([0, 2], ["b", None, "a"]),
    ),
    "chunks with dictionaries of their own": (
        ["b", "a", "a", "c"],
        lambda values: pa.chunked_array(
            [dictionary([0, 1], ["b", "a"]), dictionary([2, 0], ["c", None, "a"])]
        ),
    ),
}


@pytest.mark.parametrize(("values", "column"), COLUMNS.values(), ids=COLUMNS)
def test_each_number_stands_for_its_value(values, column):
    found = encoded_column(column(values), "task")
    assert [found.values[code] for code in found.codes] == values
    assert len(found.values) == len(set(values))
    if len({type(value) for value in values}) == 1:
        assert list(found.values) == sorted(set(values))


MISSING = {
    "None beside texts": ["a", None],
    "NaN beside texts": ["a", NAN],
    "NaN beside tuples": [("a", 1), NAN],
    "NA beside integers": [1, pd.NA],
    "NaN in Arrow": pa.array([1.0, NAN]),
    "null in Arrow": in_chunks([1, 2, None], type=pa.int64()),
    "null in an Arrow dictionary": dictionary([0, 1], ["a", None]),
    "NaN in an Arrow dictionary": dictionary([0, 1], [1.0, NAN]),
    "a category that is missing": pd.Categorical(["a", None]),
    "a masked number": np.ma.array([1, 2], mask=[False, True]),
    "no time": np.array(["2026-01-01", "NaT"], "datetime64[D]"),
}


@pytest.mark.parametrize("column", MISSING.values(), ids=MISSING)
def test_a_missing_value_is_refused_by_the_columns_name(column):
    with pytest.raises(ValueError, match="column worker has missing values"):
        encoded_column(column, "worker")


def test_the_kind_of_table_does_not_move_a_posterior():
    rng = np.random.default_rng(3)
    columns = {
        "task": [("image", int(n)) for n in rng.integers(0, 30, 400)],
        "worker": [f"worker {n}" for n in rng.integers(0, 9, 400)],
        "label": ["yes" if yes else "no" for yes in rng.random(400) < 0.6],
    }
    listed = DawidSkene().fit(columns).probas_
    texts = columns | {"task": [str(task) for task in columns["task"]]}
    for table in (
        pd.DataFrame(texts).astype("category"),
        pa.table({name: pa.array(texts[name]).dictionary_encode() for name in texts}),
    ):
        found = DawidSkene().fit(table).probas_[["no", "yes"]]
        np.testing.assert_allclose(found.to_numpy(), listed.to_numpy(), rtol=0, atol=1e-12)
