"""Tables in the documents that are made from what the code declares."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
END = "\n<!-- The end of the table -->\n"


@dataclass(frozen=True)
class MadeTable:
    """A table of a document in Markdown, made by a module; both are paths below the project.

    It stands between two comments, of which the first names the module.
    """

    document: str
    maker: str
    rows: Callable[[], Iterable[Sequence[str]]]  # the first is the header

    def in_document(self) -> str:
        """The document as it should be."""
        begin = f"<!-- The table is made by {self.maker} -->\n\n"
        before, rest = self._path.read_text().split(begin)
        _, after = rest.split(END)
        head, *rows = self.rows()
        lines = [head, ["---"] * len(head), *rows]
        table = "".join(f"| {' | '.join(line)} |\n" for line in lines)
        return before + begin + table + END + after

    def is_current(self) -> bool:
        """Whether the document says what the code declares."""
        return self._path.read_text() == self.in_document()

    def write(self) -> None:
        """Bring the document up to date."""
        self._path.write_text(self.in_document())

    @property
    def _path(self) -> Path:
        return ROOT / self.document
