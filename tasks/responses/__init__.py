"""Imports judgments collected elsewhere: reads a file, checks all of it, stores assignments."""

from tasks.responses.errors import ResponsesRefused, RowError
from tasks.responses.importing import import_responses
from tasks.responses.mturk_batch import UNDERSTOOD
from tasks.responses.storing import ImportedResponses

__all__ = ["UNDERSTOOD", "ImportedResponses", "ResponsesRefused", "RowError", "import_responses"]
