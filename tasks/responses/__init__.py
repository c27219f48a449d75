"""Imports judgments collected elsewhere: reads a file, checks all of it, stores assignments."""

from tasks.responses.described import Described
from tasks.responses.errors import ResponsesRefused, RowError
from tasks.responses.importing import described_by, import_responses
from tasks.responses.mturk_batch import UNDERSTOOD
from tasks.responses.storing import ImportedResponses

__all__ = [
    "UNDERSTOOD",
    "Described",
    "ImportedResponses",
    "ResponsesRefused",
    "RowError",
    "described_by",
    "import_responses",
]
