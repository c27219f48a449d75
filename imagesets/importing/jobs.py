"""Imports started in the admin: a Celery worker runs them; the job's row shows their progress."""

import contextlib
import logging
import shutil
import time
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Q
from django.utils import timezone

from imagesets.errors import ImportRefused
from imagesets.importing.import_dataset import import_dataset
from imagesets.models import ImportJob

log = logging.getLogger(__name__)

# A job silent for this long has lost its worker or its place in the queue.
SILENT = timedelta(minutes=2)
LEFT = 24 * 3600  # seconds after which an upload without a job is nobody's any more


def check_address(address: str) -> None:
    """Raise ImportRefused unless an address means the same in every process: the web's, a worker's.

    A relative path, or none, would be the working directory of the server.
    """
    if not address.startswith(("/", "s3://")):
        raise ImportRefused(f"{address!r} is neither a whole path (/...) nor an s3:// address")


def folder_of(job: ImportJob) -> Path:
    """The folder that keeps a job's uploads until it is done."""
    return settings.DATA_DIR / "uploads" / str(job.pk)


def remove_left_uploads() -> None:
    """Remove uploads that no unfinished job has: those of a web process that was killed, say."""
    unfinished = ImportJob.objects.exclude(
        state__in=[ImportJob.State.DONE, ImportJob.State.FAILED]
    ).values_list("pk", flat=True)
    needed = set(map(str, unfinished))
    for folder in (settings.DATA_DIR / "uploads").glob("*"):
        with contextlib.suppress(OSError):
            if folder.name not in needed and time.time() - folder.stat().st_mtime > LEFT:
                shutil.rmtree(folder)


def keep_upload(job: ImportJob, name: str, upload: UploadedFile) -> str:
    """Write an uploaded file to the job's folder; return its path."""
    path = folder_of(job) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        for chunk in upload.chunks():
            file.write(chunk)
    return str(path)


def is_silent(job: ImportJob) -> bool:
    """Whether an unfinished job shows no sign of life and may be started again."""
    unfinished = job.state in (ImportJob.State.WAITING, ImportJob.State.RUNNING)
    return unfinished and (job.heard_at is None or timezone.now() - job.heard_at > SILENT)


def pace(job: ImportJob) -> str:
    """The speed of a job's current step and the time it still needs; "" while unknown."""
    if not (job.step_at and job.heard_at and job.done):
        return ""
    seconds = (job.heard_at - job.step_at).total_seconds()
    if seconds < 1:
        return ""
    rate = job.done / seconds
    left = "" if job.total is None else f", {_duration((job.total - job.done) / rate)} left"
    return f"{rate:,.0f} a second{left}"


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def run(job_id: int) -> None:
    """Run a job, unless another worker is running it; its row then holds the result."""
    free = Q(state=ImportJob.State.WAITING) | Q(
        state=ImportJob.State.RUNNING, heard_at__lt=timezone.now() - SILENT
    )
    row = ImportJob.objects.filter(pk=job_id)
    if not row.filter(free).update(state=ImportJob.State.RUNNING, heard_at=timezone.now()):
        return
    job = row.get()
    last_saved = 0.0

    def progress(step: str, done: int, total: int | None) -> None:
        nonlocal last_saved
        if step != job.step:
            job.step, job.step_at = step, timezone.now()
        elif time.monotonic() - last_saved < 1 and done != total:
            return
        last_saved = time.monotonic()
        row.update(step=step, step_at=job.step_at, done=done, total=total, heard_at=timezone.now())

    try:
        check_address(job.images)
        report = import_dataset(
            job.slug,
            job.images,
            classes=job.classes or None,
            labels=job.labels or None,
            name=job.name or None,
            strict=job.strict,
            copy=job.copy,
            progress=progress,
        )
    except (ImportRefused, OSError) as error:
        # People know their uploads by name; the server's folder means nothing to them.
        text = str(error).replace(f"{folder_of(job)}/", "")
        row.update(state=ImportJob.State.FAILED, error=text, heard_at=timezone.now())
    except Exception as error:
        log.exception("Import %s failed", job_id)
        text = f"a bug in the program ({type(error).__name__}); the worker's log has the details"
        row.update(state=ImportJob.State.FAILED, error=text, heard_at=timezone.now())
    else:
        counts = [[text, number] for text, number in report.counts().items()]
        row.update(
            state=ImportJob.State.DONE,
            findings=report.findings(listed=200),
            counts=counts,  # pairs: jsonb does not keep the order of an object's keys
            heard_at=timezone.now(),
        )
    shutil.rmtree(folder_of(job), ignore_errors=True)
