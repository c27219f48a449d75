"""Each section's expected and observed share of positives (SCIENCE: rule 11).

What is rare is missed more often, so a selection frequency is to be read beside the share of tiles
in its section that show the label. Counted are the study's tiles; controls are some of the others.

Expected, from what was known at layout: a tile whose image has the label as its dataset label is
taken to show it; of any other the chance is the mean score that the campaign's classifiers gave
the label, 0 for one that did not name it. Scores are taken as chances, which classifiers overstate.
Observed: selections of all that were shown, over used answers.
"""

import itertools
from dataclasses import dataclass

from django.db import connection
from django.db.models import Count, F, Q, Sum

from tasks.models import Campaign, Run, Section

_EXPECTED = """
    WITH said AS (
      SELECT p.id, p.sources @> '["dataset"]' AS of_dataset, sum(least(greatest(CASE
        WHEN jsonb_typeof(s.source) = 'array' THEN (s.source ->> 2)::float END, 0), 1)) AS score
      FROM tasks_pair p LEFT JOIN LATERAL jsonb_array_elements(p.sources) AS s (source) ON true
      WHERE p.campaign_id = %(campaign)s GROUP BY p.id
    ), classifiers AS (
      SELECT count(DISTINCT s.source ->> 0) AS n
      FROM tasks_pair p CROSS JOIN LATERAL jsonb_array_elements(p.sources) AS s (source)
      WHERE p.campaign_id = %(campaign)s AND jsonb_typeof(s.source) = 'array'
    )
    INSERT INTO tasks_section (hit_id, number, label_id, tiles, expected)
    SELECT i.hit_id, i.section, min(i.label_id), count(*),
           avg(CASE WHEN said.of_dataset THEN 1 ELSE coalesce(said.score / nullif(n, 0), 0) END)
    FROM tasks_hititem i JOIN said ON said.id = i.pair_id CROSS JOIN classifiers
    GROUP BY i.hit_id, i.section
"""
_OBSERVED = """
    UPDATE tasks_section o SET selected = found.selected, shown = found.shown
    FROM (
      SELECT i.hit_id, i.section, sum(r.selected) AS selected, sum(r.shown) AS shown
      FROM tasks_hit h JOIN tasks_hititem i ON i.hit_id = h.id
      JOIN tasks_pairresult r ON r.pair_id = i.pair_id
      WHERE h.campaign_id = %s GROUP BY i.hit_id, i.section
    ) found
    WHERE o.hit_id = found.hit_id AND o.number = found.section
      AND (o.selected, o.shown) IS DISTINCT FROM (found.selected, found.shown)
"""
BANDS = (0.0, 0.05, 0.1, 0.25, 0.5, 1.0)  # of the expected share


def keep_expected(campaign: Campaign) -> None:
    """Write a row for each section of a CONTAINS campaign that was just laid out."""
    with connection.cursor() as cursor:
        cursor.execute(_EXPECTED, {"campaign": campaign.pk})


def keep_observed(cursor, run: Run) -> None:
    """Write down what the results of a run's pairs come to in each section."""
    cursor.execute(_OBSERVED, [run.campaign_id])


@dataclass(frozen=True)
class Band:
    """Sections whose expected share lies between two bounds, the upper one included."""

    low: float
    high: float
    sections: int
    expected: float  # mean, by tiles
    selected: int
    shown: int

    @property
    def observed(self) -> float | None:
        return self.selected / self.shown if self.shown else None


def bands(campaign: Campaign) -> list[Band]:
    """The campaign's sections by their expected share; those without sections are left out."""
    found = []
    sections = Section.objects.filter(hit__campaign=campaign)
    for low, high in itertools.pairwise(BANDS):
        above = Q(expected__gt=low) if low else Q()
        row = sections.filter(above, expected__lte=high).aggregate(
            n=Count("pk"),
            of_all=Sum("tiles"),
            positives=Sum(F("expected") * F("tiles")),
            seen=Sum("shown"),
            chosen=Sum("selected"),
        )
        if row["n"]:
            expected = row["positives"] / row["of_all"]
            found.append(Band(low, high, row["n"], expected, row["chosen"], row["seen"]))
    return found
