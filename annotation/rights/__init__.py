"""Roles and permissions: the one place that decides who may do what.

`may(user, right, row)` and its companion for lists, `visible(user, queryset)`, are what API views
(`rights.api`), researchers' pages (`rights.pages`), exports and the admin ask. Django's own
`user.has_perm` is answered from them too (`rights.backend`).
"""

from annotation.rights.rules import (
    OWN,
    RAW_WORKERS,
    RESEARCH,
    REVIEW,
    SPEND,
    SUPERUSER,
    VIEW,
    Right,
    allowed,
    may,
    may_somewhere,
    need,
    row_for,
    visible,
)

__all__ = [
    "OWN",
    "RAW_WORKERS",
    "RESEARCH",
    "REVIEW",
    "SPEND",
    "SUPERUSER",
    "VIEW",
    "Right",
    "allowed",
    "may",
    "may_somewhere",
    "need",
    "row_for",
    "visible",
]
