"""Imports images and labels: checks every table before it writes anything."""

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from threading import BoundedSemaphore
from typing import NamedTuple

import numpy as np
from django.core.exceptions import ValidationError
from django.core.validators import validate_slug
from django.db import connection, transaction

from imagesets.errors import ImportRefused, reason_of
from imagesets.files import is_copy, is_gone, keep_copy
from imagesets.importing.checks import (
    Known,
    StepProgress,
    check_known,
    check_labels,
    classes_brought,
    keys_as_known,
    known_images,
    label_keys_of,
    labelled,
    labels_as_known,
    list_entries,
    named_by_source,
    rows_by_image,
)
from imagesets.importing.class_tables import read_classes, read_labels
from imagesets.importing.folder_labels import labelled_by_folders
from imagesets.importing.parallel import in_parallel
from imagesets.importing.report import Report, in_line
from imagesets.importing.sources import Entry, Source, open_source
from imagesets.labels.imagenet import ClassEntry
from imagesets.locations import is_address
from imagesets.locks import Lock, held, number_of
from imagesets.models import Dataset, Image, Label
from imagesets.pictures.decoding import Undecodable, check
from imagesets.pictures.duplicates import compare_all
from imagesets.pictures.near_duplicates import coarse, perceptual_hashes
from imagesets.pictures.withdrawing import withdraw_new_twins

BATCH = 1000  # images per INSERT, and per commit: what a killed import keeps
LOCATIONS = 10_000  # new locations of known images, per UPDATE
KEY_LENGTH = 500  # as Image.key
AGAIN = "start the same import again to resume it"


class Checked(NamedTuple):
    """One file as a thread has decoded and measured it; `reason`: why it cannot be used."""

    entry: Entry
    reason: str = ""
    sha256: str = ""
    width: int = 0
    height: int = 0
    coarse: np.ndarray = np.zeros((32, 32))  # what the perceptual hash is computed from
    location: str = ""
    assumed: str = ""  # to show it


def import_dataset(
    slug: str,
    images: str | os.PathLike,
    classes: str | os.PathLike | None = None,
    labels: str | os.PathLike | None = None,
    name: str | None = None,
    strict: bool = False,
    copy: bool = False,
    progress: StepProgress | None = None,
    columns: Mapping[str, str] | None = None,
) -> Report:
    """Import images, the label set and each image's dataset label into the dataset `slug`.

    `images`: a folder, an ImageFolder tree, a zip, a Parquet file (or folder of them) in Hugging
    Face's layout, or s3://bucket/prefix. `classes`, `labels`: CSV files (class_tables.py).
    `copy`: keep copies below DATA_DIR instead of reading the images where they are; images in a
    zip or Parquet are always copied. `columns`: `image` or `label` -> the column of a Parquet file.

    An error in a table, or a key that the dataset has with other bytes or another label, raises
    ImportRefused and changes nothing. A file that is not a whole picture is skipped and listed
    (`strict`: ImportRefused, nothing imported). A repeated import adds what is new and updates
    the location of images that were moved; after a kill it resumes where it stopped.
    """
    started = time.monotonic()
    progress = progress or (lambda step, done, total: None)
    try:
        validate_slug(slug)
    except ValidationError:
        raise ImportRefused(
            f"{slug!r} cannot name a dataset: use letters, digits, - and _ only"
        ) from None
    for what, table in (("classes", classes), ("labels", labels)):
        if table is not None and not os.fspath(table).strip():
            raise ImportRefused(f"the path of the {what} is empty: name a file, or leave it out")
        if table is not None and is_address(os.fspath(table)):
            raise ImportRefused(f"{table}: is an address: download it first, then name the file")
    notes: list[str] = []
    class_table = read_classes(Path(classes), notes) if classes else None
    label_table = read_labels(Path(labels), notes) if labels else None
    source = open_source(images, columns)
    with _one_import_at_a_time(slug):
        entries = list_entries(source, images, label_table, progress)
        dataset = Dataset.objects.filter(slug=slug).first()
        if label_table is not None:
            label_table, paths_note = rows_by_image(label_table, entries, labels)
            notes += [f"{Path(str(labels)).name}: {paths_note}"] if paths_note else []
            entries = labelled(entries, label_table)
        elif source.in_folders:
            class_keys = set(class_table or ()) | label_keys_of(dataset)
            entries, folder_notes = labelled_by_folders(entries, class_keys)
            notes += folder_notes
        new_classes, class_note = classes_brought(dataset, class_table, source, entries)
        label_keys = set(new_classes) | label_keys_of(dataset)
        if label_table is None:
            entries = named_by_source(source, entries, label_keys)
        entries = labels_as_known(entries, label_keys)
        check_labels(label_keys, entries, label_table, labels)
        known = known_images(dataset)
        entries = keys_as_known(entries, known)
        check_known(source, entries, known, progress)

        with transaction.atomic() if strict else nullcontext():
            dataset = _dataset(slug, name)
            report = Report(dataset, found=len(entries), notes=source.notes + notes + class_note)
            label_ids = _save_labels(dataset, new_classes, report)
            _fill_labels(entries, known, label_ids, report)
            _save_locations(source, entries, known, copy, report, progress)
            _save_images(source, entries, known, label_ids, copy, report, progress)
            if strict and report.skipped:
                raise ImportRefused(_why_strict(report))
        if twins := withdraw_new_twins(dataset):
            report.notes.append(
                f"{len(twins):,} images are files that were withdrawn under other keys, so they are"
                f" withdrawn too: {in_line(*twins)}"
            )
        report.known = sum(entry.key in known for entry in entries)
        report.without_label = dataset.images.filter(dataset_label=None).count()
        step, count = "Comparing images with each other", dataset.images.count()
        progress(step, 0, count)
        report.identical, report.alike = compare_all(dataset)
        progress(step, count, count)
        report.seconds = time.monotonic() - started
        return report


