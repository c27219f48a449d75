"""What a person may decide with a sync: about HITs that are gone, and bonuses paid by hand."""

from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminRadioSelectWidget,
    UnfoldBooleanWidget,
)

from tasks.crowds import marketplace_of
from tasks.market.gone import ALL, lost_hits
from tasks.market.sync import Decisions
from tasks.models import Campaign

CHOSEN_AMONG = 50  # of more HITs that are gone, one decision is for all
LATER, AGAIN, GIVE_UP = "later", "offer_again", "give_up"


class DecideOnSync(forms.Form):
    """Asks only about what there is to decide in the campaign."""

    def __init__(self, *args: Any, campaign: Campaign, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        lost = lost_hits(campaign)
        if lost:
            self.fields["decision"] = forms.ChoiceField(
                label=f"{len(lost):,} HITs are gone at the marketplace",
                choices=[
                    (LATER, "Decide later"),
                    (AGAIN, "Offer them again"),
                    (GIVE_UP, "Give them up"),
                ],
                initial=LATER,
                help_text="Offered again, they are put up anew for what is still wanted of them."
                " Given up, they keep the answers that they have, and no more are asked. Meanwhile"
                " the study goes on with the others.",
                widget=UnfoldAdminRadioSelectWidget,
            )
        if 1 < len(lost) <= CHOSEN_AMONG:
            keys = [one.hit.key for one in lost]
            self.fields["hits"] = forms.MultipleChoiceField(
                label="Which of them",
                choices=[
                    (one.hit.key, f"{one.hit.key}: {one.wanted:,} wanted ({one.name})")
                    for one in lost
                ],
                initial=keys,
                required=False,
                widget=UnfoldAdminCheckboxSelectMultipleWidget,
            )
        if marketplace_of(campaign) is not None:
            self.fields["enter_bonuses"] = forms.BooleanField(
                label="Enter bonuses in the ledger that were paid on the marketplace by hand",
                required=False,
                widget=UnfoldBooleanWidget,
            )


def decided(values: dict[str, Any], who: str) -> Decisions:
    """The decisions in a form's values."""
    hits = values.get("hits", [ALL])
    decision = values.get("decision", LATER)
    return Decisions(
        who,
        offer_again=hits if decision == AGAIN else (),
        give_up=hits if decision == GIVE_UP else (),
        enter_bonuses=values.get("enter_bonuses", False),
    )
