"""Keeps classifiers' full answers, logits as float16, for pairwise accuracy and calibration.

While inference runs, each chunk's logits are a small file, written before the chunk's rows are
committed, so that every committed row has a file, with several workers and after a kill too.
`gather` combines them into one `.npy` per classifier, with the image ids beside it.

    DATA_DIR/logits/SLUG/NAME-ID-OF/parts/*.npz   images int64 (n,), logits float16 (n, C)
    DATA_DIR/logits/SLUG/NAME-ID-OF/logits.npy    float16 (N, C), C as the classifier has classes
    DATA_DIR/logits/SLUG/NAME-ID-OF/images-N.npy  int64 (N,): image ids, ascending

OF is a hash of the classifier's settings: a classifier that was changed before its first
predictions ignores what a killed run has left. With LOGITS_IN_BUCKET the parts are kept for good in
AWS_STORAGE_BUCKET_NAME (logits/SLUG/...), and the rest is a copy of them: so workers on several
machines need no common disk.
"""

import fcntl
import hashlib
import io
import json
import os
import re
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings

from imagesets.files import hand_over, make_folder, write_whole
from imagesets.locations import read as read_bytes
from imagesets.locations import s3_client, write_s3
from models_inference.errors import InferenceError
from models_inference.models import Classifier

# Bytes per classifier and dataset: 1,000,000 images x 1,000 classes. Beyond it none are kept.
LARGEST = 2_000_000_000
BLOCK = 1024  # rows copied at a time


def folder(classifier: Classifier) -> Path:
    """The folder of a classifier's logits on this machine."""
    name = re.sub(r"[^A-Za-z0-9_.@-]", "_", classifier.name).lstrip(".")
    made_of = [classifier.architecture, classifier.weights, classifier.input, classifier.mapping]
    digest = hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()
    where = Path(settings.DATA_DIR) / "logits" / classifier.dataset.slug
    return where / f"{name[:100]}-{classifier.id}-{digest[:8]}"


def wanted(images: int, classes: int) -> bool:
    """Whether the logits of a dataset of this size are kept (settings.KEEP_LOGITS, LARGEST)."""
    return settings.KEEP_LOGITS and 2 * images * classes <= LARGEST


def keep_logits(classifier: Classifier, images: Sequence[int], logits: np.ndarray) -> None:
    """Keep finite logits (n, C) of these images; the caller has checked that they are `wanted`.

    An image's logits may be kept twice, if they are equal. Values beyond float16's range become
    its largest: softmax does not tell them apart. Raises InferenceError if the disk or S3 fails.
    """
    largest = np.finfo(np.float16).max
    content = io.BytesIO()
    np.savez(
        content,
        images=np.asarray(images, dtype=np.int64),
        logits=np.clip(logits, -largest, largest).astype(np.float16),
    )
    name = f"{min(images):012}-{secrets.token_hex(4)}.npz"
    with write_errors(classifier, content.tell()):
        if settings.LOGITS_IN_BUCKET:
            bucket = settings.AWS_STORAGE_BUCKET_NAME
            write_s3(bucket, in_bucket(classifier) + name, content.getvalue())
        else:
            write_whole(folder(classifier) / "parts" / name, content.getvalue())


@contextmanager
def write_errors(classifier: Classifier, size: int) -> Iterator[None]:
    """Turn an error of the disk or of S3 into one line that says what could not be written."""
    try:
        yield
    except OSError as error:
        raise InferenceError(
            f"Logits of classifier {classifier.name} cannot be kept in {folder(classifier)}: "
            f"{error.strerror or error} ({size:,} bytes were to be written)."
        ) from error


def in_bucket(classifier: Classifier) -> str:
    """The prefix of a classifier's parts in the bucket."""
    where = folder(classifier).relative_to(Path(settings.DATA_DIR))
    return f"{where.as_posix()}/"


def fetch_parts(classifier: Classifier) -> list[str]:
    """Copy the bucket's parts that are not gathered yet to this machine; return their names."""
    bucket, where, new = settings.AWS_STORAGE_BUCKET_NAME, folder(classifier), []
    known = set((where / "gathered.txt").read_text().split()) if gathered(where) else set()
    pages = s3_client().get_paginator("list_objects_v2")
    for page in pages.paginate(Bucket=bucket, Prefix=in_bucket(classifier)):
        for item in page.get("Contents", ()):
            name = item["Key"].rpartition("/")[2]
            if name not in known:
                content = read_bytes(f"s3://{bucket}/{item['Key']}")
                with write_errors(classifier, len(content)):
                    write_whole(where / "parts" / name, content)
                new.append(name)
    return new


