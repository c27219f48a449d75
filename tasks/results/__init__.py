"""From a campaign's stored answers to its results: read what changed, count, fit, write."""

from .failures import last_failure, record_failure
from .run import aggregate

__all__ = ["aggregate", "last_failure", "record_failure"]
