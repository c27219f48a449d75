"""The report of an import: figures, and findings that a person should look at."""

from collections import defaultdict
from dataclasses import dataclass, field

from imagesets.models import Dataset

MOST_KEYS = 20  # of a group, shown in a line


@dataclass
class Report:
    """What an import found and changed."""

    dataset: Dataset
    found: int = 0
    added: int = 0
    known: int = 0
    moved: int = 0  # of the known: their location changed
    labels_added: int = 0
    labels_translated: int = 0  # known ones that got names or definitions of a language
    dataset_labels_filled: int = 0
    without_label: int = 0
    skipped: list[tuple[str, str]] = field(default_factory=list)  # key, reason
    labels_kept: list[str] = field(default_factory=list)  # keys; they differ from the file's
    identical: list[list[str]] = field(default_factory=list)  # keys whose files are the same
    alike: list[list[str]] = field(default_factory=list)  # keys whose pictures look the same
    notes: list[str] = field(default_factory=list)  # on the source, and how folders were read
    assumed: defaultdict[str, list[str]] = field(  # what was assumed to show pictures: their keys
        default_factory=lambda: defaultdict(list)
    )
    seconds: float = 0.0

    def counts(self) -> dict[str, int]:
        """The import's figures by what they count, in reading order."""
        return {
            "image files found": self.found,
            "images added": self.added,
            "images known before": self.known,
            "  of them moved": self.moved,
            "files skipped": len(self.skipped),
            "dataset labels added to known images": self.dataset_labels_filled,
            "images in the dataset": self.dataset.images.count(),
            "  of them without a dataset label": self.without_label,
            "labels in the dataset": self.dataset.labels.count(),
            "  of them new": self.labels_added,
            "groups of identical files": len(self.identical),
            "groups of images that look alike": len(self.alike),
        }

    def findings(self, listed: int = 20) -> list[str]:
        """Findings for a person, a line each; `listed` of each kind, and the number of the rest."""
        lines = self.notes[:listed]
        if len(self.notes) > listed:
            lines.append(f"{len(self.notes) - listed} more such lines")
        lines += [f"skipped {in_line(key)}: {reason}" for key, reason in self.skipped[:listed]]
        if len(self.skipped) > listed:
            lines.append(f"skipped {len(self.skipped) - listed} more")
        lines += [f"{len(keys):,} {what}: {in_line(*keys)}" for what, keys in self.assumed.items()]
        for what, groups in (("identical files", self.identical), ("look alike", self.alike)):
            lines += [f"{what}: {in_line(*group)}" for group in groups[:listed]]
            if len(groups) > listed:
                lines.append(f"{what}: {len(groups) - listed} more groups")
        if self.labels_translated:
            lines.append(f"{self.labels_translated} known labels got texts of other languages")
        if self.labels_kept:
            lines.append(
                f"{len(self.labels_kept)} labels differ from the classes file and were not changed"
                f" (first: {self.labels_kept[0]}); edit them in the admin"
            )
        return lines


def in_line(*keys: str) -> str:
    """Keys in one line; one with a line feed or the like is shown as Python writes it."""
    more = f" and {len(keys) - MOST_KEYS} more" if len(keys) > MOST_KEYS else ""
    return ", ".join(key if key.isprintable() else repr(key) for key in keys[:MOST_KEYS]) + more