@contextmanager
def _one_import_at_a_time(slug: str) -> Iterator[None]:
    with held(Lock.DATASET_IMPORT, number_of(slug), patience=0) as mine:
        if not mine:
            raise ImportRefused(f"another import into {slug} is running: wait for it")
        yield


def _dataset(slug: str, name: str | None) -> Dataset:
    dataset, made = Dataset.objects.get_or_create(slug=slug, defaults={"name": name or slug})
    if not made and name and dataset.name != name:
        dataset.name = name
        dataset.save(update_fields=["name"])
    return dataset


def _save_labels(
    dataset: Dataset, classes: dict[str, ClassEntry], report: Report
) -> dict[str, int]:
    """Add the labels that are new, and the languages that known labels lack.

    Returns label key -> id, for all labels of the dataset.
    """
    with transaction.atomic():
        labels_by_key = {label.key: label for label in dataset.labels.all()}
        new, translated = [], []
        for entry in classes.values():
            label = labels_by_key.get(entry.key)
            if label is not None and _add_languages(label, entry):
                translated.append(label)
            if label is None:
                new.append(
                    Label(
                        dataset=dataset,
                        key=entry.key,
                        names=list(entry.names),
                        definition=entry.definition,
                        wikipedia=list(entry.wikipedia),
                        superclass=entry.superclass,
                        translations=dict(entry.translations),
                    )
                )
            elif (
                tuple(label.names),
                label.definition,
                tuple(label.wikipedia),
                label.superclass,
                label.translations | entry.translations,
            ) != (
                entry.names,
                entry.definition,
                entry.wikipedia,
                entry.superclass,
                label.translations,
            ):
                report.labels_kept.append(entry.key)
        Label.objects.bulk_create(new, batch_size=BATCH)
        Label.objects.bulk_update(translated, ["translations"], batch_size=BATCH)
    report.labels_added, report.labels_translated = len(new), len(translated)
    return dict(dataset.labels.values_list("key", "id"))


def _add_languages(label: Label, entry: ClassEntry) -> bool:
    """Give the label what it has of no language yet; what it has stays. False: nothing was new."""
    before = label.translations
    both = {code: before.get(code, {}) for code in [*before, *entry.translations]}
    label.translations = {
        code: {**entry.translations.get(code, {}), **texts} for code, texts in both.items()
    }
    return label.translations != before


def _fill_labels(
    entries: list[Entry], known: dict[str, Known], label_ids: dict[str, int], report: Report
) -> None:
    """Give known images without a dataset label the one that this import names."""
    images_by_label: dict[str, list[int]] = {}
    for entry in entries:
        if entry.label and entry.key in known and not known[entry.key].label:
            images_by_label.setdefault(entry.label, []).append(known[entry.key].id)
    with transaction.atomic():
        for label, images in images_by_label.items():
            Image.objects.filter(id__in=images).update(dataset_label=label_ids[label])
    report.dataset_labels_filled = sum(map(len, images_by_label.values()))


