"""Panels whose names of parameters and addresses are known, for the form and the documents."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Preset:
    """A panel: its setting `panel`, and what it puts ids in place of in the study's address."""

    title: str
    panel: Mapping[str, Any]
    id_place: str = "[ID]"
    session_place: str = "[SESSION]"
    advice: str = ""
    ends: Mapping[str, str] = field(default_factory=dict)


PRESETS = {
    "connect": Preset(
        "CloudResearch Connect",
        {
            "id_param": "participantId",
            "session_param": "assignmentId",
            "completion_url": "https://connect.cloudresearch.com/participant/project/PROJECT/complete",
            "codes": {"done": "", "screened_out": None, "no_consent": None, "no_work": None},
            "id_pattern": "[A-Za-z0-9]{8,64}",
        },
        "{participantId}",
        "{assignmentId}",
        "Connect adds participantId, assignmentId and projectId to the address by itself; copy the"
        " completion addresses for complete and for partial work from its wizard, and check the"
        " names of the parameters there.",
    ),
    "sona": Preset(
        "SONA",
        {
            "id_param": "sona_id",
            "session_param": None,
            "completion_url": "https://SCHOOL.sona-systems.com/webstudy_credit.aspx"
            "?experiment_id=EXPERIMENT&credit_token=TOKEN&survey_code={id}",
            "codes": {"done": "", "screened_out": None, "no_consent": None, "no_work": None},
            "id_pattern": "[0-9]{1,10}",
        },
        "%SURVEY_CODE%",
        "",
        "Loading SONA's address grants the credit, so it has no address for any other outcome.",
    ),
}


def placeholders(id_param: str, session_param: str | None) -> tuple[str, str]:
    """What to write in the address for the id and for the session, by a panel's own words."""
    for preset in PRESETS.values():
        if preset.panel["id_param"] == id_param:
            return preset.id_place, preset.session_place or "[SESSION]"
    return "[ID]", "[SESSION]"
