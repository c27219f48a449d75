"""Folders of test data that are too large, or not ours, to keep in the project."""

import os
from pathlib import Path

BESIDE = Path(__file__).resolve().parents[3]


def folder(variable: str, holding: str) -> Path | None:
    """The folder that the environment variable names, which must hold the file `holding`.

    Otherwise a folder named after the variable, beside the checkout or in a folder beside it; None
    where there is none.
    """
    if named := os.environ.get(variable):
        path = Path(named).resolve()
        if not (path / holding).is_file():
            raise FileNotFoundError(f"{variable} names {path}, which has no {holding}")
        return path
    name = variable.lower()
    beside = sorted((*BESIDE.glob(name), *BESIDE.glob(f"*/{name}")))
    return next((path for path in beside if (path / holding).is_file()), None)
