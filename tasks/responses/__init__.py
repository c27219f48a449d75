"""Judgments collected elsewhere: read from a file, checked as a whole, stored as assignments."""

from tasks.responses.errors import ResponsesRefused, RowError
from tasks.responses.importing import import_responses
from tasks.responses.mturk_batch import UNDERSTOOD
from tasks.responses.storing import Imported

__all__ = ["UNDERSTOOD", "Imported", "ResponsesRefused", "RowError", "import_responses"]
