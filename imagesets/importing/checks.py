"""The checks that an import makes before it writes anything."""

import hashlib
import os
import re
from collections.abc import Callable
from typing import NamedTuple

from imagesets.errors import ImportRefused, reason_of
from imagesets.importing.class_tables import KEY_LENGTH, LabelRow
from imagesets.importing.parallel import in_parallel
from imagesets.importing.sources import Entry, Source
from imagesets.importing.unicode_forms import composition_matches, forms
from imagesets.labels.imagenet import ClassEntry, imagenet_classes, is_wordnet_id
from imagesets.models import Dataset
from imagesets.tables.image_paths import ImagePaths, NoImage
from imagesets.tables.problems import Problems, listed
from imagesets.terminal import StepProgress


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
    progress: StepProgress,
) -> list[Entry]:
    """The source's images. Refuses two images with one key, and a source without images."""
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
) -> tuple[dict[str, LabelRow], str]:
    """The rows of labels.csv by the keys of their images, and which paths were taken for others.

    Refuses rows without an image, and several for one.
    """
    keys = {entry.key for entry in entries}
    matches = composition_matches(table, keys)
    paths = ImagePaths(keys)
    rows: dict[str, LabelRow] = {}
    problems = Problems()
    for name, row in table.items():
        try:
            key = paths.key(matches.get(name, name))
        except NoImage as error:
            problems.add(row.row, "", str(error))
            continue
        if key in rows:
            problems.add(row.row, "", f"image {key!r} is already in row {rows[key].row}")
        rows[key] = row
    if problems:
        raise ImportRefused(f"{path}, {listed(problems.errors())}")
    return rows, paths.note()


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
) -> tuple[dict[str, ClassEntry], list[str]]:
    """The label set that this import brings, and a note on its order where no table gives it.

    Empty if the dataset keeps its own. Labels that are no WordNet ids become the classes
    themselves.
    """
    if class_table is not None:
        return class_table, []
    if dataset is not None and dataset.labels.exists():
        return {}, []
    if source.classes:
        return source.classes, [_class_order(source.classes, "as the files' ClassLabel names them")]
    labels = {entry.label for entry in entries} - {""}
    if not any(is_wordnet_id(label) for label in labels):
        return _own_classes(labels)
    if all(is_wordnet_id(label) for label in labels):
        imagenet = {entry.key: entry for entry in imagenet_classes()}
        return imagenet, [_class_order(imagenet, "WordNet ids: those of ImageNet-1k")]
    return {}, []


def _class_order(classes: dict[str, ClassEntry], by_whom: str) -> str:
    """A note on classes that no table has given, and their order."""
    shown = [f"{entry.key} ({entry.names[0]})" for entry in classes.values()]
    ends = f"{shown[0]} to {shown[-1]}" if len(shown) > 1 else shown[0]
    return f"the labels are {by_whom}, {len(shown):,} in their order ({ends})"


def _own_classes(labels: set[str]) -> tuple[dict[str, ClassEntry], list[str]]:
    if not labels:
        return {}, []
    # With a point: as pandas writes whole numbers of a column that has missing values.
    numbers = all(re.fullmatch(r"[0-9]+(\.0+)?", label) for label in labels)
    keys = (
        sorted(labels, key=lambda label: int(label.partition(".")[0]))
        if numbers
        else sorted(labels)
    )
    for key in keys:
        if len(key) > KEY_LENGTH:
            raise ImportRefused(f"label {key[:40]!r}... is longer than {KEY_LENGTH} characters")
    order = f"{keys[0]} to {keys[-1]}" if len(keys) > 1 else keys[0]
    note = (
        f"{len(keys):,} label{'s' if len(keys) > 1 else ''} made of the labels that stand there, in"
        f" the order of {'their numbers' if numbers else 'text'} ({order}); workers read the key as"
        " the name, until you give names and definitions (a CSV of classes: key,names)"
    )
    return {key: ClassEntry(key, (key,)) for key in keys}, [note]


def label_keys_of(dataset: Dataset | None) -> set[str]:
    return set(dataset.labels.values_list("key", flat=True)) if dataset else set()


def named_by_source(source: Source, entries: list[Entry], known: set[str]) -> list[Entry]:
    """Replace a Parquet file's class numbers by class names, if the names are the labels' keys."""
    names = {key: entry.names[0] for key, entry in source.classes.items()}
    if not names or known & names.keys() or not known.issuperset(names.values()):
        return entries
    return [entry._replace(label=names.get(entry.label, entry.label)) for entry in entries]


def labels_as_known(entries: list[Entry], known: set[str]) -> list[Entry]:
    """Write each label as the dataset does, where only its Unicode composition differs."""
    matches = composition_matches({entry.label for entry in entries}, known)
    if not matches:
        return entries
    return [entry._replace(label=matches.get(entry.label, entry.label)) for entry in entries]


def keys_as_known(entries: list[Entry], known: dict[str, Known]) -> list[Entry]:
    """Write each image's key as the dataset does, where only its Unicode composition differs."""
    matches = composition_matches({entry.key for entry in entries}, known)
    if not matches:
        return entries
    return [entry._replace(key=matches.get(entry.key, entry.key)) for entry in entries]


def check_labels(
    known: set[str],
    entries: list[Entry],
    label_table: dict[str, LabelRow] | None,
    path: str | os.PathLike | None,
) -> None:
    """Refuse a label that is not among the `known` keys."""
    unknown = [entry for entry in entries if entry.label and entry.label not in known]
    if not unknown:
        return
    hint = ""
    if not known:
        folders = "; or, if the folders are not labels, --labels CSV with columns image,label"
        hint = (
            ", since some labels are WordNet ids and others are not (give the classes:"
            f" --classes CSV with columns key,names{'' if label_table else folders})"
        )
    if label_table:
        problems = Problems()
        for entry in unknown:
            row = label_table[entry.key].row
            problems.add(row, "", f"unknown label {entry.label!r}{hint}")
        raise ImportRefused(f"{path}, {listed(problems.errors())}")
    first = unknown[0]
    more = f" ({len(unknown) - 1:,} more images have such a label)" if len(unknown) > 1 else ""
    raise ImportRefused(f"image {first.key!r}: unknown label {first.label!r}{hint}{more}")


def known_images(dataset: Dataset | None) -> dict[str, Known]:
    if dataset is None:
        return {}
    rows = dataset.images.values_list("key", "id", "sha256", "dataset_label__key", "location")
    return {
        key: Known(id, sha256, label or "", location)
        for key, id, sha256, label, location in rows.iterator(chunk_size=10_000)
    }


def check_known(
    source: Source, entries: list[Entry], known: dict[str, Known], progress: StepProgress
) -> None:
    """Refuse a key that the dataset has with another label or other bytes."""
    repeated = [entry for entry in entries if entry.key in known]
    if not repeated:
        return
    for entry in repeated:
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
        in_parallel(digest, source.read(repeated), source.remote), 1
    ):
        if sha256 != known[entry.key].sha256:
            raise ImportRefused(f"image {entry.key!r} is in the dataset with other bytes")
        progress("Comparing with known images", done, len(repeated))
