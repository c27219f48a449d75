"""Arrow arrays from and to NumPy without pandas, which Arrow's own conversions import.

In a fresh process that import takes longer than reading the answers.
"""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray


def to_arrow(values: NDArray[Any], null: NDArray[np.bool_] | None = None) -> pa.Array:
    """Numbers or bools of shape (n,) as an Arrow array, not copied; null where `null` is true."""
    values = np.ascontiguousarray(values)
    known = None if null is None else _bits(~null)
    if values.dtype == bool:
        return pa.Array.from_buffers(pa.bool_(), values.size, [known, _bits(values)])
    kind = pa.from_numpy_dtype(values.dtype)
    return pa.Array.from_buffers(kind, values.size, [known, pa.py_buffer(values)])


def to_numpy(values: pa.Array | pa.ChunkedArray) -> NDArray[Any]:
    """Numbers without nulls as a NumPy array, copied only if necessary."""
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    return np.from_dlpack(values)


def lists(counts: NDArray[np.int64], values: NDArray[Any] | pa.Array) -> pa.ListArray:
    """Consecutive values as lists of these lengths."""
    offsets = np.zeros(counts.size + 1, np.int32)
    np.cumsum(counts, out=offsets[1:])
    if isinstance(values, np.ndarray):
        values = to_arrow(values)
    return pa.ListArray.from_arrays(to_arrow(offsets), values)


def lengths(values: pa.Array | pa.ChunkedArray) -> NDArray[np.int64]:
    """(n,): how long each list or text is."""
    count = pc.binary_length if pa.types.is_string(values.type) else pc.list_value_length
    return to_numpy(count(values)).astype(np.int64)


def _bits(values: NDArray[np.bool_]) -> pa.Buffer:
    return pa.py_buffer(np.packbits(values, bitorder="little"))
