"""What a cell says: yes or no, or a number, as spreadsheets, pandas and R write them."""

import re

# Besides the words themselves, what Excel writes in other languages.
BOOLEANS = {
    **dict.fromkeys(("true", "yes", "1", "1.0", "t", "y"), True),
    **dict.fromkeys(("wahr", "vrai", "verdadero", "vero", "verdadeiro", "waar"), True),
    **dict.fromkeys(("false", "no", "0", "0.0", "f", "n"), False),
    **dict.fromkeys(("falsch", "faux", "falso", "onwaar"), False),
}
# What pandas, R and spreadsheets write for a missing value.
MISSING = {"", "nan", "na", "n/a", "<na>", "#n/a", "nat", "null"}

_WHOLE = re.compile(r"([+-]?\d{1,18})(\.0*|,00?)?", re.ASCII)
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+", re.ASCII)


def is_missing(text: str) -> bool:
    """Whether a cell of a column of numbers, times or yes and no is empty or says so."""
    return text.lower() in MISSING


def whole_number(text: str) -> int | None:
    """A whole number, also as 3.0; None if it is none."""
    match = _WHOLE.fullmatch(text.strip())
    return int(match[1]) if match else None


def number(text: str) -> float:
    """A number, also with a decimal comma. Raises ValueError saying what is wrong."""
    if _THOUSANDS.fullmatch(text.strip()):
        raise ValueError("may be a decimal comma or thousands: write it with a point")
    if has_decimal_comma(text):
        text = text.replace(",", ".")
    try:
        return float(text)
    except ValueError:
        raise ValueError("is not a number") from None


def has_decimal_comma(text: str) -> bool:
    """Whether `number` reads a comma in it as the decimal point."""
    return "," in text and _DECIMAL_COMMA.fullmatch(text.strip()) is not None
