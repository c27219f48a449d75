"""Invitations in the admin: made on a campaign's page, shown once; listed here, and revoked."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from annotation.admin.guarded import Guarded, VisibleFilter
from annotation.admin.steps import Step, ask_first
from annotation.admin.widgets import History, link_to
from annotation.links import link_of
from annotation.rights import RESEARCH
from tasks.crowds.local.invitations import MOST, Made, make, revoke, state_of
from tasks.models import Campaign, Invitation


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


class InvitationSteps(Guarded):
    """The step of a campaign that makes invitations."""

    @action(description="Invite", permissions=["step"], icon="mail")
    def invite(self, request: HttpRequest, object_id: str) -> HttpResponse:
        campaign = self.row(request, object_id)
        step = Step(
            title=f"Invite people to {campaign.name}",
            consequences=[
                "The links are shown once, on the next page. The site keeps no copy of them.",
                "A link of one use names one person; nobody else can work in their name unless"
                " they pass it on.",
                "You can revoke a link later: it then opens no new work.",
            ],
            button="Make the links",
            form=AskInvitations,
        )

        def take(values: dict[str, Any]) -> HttpResponse:
            made = make(
                campaign,
                request.user.get_username(),
                values["count"],
                values["uses"],
                values["expires"],
            )
            return self._links(request, campaign, made)

        return ask_first(self, request, campaign, step, take)

    def _links(self, request: HttpRequest, campaign: Campaign, made: list[Made]) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": f"Invitations to {campaign.name}",
            "opts": self.opts,
            "original": campaign,
            "links": "\n".join(link_of(request, new.path) for new in made),
            "count": len(made),
            "back": reverse("admin:tasks_campaign_change", args=[campaign.pk]),
        }
        response = TemplateResponse(request, "admin/tasks/invitations.html", context)
        response["Cache-Control"] = "no-store"
        return response


@admin.register(Invitation)
class InvitationAdmin(History):
    list_display = ["number", "campaign", "state", "uses_so_far", "expires_at", "made_by"]
    list_display += ["made_at"]
    list_filter = [("campaign", VisibleFilter)]
    list_select_related = ["campaign"]
    fields = ["campaign_link", "state", "uses_so_far", "expires_at", "revoked_at"]
    fields += ["made_by", "made_at"]
    readonly_fields = ["campaign_link", "state", "uses_so_far"]
    actions_detail = ["revoke"]

    def get_queryset(self, request: HttpRequest) -> Any:
        rows: Any = super().get_queryset(request)
        return rows.with_expiry().select_related("campaign")

    @display(description="invitation", ordering="pk")
    def number(self, invitation: Invitation) -> str:
        return str(invitation.pk)

    @display(description="state")
    def state(self, invitation: Invitation) -> str:
        return state_of(invitation)

    @display(description="used", ordering="used")
    def uses_so_far(self, invitation: Invitation) -> str:
        return f"{invitation.used:,} of {invitation.uses:,}"

    @display(description="campaign")
    def campaign_link(self, invitation: Invitation) -> str:
        return link_to(invitation.campaign)

    def has_revoke_permission(self, request: HttpRequest, object_id: str) -> bool:
        return self.may(request, RESEARCH, object_id)

    @action(description="Revoke", permissions=["revoke"], icon="block")
    def revoke(self, request: HttpRequest, object_id: str) -> HttpResponse:
        invitation = self.row(request, object_id)
        step = Step(
            title=f"Revoke invitation {invitation.pk} to {invitation.campaign.name}",
            consequences=[
                "Its link lets nobody in any more, and opens no new work for those who came by it.",
                "They may finish the HIT that they have open. Their answers stay.",
                "This cannot be undone.",
            ],
            button="Revoke",
            danger=True,
        )

        def take(values: dict[str, Any]) -> str:
            new = revoke(invitation.campaign, invitation.pk, request.user.get_username())
            return "Revoked." if new else "It was revoked before."

        return ask_first(self, request, invitation, step, take)
