"""The controls that a worker met in a campaign: what was known, what they said, right or wrong."""

from dataclasses import dataclass

from django.db import connection

from annotation.drawn.picture import Drawn
from imagesets.models import Image
from tasks.models import Campaign, CampaignLabel, Worker
from tasks.models.campaign import Kind
from tasks.sql.judgments import ITEMS, RESPONSE, SETTLED, answer

SHOWN = 24  # of each
WORDS = (("wrong", False), ("right", True))


@dataclass(frozen=True)
class Control:
    """One, as a picture: the label asked about or settled, what is known and what was said."""

    picture: Drawn
    label: str
    known: str
    said: str
    weak: bool  # its answer was inferred, not settled


@dataclass(frozen=True)
class Controls:
    """How many were answered wrongly and rightly, and the newest of each."""

    wrong: int
    right: int
    shown: list[tuple[str, list[Control]]]  # ("wrong", ...), ("right", ...)

    @property
    def number(self) -> int:
        return self.wrong + self.right


_OF_WORKER = "a.campaign_id = %s AND a.worker_id = %s AND a.submitted_at IS NOT NULL"
_CONTAINS = f"""
    SELECT i.image_id, i.label_id, i.weak, CASE WHEN i.known THEN 'present' ELSE 'absent' END,
           {answer("'selected'", "'maybe'", "'not selected'", "''")},
           i.known = (i.position = ANY (a.selected))
    FROM tasks_assignment a {ITEMS}
    WHERE {_OF_WORKER} AND i.role = 'control' AND i.known IS NOT NULL
    ORDER BY a.submitted_at DESC, a.id, s.number
"""
# Right: the settled label is selected, and no foil beside it.
_CLASSIFY = f"""
    SELECT i.image_id, i.label_id, i.weak, 'present',
           CASE WHEN r.response -> 'selected' = jsonb_build_array(i.label_id) THEN 'selected alone'
                WHEN r.response -> 'selected' @> to_jsonb(i.label_id) THEN 'selected with others'
                WHEN r.response -> 'selected' = '[]' THEN 'none of these'
                ELSE 'another label' END,
           r.response -> 'selected' = jsonb_build_array(i.label_id)
    FROM tasks_assignment a {ITEMS} {RESPONSE}
    WHERE {_OF_WORKER} AND {SETTLED}
    ORDER BY a.submitted_at DESC, a.id, s.number
"""


def controls_of(campaign: Campaign, worker: Worker) -> Controls:
    """What they saw of them, from all of their answers; three queries over these alone."""
    contains = campaign.kind == Kind.CONTAINS
    with connection.cursor() as cursor:
        cursor.execute(_CONTAINS if contains else _CLASSIFY, [campaign.pk, worker.pk])
        rows = [row for row in cursor.fetchall() if row[4]]  # '': they did not see it
    parts = {word: [row for row in rows if row[5] is right] for word, right in WORDS}
    first = {word: part[:SHOWN] for word, part in parts.items()}
    images = Image.objects.in_bulk({row[0] for part in first.values() for row in part})
    names = {
        label.label_id: label.names[0]
        for label in CampaignLabel.objects.filter(
            campaign=campaign, label__in={row[1] for part in first.values() for row in part}
        )
    }
    shown = [
        (
            word,
            [
                Control(Drawn.of(images[image]), names.get(label, ""), known, said, weak)
                for image, label, weak, known, said, _ in part
            ],
        )
        for word, part in first.items()
        if part
    ]
    return Controls(len(parts["wrong"]), len(parts["right"]), shown)
