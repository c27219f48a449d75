"""A column of an export and how Postgres writes it: the only place where formats differ."""

from dataclasses import dataclass
from typing import Literal

Type = Literal["text", "number", "bool", "json"]


@dataclass(frozen=True)
class Column:
    """A column's name, its SQL, and what its values are.

    Postgres writes the numbers, floats in the shortest form that reads back as the same float64
    (1, 0.1, 1e-07). `json_sql` is for values that are text in CSV and another type in JSON.
    """

    name: str
    sql: str
    type: Type = "text"
    json_sql: str = ""

    def as_text(self) -> str:
        """The expression of its CSV field."""
        match self.type:
            case "bool" | "json":
                return f"({self.sql})::text"
            case _:
                return self.sql

    def as_cell(self) -> str:
        """The same for spreadsheets: no text begins as a formula does, which they would compute."""
        if self.type != "text":  # JSON begins with a bracket
            return self.as_text()
        return rf"regexp_replace(({self.sql})::text, '^[-=+@\t\r]', '''\&')"

    def as_json(self) -> str:
        """The expression of its JSON value."""
        return self.json_sql or self.sql


def iso(sql: str) -> str:
    """A time as text: ISO 8601 in UTC, to the microsecond, with a Z."""
    return f"""to_char(({sql}) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
