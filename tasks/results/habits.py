"""Keeps the flags that tell of a worker's habits: all yes, all no, straight lines, too fast."""

from typing import Any

from django.db import connection, transaction

from tasks.aggregation.habits import habits
from tasks.models import Campaign, Flag
from tasks.models.campaign import Kind
from tasks.models.flag import HABITS

# Of each worker: answers, their pace, and what the answers look like as a whole.
_CONTAINS = """
    sum(cardinality(a.selected)), sum(cardinality(a.shown) - cardinality(a.unseen)), NULL, NULL
"""
# What cannot be read as a response is none (tasks/sql/judgments.py).
_RESPONSES = """
    jsonb_array_elements(CASE WHEN jsonb_typeof(a.answers) = 'array' THEN a.answers END) AS said
    WHERE CASE WHEN jsonb_typeof(said -> 'offered') = 'array'
               THEN jsonb_array_length(said -> 'offered') > 1 END
"""
_CLASSIFY = f"""
    NULL, NULL,
    sum((SELECT count(*) FROM {_RESPONSES} AND said -> 'main' = said -> 'offered' -> 0))::bigint,
    sum((SELECT count(*) FROM {_RESPONSES} AND jsonb_typeof(said -> 'main') = 'number'))::bigint
"""
_SQL = """
    SELECT a.worker_id, {counts}, count(*),
           percentile_cont(0.5) WITHIN GROUP (
               ORDER BY a.active_seconds / nullif(h.expected_seconds, 0))
    FROM tasks_assignment a JOIN tasks_hit h ON h.id = a.hit_id
    WHERE a.campaign_id = %s AND a.submitted_at IS NOT NULL
    GROUP BY a.worker_id
"""


def replace_habits(campaign: Campaign) -> None:
    """Replace the campaign's flags about habits by those of its answers as they are.

    Of two at once the second keeps what the first wrote.
    """
    flags = [
        Flag(campaign=campaign, worker_id=worker, kind=kind, evidence=evidence)
        for worker, *figures in _figures(campaign)
        for kind, evidence in habits(*figures)
    ]
    with transaction.atomic():
        Flag.objects.filter(campaign=campaign, kind__in=HABITS).delete()
        Flag.objects.bulk_create(flags, batch_size=1000, ignore_conflicts=True)


def _figures(campaign: Campaign) -> list[tuple[Any, ...]]:
    counts = _CONTAINS if campaign.kind == Kind.CONTAINS else _CLASSIFY
    with connection.cursor() as cursor:
        cursor.execute(_SQL.format(counts=counts), [campaign.pk])
        return cursor.fetchall()
