"""Says what an import takes for granted and passes over, a note each."""

from pathlib import Path

from imagesets.labels.imagenet import ClassEntry
from imagesets.tables import rows_of

CLASSES = ("key", "names", "definition", "wikipedia", "superclass")
LABELS = ("image", "label", "wnid")


def columns_passed_over(path: Path, known: tuple[str, ...]) -> list[str]:
    """A note on a table's columns that are not `known`; raises ImportRefused."""
    _, cells = next(rows_of(path, known[:1]), (0, {}))
    others = [name for name in cells if name not in known]
    if not others:
        return []
    return [f"{path.name}: columns passed over ({len(others)}): {', '.join(others)}"]


def class_order(classes: dict[str, ClassEntry], by_whom: str) -> str:
    """A note on classes that no table has given, and their order."""
    shown = [f"{entry.key} ({entry.names[0]})" for entry in classes.values()]
    ends = f"{shown[0]} to {shown[-1]}" if len(shown) > 1 else shown[0]
    return f"the labels are {by_whom}, {len(shown):,} in their order ({ends})"
