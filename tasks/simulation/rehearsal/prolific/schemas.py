"""Requests and answers of Prolific's API, checked against JSON Schemas of the operations used.

schemas.json describes what the site sends and reads, stricter than the API itself where that finds
mistakes: a field that it does not name is one.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from tasks.simulation.rehearsal.prolific.errors import wrong

FILE = Path(__file__).with_name("schemas.json")


@cache
def _described() -> dict[str, Any]:
    return json.loads(FILE.read_text())


@cache
def _validator(operation: str, part: str) -> Draft202012Validator:
    described = _described()
    schema = described["operations"][operation].get(part, {"maxProperties": 0})
    return Draft202012Validator({**schema, "$defs": described["$defs"]})


def check_body(operation: str, body: Any) -> None:
    """Raises Fault, as the API would, where the body of a request is not valid."""
    if mismatches := _mismatches(operation, "body", body):
        raise wrong(mismatches)


def check_answer(operation: str, answer: Any) -> None:
    """Raises AssertionError where the stand-in would give an answer that is not valid."""
    if mismatches := _mismatches(operation, "answer", answer):
        raise AssertionError(f"{operation} would answer wrongly: {mismatches}")


def _mismatches(operation: str, part: str, value: Any) -> str:
    errors = sorted(_validator(operation, part).iter_errors(value), key=lambda e: list(e.path))
    return "; ".join(
        f"{'.'.join(map(str, error.path)) or 'body'}: {error.message[:200]}" for error in errors[:5]
    )
