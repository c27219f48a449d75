"""Reads objects from JSON lines (`row`: the line) or a JSON list (`row`: position, from 1)."""

import codecs
import json
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

from imagesets.tables.problems import TableError
from tasks.responses.errors import Problems, short

AT_ONCE = 2**20  # bytes
LONGEST = 16 * 2**20  # characters of one element
SPACE = " \t\r\n"


def json_lines(lines: Iterable[bytes], problems: Problems) -> Iterator[tuple[int, dict[str, Any]]]:
    """(row, object) of each line; skips empty lines, and notes all others as errors."""
    row = 0
    try:
        for row, line in enumerate(text_lines(lines), 1):
            if problems.enough:
                return
            if not line.strip():
                continue
            try:
                value = json.loads(line)
            except (ValueError, RecursionError) as error:
                problems.add(row, "", f"is not valid JSON ({_reason(error)})")
                continue
            if isinstance(value, dict):
                yield row, value
            else:
                problems.add(row, "", f"must be a JSON object, not {short(value)}")
    except TableError as error:
        problems.add(error.row, "", error.message)


def text_lines(lines: Iterable[bytes]) -> Iterator[str]:
    """Lines as text, without a byte order mark. Raises TableError naming the line."""
    for number, line in enumerate(lines, 1):
        try:
            text = line.decode()
        except UnicodeDecodeError:
            raise TableError(number, "is not UTF-8 text") from None
        yield text.removeprefix("\ufeff") if number == 1 else text


def json_list(file: BinaryIO, problems: Problems) -> Iterator[tuple[int, dict[str, Any]]]:
    """(row, object) of each element of a list, read piece by piece.

    Invalid JSON is noted as an error and ends the list.
    """
    source = _Text(file)
    row = 0
    try:
        source.take("[")
        if source.peek() == "]":
            source.take("]")
        else:
            while not problems.enough:
                row += 1
                value = source.value()
                if isinstance(value, dict):
                    yield row, value
                else:
                    problems.add(row, "", f"must be a JSON object, not {short(value)}")
                if source.peek() == "]":
                    source.take("]")
                    break
                source.take(",")
        if not problems.enough and source.peek():
            problems.add(row, "", "is followed by text after the end of the list")
    except UnicodeDecodeError:
        problems.add(row, "", "is not UTF-8 text")
    except (ValueError, RecursionError) as error:
        problems.add(row, "", f"is not valid JSON ({_reason(error)})")


def _reason(error: ValueError | RecursionError) -> str:
    return error.msg if isinstance(error, json.JSONDecodeError) else str(error)


class _Text:
    """A file's text; keeps only the part that is not parsed yet."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self.read_value = json.JSONDecoder().raw_decode
        self.text = ""
        self.at = 0
        self.ended = False

    def _more(self) -> bool:
        """Read another piece; False at the end of the file."""
        if self.ended:
            return False
        piece = self.file.read(AT_ONCE)
        self.ended = not piece
        self.text = self.text[self.at :] + self.decoder.decode(piece, final=self.ended)
        self.at = 0
        return True

    def peek(self) -> str:
        """The next character that is not a space; "" at the end."""
        while True:
            while self.at < len(self.text) and self.text[self.at] in SPACE:
                self.at += 1
            if self.at < len(self.text):
                return self.text[self.at]
            if not self._more():
                return ""

    def take(self, character: str) -> None:
        """Skip this character. Raises ValueError if another one comes next."""
        if self.peek() != character:
            raise ValueError(f"{character} expected, not {self.peek() or 'the end'}")
        self.at += 1

    def value(self) -> Any:
        """The next value. Raises ValueError if there is none."""
        if not self.peek():
            raise ValueError("the list has no end")
        while True:
            try:
                value, end = self.read_value(self.text, self.at)
            except ValueError:
                # Perhaps only the piece ends within the value.
                if len(self.text) - self.at > LONGEST or not self._more():
                    raise
                continue
            if end == len(self.text) and self._more():
                continue  # a number may continue in the next piece
            self.at = end
            return value
