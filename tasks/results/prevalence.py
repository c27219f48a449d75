"""Each section's expected and observed share of positives (rule F5).

Workers miss rare targets more often, so a selection frequency should be read beside the share of
tiles in its section that show the label. Only the study's tiles count, not controls.

Expected, as known at layout: a tile whose dataset label is the section's counts as showing it; any
other by the mean score that the campaign's classifiers gave the label, 0 for a classifier that did
not name it. Scores are taken as probabilities, which classifiers overstate.
Observed: selected / shown, over used answers.
"""

import itertools
from dataclasses import dataclass

from django.db import connection
from django.db.models import Case, Count, F, Sum, When

from tasks.models import Campaign, Run, Section

_EXPECTED = """
    WITH scored AS (
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
           avg(CASE WHEN scored.of_dataset THEN 1 ELSE coalesce(scored.score / nullif(n, 0), 0) END)
    FROM tasks_hititem i JOIN scored ON scored.id = i.pair_id CROSS JOIN classifiers
    GROUP BY i.hit_id, i.section
"""
_OBSERVED = """
    UPDATE tasks_section o SET selected = sums.selected, shown = sums.shown
    FROM (
      SELECT i.hit_id, i.section, coalesce(sum(r.selected), 0) AS selected,
             coalesce(sum(r.shown), 0) AS shown
      FROM tasks_hit h JOIN tasks_hititem i ON i.hit_id = h.id AND i.pair_id IS NOT NULL
      LEFT JOIN tasks_pairresult r ON r.pair_id = i.pair_id  -- none: its image was withdrawn
      WHERE h.campaign_id = %s GROUP BY i.hit_id, i.section
    ) sums
    WHERE o.hit_id = sums.hit_id AND o.number = sums.section
      AND (o.selected, o.shown) IS DISTINCT FROM (sums.selected, sums.shown)
"""
BANDS = (0.0, 0.05, 0.1, 0.25, 0.5, 1.0)  # of the expected share


def keep_expected(campaign: Campaign) -> None:
    """Store the expected share of each section of a CONTAINS campaign that was just laid out."""
    with connection.cursor() as cursor:
        cursor.execute(_EXPECTED, {"campaign": campaign.pk})


def keep_observed(cursor, run: Run) -> None:
    """Store the observed counts of each section, from the results of a run's pairs."""
    cursor.execute(_OBSERVED, [run.campaign_id])


@dataclass(frozen=True)
class Band:
    """Sections whose expected share lies between two bounds, including the upper."""

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
    """The campaign's sections by their expected share; without empty bands."""
    bounds = dict(enumerate(itertools.pairwise(BANDS)))
    band = Case(*(When(expected__lte=high, then=number) for number, (_, high) in bounds.items()))
    sections = Section.objects.filter(hit__campaign=campaign, expected__lte=BANDS[-1]).order_by()
    rows = (
        sections.annotate(band=band)
        .values_list("band")
        .annotate(
            sections=Count("pk"),
            mean=Sum(F("expected") * F("tiles")) / Sum("tiles"),
            chosen=Sum("selected"),
            seen=Sum("shown"),
        )
    )
    return [Band(*bounds[number], *row) for number, *row in sorted(rows)]
