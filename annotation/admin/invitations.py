"""Invitations in the admin, listed and revoked; a campaign's page makes them."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from unfold.decorators import action, display

from annotation.admin.guarded import VisibleFilter
from annotation.admin.steps import Step, ask_first
from annotation.admin.widgets import History, link_to
from annotation.rights import RESEARCH
from tasks.crowds.local.invitations import revoke, state_of
from tasks.models import Invitation


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
