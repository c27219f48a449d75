"""Files exported for spreadsheets: texts like formulas are changed, and the name says so."""

import re
from pathlib import Path

SPREADSHEET = "-spreadsheet.csv"
NAMED = re.compile(r"-spreadsheet( ?\(\d+\))?\.csv$", re.IGNORECASE)  # browsers number downloads


def is_for_spreadsheets(path: Path) -> bool:
    """Whether a file's name says that it was exported for spreadsheets."""
    return bool(NAMED.search(path.name))