def _save_locations(
    source: Source,
    entries: list[Entry],
    known: dict[str, Known],
    copy: bool,
    report: Report,
    progress: StepProgress,
) -> None:
    """Point known images, whose bytes are the same, at where the source has them now.

    Copies stay as they are, and so does the location of an image that now comes in a zip or
    Parquet, unless the file is gone.
    """
    moved: dict[int, str] = {}  # image id -> location
    to_copy = []
    for entry in entries:
        image = known.get(entry.key)
        if image is None:
            continue
        if is_copy(image.location, image.sha256) and not is_gone(image.location):
            continue
        if entry.location and not copy:
            if entry.location != image.location:
                moved[image.id] = entry.location
        elif copy or is_gone(image.location):
            to_copy.append(entry)

    def keep(entry: Entry, read: Callable[[], bytes]) -> tuple[int, str]:
        image = known[entry.key]
        try:
            content = read()
            if hashlib.sha256(content).hexdigest() != image.sha256:
                raise OSError("its bytes have changed")
            return image.id, keep_copy(content, image.sha256)
        except OSError as error:
            raise _copy_failed(entry.key, error) from error

    copied = in_parallel(keep, source.read(to_copy), source.remote) if to_copy else ()
    for done, (image_id, location) in enumerate(copied, 1):
        moved[image_id] = location
        progress("Copying known images", done, len(to_copy))
    with transaction.atomic(), connection.cursor() as cursor:
        rows = list(moved.items())
        for start in range(0, len(rows), LOCATIONS):
            ids, locations = zip(*rows[start : start + LOCATIONS], strict=True)
            cursor.execute(
                "UPDATE imagesets_image AS image SET location = now.location"
                " FROM unnest(%s::bigint[], %s::text[]) AS now (id, location)"
                " WHERE image.id = now.id",
                [list(ids), list(locations)],
            )
    report.moved = len(moved)


def _save_images(
    source: Source,
    entries: list[Entry],
    known: dict[str, Known],
    label_ids: dict[str, int],
    copy: bool,
    report: Report,
    progress: StepProgress,
) -> None:
    """Decode and store the images that are new, batch by batch."""
    new = []
    for entry in entries:
        fault = _fault_of_name(entry.key)
        if fault:
            report.skipped.append((entry.key.encode(errors="backslashreplace").decode(), fault))
        elif entry.key not in known:
            new.append(entry)

    # parallel.py reads more files than this at once, but decoded pictures are large.
    decoding = BoundedSemaphore(max(4, os.cpu_count() or 1))

    def look(entry: Entry, read: Callable[[], bytes]) -> Checked:
        try:
            content = read()
            with decoding:
                look = check(content)
        except ConnectionError as error:  # every file that follows would fail the same way
            raise ImportRefused(f"stopped: {error}; {AGAIN}") from error
        except (Undecodable, OSError) as error:
            return Checked(entry, reason=reason_of(error))
        sha256 = hashlib.sha256(content).hexdigest()
        location = "" if copy else entry.location
        try:
            location = location or keep_copy(content, sha256)
        except OSError as error:
            raise _copy_failed(entry.key, error) from error
        small = coarse(look.small)
        return Checked(entry, "", sha256, look.width, look.height, small, location, look.assumed)

    batch: list[Checked] = []
    for done, checked in enumerate(in_parallel(look, source.read(new), source.remote), 1):
        progress("Importing images", done, len(new))
        if checked.reason:
            report.skipped.append((checked.entry.key, checked.reason))
        else:
            batch.append(checked)
            if checked.assumed:
                report.assumed[checked.assumed].append(checked.entry.key)
        if len(batch) == BATCH:
            _save_batch(batch, label_ids, report)
            batch = []
    if batch:
        _save_batch(batch, label_ids, report)


def _save_batch(batch: list[Checked], label_ids: dict[str, int], report: Report) -> None:
    hashes = perceptual_hashes(np.stack([checked.coarse for checked in batch])).tolist()
    Image.objects.bulk_create(
        Image(
            dataset_id=report.dataset.id,
            key=checked.entry.key,
            location=checked.location,
            sha256=checked.sha256,
            width=checked.width,
            height=checked.height,
            perceptual_hash=hash,
            dataset_label_id=label_ids.get(checked.entry.label),
        )
        for checked, hash in zip(batch, hashes, strict=True)
    )
    report.added += len(batch)


def _copy_failed(key: str, error: OSError) -> ImportRefused:
    return ImportRefused(
        f"stopped, as a copy of {key!r} cannot be kept: {reason_of(error)}; {AGAIN}"
    )


def _fault_of_name(key: str) -> str:
    if len(key) > KEY_LENGTH:
        return f"its path is longer than {KEY_LENGTH} characters"
    try:
        key.encode()
    except UnicodeEncodeError:
        return "its file name is not UTF-8"
    return "its file name holds a NUL character" if "\0" in key else ""


def _why_strict(report: Report) -> str:
    key, reason = report.skipped[0]
    more = f" and {len(report.skipped) - 1} more" if len(report.skipped) > 1 else ""
    return f"strict: nothing was imported, as {key!r} cannot be used ({reason}){more}"
