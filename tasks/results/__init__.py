"""From a campaign's stored answers to its results: read what changed, count, fit, write."""

from .run import aggregate

__all__ = ["aggregate"]
