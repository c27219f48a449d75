"""What an import checks before it writes anything."""

import hashlib
import os
from collections.abc import Callable
from typing import NamedTuple, Protocol

from imagesets.errors import ImportRefused, reason_of
from imagesets.imagenet import ClassEntry, imagenet_classes, is_wordnet_id
from imagesets.models import Dataset
from imagesets.names import forms, meant
from imagesets.parallel import in_parallel
from imagesets.sources import Entry, Source
from imagesets.tables import LabelRow


class Progress(Protocol):
    """Told of each step: what it is, how many are done, of how many (None: not known)."""

    def __call__(self, step: str, done: int, total: int | None) -> None: ...


class Known(NamedTuple):
    """An image that the dataset has already."""

    id: int
    sha256: str
    label: str
    location: str


def list_entries(
    source: Source,
    where: str | os.PathLike,
    label_table: dict[str, LabelRow] | None,
    progress: Progress,
) -> list[Entry]:
    """The source's images. Refuses two with one key, and a place without any."""
    entries: list[Entry] = []
    seen: set[str] = set()
    named = {form for key in label_table or () for form in forms(key)}
    for entry in source.entries(named):
        if entry.key in seen:
            raise ImportRefused(f"{where}: two images have the key {entry.key!r}")
        seen.add(entry.key)
        entries.append(entry)
        if len(entries) % 1000 == 0:
            progress("Listing images", len(entries), None)
    progress("Listing images", len(entries), len(entries))
    if not entries:
        raise ImportRefused(f"{where}: no image files in it")
    return entries


def rows_by_image(
    table: dict[str, LabelRow], entries: list[Entry], path: str | os.PathLike | None
) -> dict[str, LabelRow]:
    """The rows of labels.csv by the keys of the images that they mean.

    Refuses a row that means none, or one that is composed otherwise where several are.
    """
    keys = {entry.key for entry in entries}
    otherwise = meant(table, keys)
    rows = {}
    for key, row in table.items():
        image = key if key in keys else otherwise.get(key)
        if image is None:
            alike = not forms(key).isdisjoint(form for name in keys for form in forms(name))
            hint = " (one that is composed otherwise has a row, or there are several)"
            raise ImportRefused(
                f"{path}, row {row.row}: no image {key!r} among the images{hint if alike else ''}"
            )
        rows[image] = row
    return rows


def labelled(entries: list[Entry], table: dict[str, LabelRow]) -> list[Entry]:
    """The entries with the labels of labels.csv, and no others."""
    return [
        entry._replace(label=table[entry.key].label if entry.key in table else "")
        for entry in entries
    ]


def classes_brought(
    dataset: Dataset | None,
    class_table: dict[str, ClassEntry] | None,
    source: Source,
    entries: list[Entry],
) -> dict[str, ClassEntry]:
    """The label set that this import brings; empty where the dataset's own is to be used."""
    if class_table is not None:
        return class_table
    if dataset is not None and dataset.labels.exists():
        return {}
    if source.classes:
        return source.classes
    labels = {entry.label for entry in entries} - {""}
    if labels and all(is_wordnet_id(label) for label in labels):
        return {entry.key: entry for entry in imagenet_classes()}
    return {}


def label_keys_of(dataset: Dataset | None) -> set[str]:
    return set(dataset.labels.values_list("key", flat=True)) if dataset else set()


def named_by_source(source: Source, entries: list[Entry], known: set[str]) -> list[Entry]:
    """A Parquet file's numbered classes by their names, where these are the keys of the labels."""
    names = {key: one.names[0] for key, one in source.classes.items()}
    if not names or known & names.keys() or not known.issuperset(names.values()):
        return entries
    return [entry._replace(label=names.get(entry.label, entry.label)) for entry in entries]


def labels_as_known(entries: list[Entry], known: set[str]) -> list[Entry]:
    """Labels as the dataset's labels are written, where only the composition differs."""
    otherwise = meant({entry.label for entry in entries}, known)
    if not otherwise:
        return entries
    return [entry._replace(label=otherwise.get(entry.label, entry.label)) for entry in entries]


def keys_as_known(entries: list[Entry], known: dict[str, Known]) -> list[Entry]:
    """Keys as the dataset has them, where only the composition differs."""
    otherwise = meant({entry.key for entry in entries}, known)
    if not otherwise:
        return entries
    return [entry._replace(key=otherwise.get(entry.key, entry.key)) for entry in entries]


def check_labels(
    known: set[str],
    entries: list[Entry],
    label_table: dict[str, LabelRow] | None,
    path: str | os.PathLike | None,
) -> None:
    """Refuse a label that is not among the `known` keys."""
    for entry in entries:
        if entry.label and entry.label not in known:
            row = label_table[entry.key].row if label_table else 0
            where = f"{path}, row {row}" if label_table else f"image {entry.key!r}"
            hint = (
                ""
                if known
                else " (give the classes: --classes CSV with columns key,names; or, where folders"
                " are no labels, --labels CSV with columns image,label)"
            )
            raise ImportRefused(f"{where}: unknown label {entry.label!r}{hint}")


def known_images(dataset: Dataset | None) -> dict[str, Known]:
    if dataset is None:
        return {}
    rows = dataset.images.values_list("key", "id", "sha256", "dataset_label__key", "location")
    return {
        key: Known(id, sha256, label or "", location)
        for key, id, sha256, label, location in rows.iterator(chunk_size=10_000)
    }


def check_known(
    source: Source, entries: list[Entry], known: dict[str, Known], progress: Progress
) -> None:
    """Refuse a key that is there with another label or other bytes."""
    again = [entry for entry in entries if entry.key in known]
    if not again:
        return
    for entry in again:
        label = known[entry.key].label
        if entry.label and label and entry.label != label:
            raise ImportRefused(
                f"image {entry.key!r} has the label {label!r} in the dataset,"
                f" and {entry.label!r} now"
            )

    def digest(entry: Entry, read: Callable[[], bytes]) -> tuple[Entry, str]:
        try:
            return entry, hashlib.sha256(read()).hexdigest()
        except OSError as error:
            raise ImportRefused(f"image {entry.key!r}: {reason_of(error)}") from error

    for done, (entry, sha256) in enumerate(
        in_parallel(digest, source.read(again), source.remote), 1
    ):
        if sha256 != known[entry.key].sha256:
            raise ImportRefused(f"image {entry.key!r} is in the dataset with other bytes")
        progress("Comparing with what is there", done, len(again))
