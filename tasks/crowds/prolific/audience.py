"""How many of Prolific's participants could take part, by the campaign's filters."""

from tasks.crowds import CrowdError
from tasks.crowds.prolific.account import workspace_of
from tasks.crowds.prolific.client import RequestRefused, client
from tasks.models import Campaign
from tasks.models.prolific_filters import in_words

HIDDEN_BELOW = 25  # Prolific says 0 for fewer
WRONG = 400  # the status by which it refuses filters


def audience(campaign: Campaign) -> str:
    """Who may take part and how many they are, as a sentence; "" where there are no filters.

    Raises CrowdError for filters that Prolific does not take, since it would take no study either.
    """
    filters = (campaign.prolific or {}).get("filters") or []
    if not filters:
        return ""
    told = f"Whoever passes its filters may take part: {in_words(filters)}."
    api = client()
    body = {"workspace_id": workspace_of(api, campaign), "filters": filters}
    try:
        count = int(api.compute("/eligibility-count/", body)["count"])
    except RequestRefused as refused:
        if refused.status == WRONG:
            raise
        return told
    except (CrowdError, KeyError, TypeError, ValueError):
        return told
    if count < HIDDEN_BELOW:
        return (
            f"{told} At Prolific fewer than {HIDDEN_BELOW} participants do: look whether the"
            " filters are meant so."
        )
    return f"{told} At Prolific {count:,} participants do."
