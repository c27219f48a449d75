"""The invitation links of a local campaign, on its page: made and shown once, listed, revoked."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, F, Q, Sum
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.text import capfirst
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from annotation.links import door, link_of
from annotation.rights import RESEARCH, may
from annotation.rights.pages import needs
from imagesets.clock import Now
from tasks.crowds.local.invitations import MOST, NAME, listed, make, revoke, state_of
from tasks.models import Campaign, Invitation
from tasks.models.campaign import OpenTo, State
from tasks.models.refused import Refused

NEWEST = 20


class AskInvitations(forms.Form):
    """How many invitations, for how many workers each, and for how long."""

    count = forms.IntegerField(
        label="How many links",
        initial=1,
        min_value=1,
        max_value=MOST["count"],
        widget=UnfoldAdminIntegerFieldWidget,
    )
    uses = forms.IntegerField(
        label="Workers that each link lets in",
        initial=1,
        min_value=1,
        max_value=MOST["uses"],
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="1: the link names one person, whom it recognises on any device.",
    )
    expires = forms.IntegerField(
        label="Days until they expire",
        required=False,
        min_value=1,
        max_value=MOST["days"],
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="Empty: never.",
    )


def invitations_of(
    request: HttpRequest, campaign: Campaign, form: forms.Form | None = None
) -> dict[str, Any] | None:
    """What templates/pieces/invitations.html shows; None: another crowd finds its own people."""
    if campaign.crowd != NAME:
        return None
    return {
        "campaign": campaign,
        "counts": _counts(campaign),
        "newest": [{"row": row, "state": state_of(row)} for row in listed(campaign)[:NEWEST]],
        "all": f"{reverse('admin:tasks_invitation_changelist')}?campaign__id__exact={campaign.pk}",
        "may_invite": may(request.user, RESEARCH, campaign),
        "is_over": campaign.state in (State.FINISHED, State.CLOSED),
        "is_for_anyone": campaign.open == OpenTo.ANYONE,
        "own_page": link_of(request, door(campaign) or "") if door(campaign) else "",
        "form": form or AskInvitations(auto_id="id_invitations_%s"),
    }


def _counts(campaign: Campaign) -> dict[str, int]:
    """How many links there are, how many work and how many people have come by them."""
    lasts = Q(expires_at=None) | Q(expires_at__gt=Now())
    return Invitation.objects.filter(campaign=campaign).aggregate(
        all=Count("pk"),
        open=Count("pk", filter=lasts & Q(revoked_at=None, used__lt=F("uses"))),
        revoked=Count("pk", filter=Q(revoked_at__isnull=False)),
        begun=Sum("used", default=0),
    )


@needs(RESEARCH, Campaign)
@require_POST
@never_cache
def make_invitations(request: HttpRequest, campaign: Campaign) -> HttpResponse:
    """Make links and show them this once; a form that is wrong comes back with what is wrong."""
    form = AskInvitations(request.POST, auto_id="id_invitations_%s")
    if form.is_valid():
        asked = form.cleaned_data
        who = request.user.get_username()
        try:
            made = make(campaign, who, asked["count"], asked["uses"], asked["expires"])
        except Refused as refused:
            form.add_error(None, f"{capfirst(str(refused))}.")
        else:
            context = {
                "links": "\n".join(link_of(request, new.path) for new in made),
                "count": len(made),
                "uses": asked["uses"],
            }
            return _page(request, campaign, "pages/new_invitations.html", context)
    context = {"invitations": invitations_of(request, campaign, form)}
    return _page(request, campaign, "pages/invitations.html", context, status=422)


@needs(RESEARCH, Campaign)
@require_POST
@never_cache
def revoke_invitation(request: HttpRequest, campaign: Campaign, pk: int) -> HttpResponse:
    """Let a link open no new work."""
    try:
        new = revoke(campaign, pk, request.user.get_username())
    except Invitation.DoesNotExist:
        raise Http404 from None
    done = "opens no new work any more." if new else "was revoked before."
    messages.success(request, f"Link {pk} {done}")
    address = reverse("campaign-progress", args=[campaign.slug])
    return HttpResponseRedirect(f"{address}#invitations")


def _page(
    request: HttpRequest,
    campaign: Campaign,
    template: str,
    context: dict[str, Any],
    status: int = 200,
) -> HttpResponse:
    frame = admin.site.each_context(request) | {
        "title": f"Invitations to {campaign.name}",
        "campaign": campaign,
    }
    return TemplateResponse(request, template, frame | context, status=status)


urlpatterns = [
    path("campaigns/<slug:slug>/invitations/", make_invitations, name="campaign-make-invitations"),
    path(
        "campaigns/<slug:slug>/invitations/<int:pk>/revoke/",
        revoke_invitation,
        name="campaign-revoke-invitation",
    ),
]
