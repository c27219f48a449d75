"""Invitations to a campaign over the API: made, listed without their links, and revoked."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import generics, serializers, status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.campaigns import CAMPAIGNS
from annotation.api.errors import Conflict
from annotation.api.fields import KnownFieldsOnly, StrictInteger
from annotation.links import link_of
from annotation.rights import RESEARCH, VIEW
from annotation.rights.api import Ruled
from tasks.crowds.local.invitations import MOST, listed, make, revoke, state_of
from tasks.models import Invitation
from tasks.models.refused import Refused


class ToInvite(KnownFieldsOnly):
    """The body that makes invitations."""

    count = StrictInteger(
        required=False, default=1, min_value=1, max_value=MOST["count"], help_text="How many."
    )
    uses = StrictInteger(
        required=False,
        default=1,
        min_value=1,
        max_value=MOST["uses"],
        help_text="How many workers each lets in.",
    )
    expires = StrictInteger(
        required=False,
        allow_null=True,
        default=None,
        min_value=1,
        max_value=MOST["days"],
        help_text="After so many days; null: never.",
    )


class InvitationSerializer(serializers.ModelSerializer):
    """An invitation without its link, which is not kept."""

    state = serializers.SerializerMethodField(help_text="open, used up, expired or revoked.")

    class Meta:
        model = Invitation
        fields = ["id", "state", "uses", "used", "expires_at", "revoked_at", "made_by", "made_at"]
        read_only_fields = fields

    def get_state(self, invitation: Invitation) -> str:
        return state_of(invitation)


class NewInvitationSerializer(InvitationSerializer):
    """A new invitation: only this reply holds its link."""

    link = serializers.CharField(read_only=True)

    class Meta(InvitationSerializer.Meta):
        fields = [*InvitationSerializer.Meta.fields, "link"]


class NewInvitations(serializers.Serializer):
    """All that were made."""

    results = NewInvitationSerializer(many=True)


class Invitations(Ruled, generics.ListAPIView):
    """A campaign's invitations, the newest first; POST makes some and replies with their links."""

    rights = {"GET": VIEW, "POST": RESEARCH}
    about = CAMPAIGNS
    serializer_class = InvitationSerializer
    ordering = "-id"

    def get_queryset(self) -> QuerySet[Invitation]:
        if "slug" not in self.kwargs:  # while the schema is made
            return Invitation.objects.none()
        return listed(self.row)

    @extend_schema(
        request=ToInvite,
        responses={
            201: NewInvitations,
            409: OpenApiResponse(description="Refused: nobody can come to the campaign."),
        },
    )
    def post(self, request: Request, slug: str) -> Response:
        body = ToInvite(data=request.data)
        body.is_valid(raise_exception=True)
        asked: dict[str, Any] = body.validated_data
        try:
            made = make(
                self.row,
                request.user.get_username(),
                asked["count"],
                asked["uses"],
                asked["expires"],
            )
        except Refused as refused:
            raise Conflict(str(refused)) from None
        for new in made:
            new.invitation.link = link_of(request, new.path)  # type: ignore[attr-defined]
        shown = NewInvitations({"results": [new.invitation for new in made]})
        return Response(shown.data, status=status.HTTP_201_CREATED)


class InvitationDetail(Ruled, generics.GenericAPIView):
    """One invitation."""

    rights = {"DELETE": RESEARCH}
    about = CAMPAIGNS
    queryset = Invitation.objects.all()
    serializer_class = InvitationSerializer

    @extend_schema(responses={204: None})
    def delete(self, request: Request, slug: str, pk: int) -> Response:
        """Revoke it: it opens no new work. The HITs that are open stay open."""
        try:
            revoke(self.row, pk, request.user.get_username())
        except Invitation.DoesNotExist:
            raise NotFound(f"Campaign {slug} has no invitation {pk}.") from None
        return Response(status=status.HTTP_204_NO_CONTENT)
