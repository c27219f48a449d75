"""MTurk's JSON protocol: requests and answers, checked against botocore's own service model."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

import botocore.session
from botocore.model import OperationModel, Shape
from botocore.validate import ParamValidator

PREFIX = "MTurkRequesterServiceV20170117."


class Fault(Exception):
    """An error as the answer: its HTTP status, type, message and TurkErrorCode."""

    def __init__(self, status: int, kind: str, message: str, code: str = "") -> None:
        super().__init__(message)
        self.status, self.kind, self.message, self.code = status, kind, message, code

    def body(self) -> bytes:
        if self.kind == "ThrottlingException":
            return json.dumps({"__type": self.kind, "message": self.message}).encode()
        content = {"__type": self.kind, "Message": self.message}
        if self.code:
            content["TurkErrorCode"] = f"AWS.MechanicalTurk.{self.code}"
        return json.dumps(content).encode()


def wrong(code: str, message: str) -> Fault:
    """A RequestError: the request cannot be carried out as it is."""
    return Fault(400, "RequestError", message, code)


@cache
def operations() -> Mapping[str, OperationModel]:
    """The operations that the API has, by name."""
    model = botocore.session.Session().get_service_model("mturk")
    return {name: model.operation_model(name) for name in model.operation_names}


def read(target: str, body: bytes) -> tuple[str, dict[str, Any]]:
    """The operation and its checked parameters. Raises Fault, as the API does."""
    name = target.removeprefix(PREFIX)
    if not target.startswith(PREFIX) or name not in operations():
        raise Fault(400, "UnknownOperationException", f"there is no operation {target!r}")
    try:
        parameters = json.loads(body or b"{}")
    except ValueError as error:
        raise Fault(400, "SerializationException", str(error)) from None
    if wrong_members := mismatches(parameters, operations()[name].input_shape):
        raise wrong("ParameterValidationError", wrong_members)
    return name, parameters


def write(name: str, answer: dict[str, Any]) -> bytes:
    """The operation's answer as bytes. Raises AssertionError if its model does not allow it."""
    if wrong_members := mismatches(answer, operations()[name].output_shape):
        raise AssertionError(f"{name} would answer wrongly: {wrong_members}")
    return json.dumps(answer, default=_plain).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return round(value.timestamp(), 3)
    raise TypeError(f"not JSON: {value!r}")


def mismatches(value: Any, shape: Shape | None) -> str:
    """Everything in which a value differs from its shape, as one sentence; "" if nothing."""
    if shape is None:
        return "" if not value else "it takes no parameters"
    report = ParamValidator().validate(value, shape).generate_report()
    unknown = sorted(set(value) - set(shape.members)) if isinstance(value, dict) else []
    sentences = [report] if report else []
    sentences += [f"unknown member {name}" for name in unknown]
    return "; ".join(sentences or _strict(value, shape, shape.name))


def _strict(value: Any, shape: Shape, where: str) -> list[str]:
    """What botocore leaves to the server: patterns, lengths, enumerations."""
    if shape.type_name == "structure":
        return [
            sentence
            for name, member in value.items()
            for sentence in _strict(member, shape.members[name], f"{where}.{name}")
        ]
    if shape.type_name == "list":
        return [
            sentence
            for number, member in enumerate(value)
            for sentence in _strict(member, shape.member, f"{where}[{number}]")
        ]
    sentences = []
    limits = shape.metadata
    if shape.type_name == "string":
        if "pattern" in limits and not re.search(limits["pattern"], value):
            sentences.append(f"{where}: {value!r} does not match {limits['pattern']}")
        if not limits.get("min", 0) <= len(value) <= limits.get("max", 10**9):
            sentences.append(f"{where}: {len(value)} characters")
        if (words := getattr(shape, "enum", [])) and value not in words:
            sentences.append(f"{where}: {value!r} is none of {', '.join(words)}")
    elif shape.type_name in ("integer", "long") and not (
        limits.get("min", -(2**63)) <= value <= limits.get("max", 2**63)
    ):
        sentences.append(f"{where}: {value} is out of range")
    return sentences