def gathered(where: Path) -> bool:
    """Whether there are gathered logits, with the list of their parts."""
    return (where / "gathered.txt").exists() and (where / "logits.npy").exists()


@contextmanager
def locked(where: Path) -> Iterator[None]:
    """Lock a folder, so that one process at a time gathers in it; the lock ends with its holder."""
    make_folder(where)
    with (where / ".lock").open("w") as file:
        hand_over(where / ".lock")
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def gather(classifier: Classifier) -> int:
    """Combine all parts into one `.npy`; return the number of images in it.

    Raises InferenceError, and leaves all as it was, if there is no room for it.
    """
    part = read(classifier)
    return len(part[0]) if part else 0


def _gather(classifier: Classifier, where: Path) -> None:
    """Combine the parts in a locked folder."""
    fetched = fetch_parts(classifier) if settings.LOGITS_IN_BUCKET else []
    parts = sorted((where / "parts").glob("*.npz"))
    if not parts:
        return
    whole = opened(where)
    # One part at a time: all of them may be gigabytes.
    listed = [whole[0]] if whole else []
    listed += [_part(file)["images"] for file in parts]
    ids, first = np.unique(np.concatenate(listed), return_index=True)
    sources = chain([whole[1]] if whole else [], (_part(file)["logits"] for file in parts))
    unfinished = where / ".logits.unfinished.npy"
    classes = _part(parts[0])["logits"].shape[1]
    with write_errors(classifier, 2 * len(ids) * classes):
        try:
            _write(unfinished, first, sources, classes)
            # Images are only ever added, so their number tells which list belongs to the logits.
            names = io.BytesIO()
            np.save(names, ids)
            write_whole(where / f"images-{len(ids)}.npy", names.getvalue())
            os.replace(unfinished, where / "logits.npy")
        finally:
            unfinished.unlink(missing_ok=True)
        if fetched:
            with (where / "gathered.txt").open("a") as file:
                file.writelines(f"{name}\n" for name in fetched)
            hand_over(where / "gathered.txt")
    for part in parts:
        part.unlink()
    for other in where.glob("images-*.npy"):
        if other.name != f"images-{len(ids)}.npy":
            other.unlink()


def _write(path: Path, first: np.ndarray, sources: Iterable[np.ndarray], classes: int) -> None:
    """Write float16 (len(first), classes): row i is row first[i] of the concatenated sources.

    Not through a memory map: on a full disk, that would end the process by SIGBUS.
    """
    header = {"descr": "<f2", "fortran_order": False, "shape": (len(first), classes)}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        begin, start = file.tell(), 0
        for logits in sources:
            if logits.shape[1] != classes:
                raise InferenceError(
                    f"Of the logits in {path.parent}, some have {logits.shape[1]} classes and"
                    f" others {classes}: was the weights file replaced by another network's?"
                )
            rows = np.flatnonzero((first >= start) & (first < start + len(logits)))
            apart = np.flatnonzero((np.diff(rows) > 1) | (np.arange(1, len(rows)) % BLOCK == 0))
            for block in np.split(rows, apart + 1):
                if len(block):
                    file.seek(begin + 2 * classes * int(block[0]))
                    file.write(np.asarray(logits[first[block] - start], dtype="<f2").tobytes())
            start += len(logits)
        file.flush()
        os.fsync(file.fileno())


def _part(file: Path) -> Any:
    """A part's arrays, each decoded when it is accessed."""
    return np.load(io.BytesIO(file.read_bytes()))


def opened(where: Path) -> tuple[np.ndarray, np.ndarray] | None:
    """The gathered ids and logits (memory-mapped) in a folder; None if there are none."""
    if not (where / "logits.npy").exists():
        return None
    logits = np.load(where / "logits.npy", mmap_mode="r")
    return np.load(where / f"images-{len(logits)}.npy"), logits


def read(classifier: Classifier) -> tuple[np.ndarray, np.ndarray] | None:
    """Image ids int64 (N,) ascending and logits float16 (N, C), memory-mapped; None: not kept.

    Without a bucket, logits made on machines with another DATA_DIR are missing. Raises
    InferenceError, and leaves all as it was, if there is no room to combine the parts.
    """
    where = folder(classifier)
    if not where.exists() and not settings.LOGITS_IN_BUCKET:
        return None
    with locked(where):
        _gather(classifier, where)
        return opened(where)
