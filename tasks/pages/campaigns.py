"""The list of studies: what is open to a worker, what it pays, what became of their own work."""

from dataclasses import dataclass

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from tasks.crowds import BadVisit, crowd_of, open_to, visitors
from tasks.models import Campaign
from tasks.models.campaign import State
from tasks.pages.addresses import campaign_address
from tasks.pages.hit_pages import refuse, worker_page
from tasks.pages.offers import Offer, offers
from tasks.pages.own_work import OwnWork, own_work

PAST = {
    State.PAUSED: gettext_lazy("Paused: there may be more to do later."),
    State.FINISHED: gettext_lazy("Finished: everything has been answered."),
    State.CLOSED: gettext_lazy("Ended."),
}


@dataclass(frozen=True)
class Row:
    """A campaign in the list, and the visitor's own work in it."""

    campaign: Campaign
    address: str
    own: OwnWork
    offer: Offer | None = None  # None: there is nothing more to do for them

    @property
    def over(self) -> str:
        """Why there is no more work for them, in a sentence."""
        if self.own.stopped:
            return _("We have no more work for you in this study.")
        past = PAST.get(State(self.campaign.state))
        return str(past) if past else _("Your invitation opens no more work.")


@require_safe
@worker_page
def campaigns(request: HttpRequest) -> HttpResponse:
    """The campaigns open to this visitor and, apart, others in which they have worked."""
    try:
        workers = visitors(request)
        may_come = open_to(request)
    except BadVisit as error:
        return refuse(request, 409, str(error))
    own = own_work(workers)
    is_open = may_come & Q(state=State.OPEN)
    listed = Campaign.objects.filter(is_open | Q(pk__in=list(own))).annotate(is_open=is_open)
    offered = offers([c for c in listed if c.is_open and not own[c.pk].stopped])
    of_crowd = {worker.crowd: worker for worker in workers}
    rows = []
    for campaign in listed:
        door = crowd_of(campaign).door
        carried = door.carried(request, of_crowd.get(campaign.crowd)) if door is not None else {}
        address = campaign_address(campaign, carried)
        rows.append(Row(campaign, address, own[campaign.pk], offered.get(campaign.pk)))
    context = {
        "rows": [row for row in rows if row.offer is not None],
        "past": [row for row in rows if row.offer is None],
    }
    return render(request, "tasks/campaigns.html", context)
