"""Comparisons of two studies: the queue computes them, and they are remembered.

What is remembered belongs to two kept reports; a new report of either study starts anew.
"""

from dataclasses import dataclass

from django.core.cache import cache
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from annotation.report.campaigns import Campaigns
from annotation.report.kept import kept_text, last_of
from annotation.report.page.drawings import MONTH, version_of

LONGEST = 15 * 60  # seconds in which the queue is not asked again
AFTER_FAILURE = 10 * 60


@dataclass(frozen=True)
class KeptComparison:
    """What is known of a comparison: compare.json, or why there is none (yet)."""

    version: str
    text: str | None = None
    failure: str = ""


def version_of_both(first: str, second: str) -> str:
    """Names the comparison of two kept reports."""
    return version_of(f"{version_of(first)}-{version_of(second)}")


def comparison_or_queue(
    first: Campaigns, second: Campaigns, texts: tuple[str, str]
) -> KeptComparison:
    """The comparison if it is remembered; else the queue is asked for it, once."""
    version = version_of_both(*texts)
    if (text := cache.get(_key(version))) is not None:
        return KeptComparison(version, text)
    if why := cache.get(_key(version, "failure")):
        return KeptComparison(version, failure=why)
    if cache.add(_key(version, "queued"), True, LONGEST):
        from annotation.report.celery_tasks import compare_studies

        try:
            compare_studies.delay(last_of(first).pk, last_of(second).pk)
        except (OperationalError, RedisError, OSError) as error:
            cache.delete(_key(version, "queued"))
            return KeptComparison(version, failure=f"the queue is away ({error})")
    return KeptComparison(version)


def remember(version: str, text: str) -> None:
    cache.set(_key(version), text, MONTH)


def remember_failure(version: str, error: Exception) -> None:
    """For minutes; whoever asks then has it computed again."""
    cache.set(_key(version, "failure"), f"{type(error).__name__}: {error}", AFTER_FAILURE)
    cache.delete(_key(version, "queued"))


def version_kept(first: Campaigns, second: Campaigns) -> str | None:
    """Names the comparison of the studies' kept reports; None where one of them has none."""
    texts = kept_text(first), kept_text(second)
    return None if None in texts else version_of_both(*texts)  # type: ignore[arg-type]


def _key(version: str, of: str = "text") -> str:
    return f"comparison-{version}-{of}"
