"""The documents of MTurk's API: pages of lists, assignments, bonuses, questions and answers."""

import re
import secrets
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from tasks.simulation.rehearsal.protocol import wrong
from tasks.simulation.rehearsal.records import Assignment, Payment

QUESTION = "{http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2006-07-14/ExternalQuestion.xsd}"
ANSWERS = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2005-10-01/QuestionFormAnswers.xsd"
LOOPBACK = re.compile(r"^http://(127\.0\.0\.1|localhost|\[::1\])(:\d+)?/")


def new_id() -> str:
    return "3" + "".join(secrets.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") for _ in range(29))


def page(given: Mapping[str, Any], name: str, rows: list, describe) -> dict[str, Any]:
    """One page of a list; its token is the index at which the next page begins."""
    token = given.get("NextToken", "0")
    if not token.isdigit():
        raise wrong("InvalidParameterValue", f"NextToken: {token}")
    start, size = int(token), given.get("MaxResults", 10)
    chosen = [describe(row) for row in rows[start : start + size]]
    answer: dict[str, Any] = {"NumResults": len(chosen), name: chosen}
    if start + size < len(rows):
        answer["NextToken"] = str(start + size)
    return answer


def describe_assignment(assignment: Assignment) -> dict[str, Any]:
    described = {
        "AssignmentId": assignment.id,
        "WorkerId": assignment.worker,
        "HITId": assignment.hit.id,
        "AssignmentStatus": assignment.status,
        "AutoApprovalTime": assignment.auto_approval,
        "AcceptTime": assignment.accepted,
        "SubmitTime": assignment.submitted,
        "ApprovalTime": assignment.approved,
        "RejectionTime": assignment.rejected,
        "Deadline": assignment.deadline,
        "Answer": assignment.answer,
        "RequesterFeedback": assignment.feedback,
    }
    return {name: value for name, value in described.items() if value is not None}


def describe_bonus(paid: Payment) -> dict[str, Any]:
    return {
        "WorkerId": paid.worker,
        "BonusAmount": f"{paid.amount:.2f}",
        "AssignmentId": paid.assignment,
        "Reason": paid.reason,
        "GrantTime": paid.at,
    }


def check_question(text: str) -> None:
    """An ExternalQuestion at an https address (or on this machine)."""
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise wrong("XMLParseError", f"Question: {error}") from None
    address = root.findtext(f"{QUESTION}ExternalURL") or ""
    height = root.findtext(f"{QUESTION}FrameHeight") or ""
    if root.tag != f"{QUESTION}ExternalQuestion" or not height.isdigit():
        raise wrong("XMLValidationError", "Question is not an ExternalQuestion")
    if not (address.startswith("https://") or LOOPBACK.match(address)):
        raise wrong("InvalidParameterValue", f"ExternalURL: {address} is not https")


def answers_xml(fields: list[tuple[str, str]]) -> str:
    answers = "".join(
        f"<Answer><QuestionIdentifier>{escape(name)}</QuestionIdentifier>"
        f"<FreeText>{escape(text)}</FreeText></Answer>"
        for name, text in fields
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><QuestionFormAnswers xmlns="{ANSWERS}">'
        f"{answers}</QuestionFormAnswers>"
    )
