"""CLASSIFY: who named which main label where most answered "none of these".

Such an image has no main label, and its stored result holds no votes (rule O1). But the other
answers named some, and shares of an image's answers count them.
"""

from collections import defaultdict
from collections.abc import Iterable

from django.db import connection

from tasks.models import Campaign, ImageResult
from tasks.sql.judgments import ANSWERED, ITEMS, RESPONSE, label_id
from tasks.sql.used import used

NAMED = f"""
    FROM tasks_assignment a {ITEMS} {RESPONSE}
    JOIN tasks_imageresult z ON z.campaign_id = a.campaign_id AND z.image_id = i.image_id
      AND z.num_objects = 0
    JOIN tasks_run run ON run.id = z.run_id
    JOIN imagesets_label main ON main.id = {label_id("r.response -> 'main'")}
    WHERE a.campaign_id = %(classify)s AND {used()} AND {ANSWERED} AND i.role <> 'control'
      AND a.submitted_at <= run.started_at
      AND a.hit_id IN (
        SELECT h.hit_id FROM tasks_hititem h
        JOIN tasks_imageresult s ON s.campaign_id = %(classify)s AND s.image_id = h.image_id
        WHERE s.num_objects = 0 AND (s.object_counts ->> '0')::int < s.workers)
"""
"""The answers `r.response` on images `i.image_id` of the campaign where none won, each with the
label `main` that it names as the main one, as the results `z` have counted them."""

_VOTES = f"""
    SELECT i.image_id, main.key, count(*) {NAMED} AND i.image_id = ANY (%(images)s)
    GROUP BY i.image_id, main.key
"""


def count_votes(campaign: Campaign, results: Iterable[ImageResult]) -> None:
    """Put the votes into `main_votes` of the results, not saved, in which none won."""
    none_won = {
        result.image_id: result
        for result in results
        if result.num_objects == 0 and (result.object_counts or {}).get("0") != result.workers
    }
    if not none_won:
        return
    votes: dict[int, dict[str, int]] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(_VOTES, {"classify": campaign.pk, "images": list(none_won)})
        for image, label, number in cursor.fetchall():
            votes[image][label] = number
    for image, result in none_won.items():
        result.main_votes = votes[image]
