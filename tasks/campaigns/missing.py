"""Restricts a campaign's candidates to what nobody judged in the campaign that it adds to."""

from typing import Any

from tasks.models import Campaign
from tasks.models.campaign import State
from tasks.sql.used import used

# A pair of the first campaign, or of another that adds to it, is taken once a worker's used answer
# has judged it, and as long as that campaign still asks it.
_MISSING = f"""
    WITH taken AS (
      SELECT p.image_id, p.label_id FROM tasks_pair p
      JOIN tasks_campaign c ON c.id = p.campaign_id
      WHERE (c.id = %(first)s OR c.adds_to_id = %(first)s) AND c.id <> %(campaign)s
        AND (c.state IN ('{State.OPEN}', '{State.PAUSED}') OR EXISTS (
          SELECT FROM tasks_hititem i JOIN tasks_assignment a ON a.hit_id = i.hit_id
          WHERE i.pair_id = p.id AND {used()}
            AND i.position = ANY (a.shown) AND NOT i.position = ANY (a.unseen))))
    SELECT named.* FROM ({{candidates}}) named
    WHERE named.models > 0
      AND named.image_id IN (
        SELECT image_id FROM tasks_campaignimage WHERE campaign_id = %(first)s)
      AND NOT EXISTS (
        SELECT FROM taken t WHERE t.image_id = named.image_id AND t.label_id = named.label_id)
"""


def only_missing(campaign: Campaign, sql: str, params: dict[str, Any]) -> tuple[str, dict]:
    """The statement of candidates, and its parameters, less the pairs that are taken (rule C5).

    Of the images of `campaign.adds_to` alone, and only labels that a classifier names.
    """
    added = {"first": campaign.adds_to_id, "campaign": campaign.pk or 0}
    return _MISSING.format(candidates=sql), params | added
