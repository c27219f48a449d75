"""Publishing from a page: the typed budget, and what to say when it is done."""

from decimal import Decimal

from django import forms
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminDecimalFieldWidget

from annotation.links import door, how_people_begin, link_of, notes_of
from tasks.campaigns import publish
from tasks.models import Campaign


class AskBudget(forms.Form):
    """The whole budget, typed out: what may be spent."""

    budget = forms.DecimalField(
        label="Type the campaign's whole budget",
        max_digits=12,
        decimal_places=2,
        widget=UnfoldAdminDecimalFieldWidget,
    )


def publish_for(request: HttpRequest, campaign: Campaign, budget: Decimal | None = None) -> str:
    """Publish, and return what to tell the person. `budget`: typed where money is real.

    Raises Refused and NotYetTold.
    """
    done = publish.publish(
        campaign,
        request.user.get_username(),
        production=budget is not None,
        yes_spend=budget,
        in_queue=True,
    )
    campaign.refresh_from_db()
    path = door(campaign)
    begin = ""
    if path:
        invite = "make links for them below"
        begin = f" {how_people_begin(campaign, link_of(request, path), invite)}"
    published = (
        f"Published: {done.pairs:,} pairs of {done.images:,} images in {done.hits:,} HITs;"
        f" the first round costs {done.first_round}.{begin}"
    )
    told = [f"{note.title}: {note.copied}" for note in notes_of(request, campaign) if note.copied]
    return " ".join([published, *done.notes, *told])
