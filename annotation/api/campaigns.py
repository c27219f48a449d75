"""Campaigns over the API: list and create them, change drafts, take the steps of a study."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    PolymorphicProxySerializer,
    extend_schema,
)
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.additions import NAMES_AN_ADDITION, AdditionSerializer
from annotation.api.errors import Conflict
from annotation.api.fields import KnownFieldsOnly
from annotation.api.parameters import known_parameters
from annotation.api.serializers import (
    CampaignSerializer,
    DecisionsSerializer,
    NothingToSay,
    PublishedSerializer,
    Reason,
    RunSerializer,
    SyncedSerializer,
    ToPublish,
)
from annotation.path.standing import standing_of
from annotation.report.celery_tasks import queue_report
from annotation.rights import RESEARCH, SPEND, VIEW, need
from annotation.rights.api import Ruled, RuledList
from tasks import results
from tasks.campaigns import publish
from tasks.crowds import CrowdError, is_production
from tasks.market.sync import Decisions, sync
from tasks.models import Campaign
from tasks.models.refused import Refused

CAMPAIGNS = Campaign.objects.select_related("dataset", "source", "adds_to").prefetch_related(
    "consent_texts"
)


class Campaigns(RuledList, generics.ListCreateAPIView):
    """The campaigns that you may see, the newest first; POST creates a draft.

    POST of `{"missing_for": CLASSIFIER, "of": CAMPAIGN}` creates one that asks the pairs which that
    classifier names and nobody judged in that campaign; its other settings, unless you give them,
    are those of that campaign.
    """

    rights = {"GET": VIEW, "POST": RESEARCH}
    queryset = CAMPAIGNS
    serializer_class = CampaignSerializer
    ordering = "-id"
    filters = {
        "dataset": ("dataset__slug", "A dataset's slug."),
        "kind": ("kind", "contains or classify."),
        "state": ("state", "draft, open, paused, finished or closed."),
        "source": ("source__slug", "The slug of the campaign that it follows."),
        "adds_to": ("adds_to__slug", "The slug of the campaign that it adds to."),
    }

    @extend_schema(
        request=PolymorphicProxySerializer(
            "NewCampaign", [CampaignSerializer, AdditionSerializer], resource_type_field_name=None
        ),
        responses={201: CampaignSerializer},
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().post(request, *args, **kwargs)

    def get_serializer(self, *args: Any, **kwargs: Any) -> Any:
        """A page's campaigns are counted together."""
        if kwargs.get("many"):
            standings = {each.campaign.pk: each for each in standing_of(args[0])}
            kwargs["context"] = {**self.get_serializer_context(), "standings": standings}
        return super().get_serializer(*args, **kwargs)

    def get_serializer_class(self) -> type[CampaignSerializer]:
        data = self.request.data if self.request and self.request.method == "POST" else None
        if isinstance(data, Mapping) and NAMES_AN_ADDITION & data.keys():
            return AdditionSerializer
        return CampaignSerializer


class Consequences(serializers.Serializer):
    """What a change would do."""

    consequences = serializers.ListField(child=serializers.CharField(), help_text="Sentences.")


class CampaignDetail(Ruled, generics.RetrieveUpdateAPIView):
    """One campaign; its settings can be changed while it is a draft.

    Once published, its texts, `contact`, `languages`, `workers_per_item` (upwards), `budget` and
    deadlines (`assignment_minutes`, `lifetime_days`, `auto_approval_days`) can be. Raising a budget
    needs the permission and the scope `spend`. 409: it was changed, but the marketplace could not
    be told; the reason says when it will be.
    """

    rights = {"GET": VIEW, "PATCH": RESEARCH}
    about = queryset = CAMPAIGNS
    serializer_class = CampaignSerializer
    lookup_field = "slug"
    http_method_names = ["get", "patch", "head", "options"]

    @extend_schema(
        parameters=[
            OpenApiParameter(
                "preview", bool, description="Say what the change would do, and change nothing."
            )
        ],
        responses={
            200: PolymorphicProxySerializer(
                "ChangedCampaign",
                [CampaignSerializer, Consequences],
                resource_type_field_name=None,
            ),
            409: OpenApiResponse(description="Changed, but the marketplace has not been told."),
        },
    )
    def patch(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        known_parameters(request, ("preview",))
        try:
            if request.query_params.get("preview", "false") != "true":
                return super().patch(request, *args, **kwargs)
        except Refused as refused:
            raise Conflict(str(refused)) from None
        context = self.get_serializer_context()
        changed = CampaignSerializer(self.row, request.data, partial=True, context=context)
        changed.is_valid(raise_exception=True)
        return Response({"consequences": changed.consequences()})


class Step(Ruled, generics.GenericAPIView):
    """A step of a campaign; 409 with the reason if it is refused, and then nothing has changed.

    Also 409 if the step was taken but the marketplace could not be reached: the reason says so.
    """

    rights = {"POST": RESEARCH}
    about = queryset = CAMPAIGNS
    serializer_class: type[KnownFieldsOnly] = Reason
    shown_as = CampaignSerializer
    lookup_field = "slug"

    def post(self, request: Request, slug: str) -> Response:
        body = self.get_serializer(data=request.data)
        body.is_valid(raise_exception=True)
        campaign = self.row
        try:
            notes = self.take(campaign, request.user.get_username(), body.validated_data)
        except Refused as refused:
            raise Conflict(str(refused)) from None
        campaign.refresh_from_db()
        context = {**self.get_serializer_context(), "notes": notes or []}
        return Response(self.shown_as(campaign, context=context).data)

    def take(self, campaign: Campaign, who: str, options: dict[str, Any]) -> list[str] | None:
        """Take the step, return notes on it, if any; raises Refused if it cannot be taken."""
        raise NotImplementedError


REFUSED = OpenApiResponse(description="Refused: all that is missing.")
campaign_or_why_not = extend_schema(responses={200: CampaignSerializer, 409: REFUSED})
published_or_why_not = extend_schema(responses={200: PublishedSerializer, 409: REFUSED})


@published_or_why_not
class Publish(Step):
    """Freeze what a draft asks, lay it out and open the first round; resume a paused campaign."""

    serializer_class = ToPublish
    shown_as = PublishedSerializer

    def take(self, campaign: Campaign, who: str, options: dict[str, Any]) -> list[str]:
        if options["production"] or is_production(campaign):
            need(self.request.user, SPEND, campaign)
        published = publish.publish(
            campaign,
            who,
            options["production"],
            options["yes_spend"],
            in_queue=True,
            test=options["test"] or "",
        )
        return [*published.notes, *published.tests]


@campaign_or_why_not
class Pause(Step):
    """Stop giving out work."""

    def take(self, campaign: Campaign, who: str, options: dict[str, Any]) -> None:
        publish.pause(campaign, who, options["why"], in_queue=True)


@published_or_why_not
class Resume(Step):
    """Give out work again."""

    shown_as = PublishedSerializer

    def take(self, campaign: Campaign, who: str, options: dict[str, Any]) -> None:
        if is_production(campaign):
            need(self.request.user, SPEND, campaign)
        publish.resume(campaign, who, options["why"], in_queue=True)


@campaign_or_why_not
class Close(Step):
    """End the study with the counts as they are."""

    def take(self, campaign: Campaign, who: str, options: dict[str, Any]) -> None:
        publish.close(campaign, who, options["why"], in_queue=True)


class Sync(Ruled, generics.GenericAPIView):
    """Fetch, review and pay answers, open the next round, offer the free places."""

    rights = {"POST": RESEARCH}
    about = queryset = CAMPAIGNS
    serializer_class = DecisionsSerializer
    lookup_field = "slug"

    @extend_schema(
        responses={
            200: SyncedSerializer,
            409: OpenApiResponse(description="A draft, or the marketplace cannot be reached."),
        }
    )
    def post(self, request: Request, slug: str) -> Response:
        body = self.get_serializer(data=request.data)
        body.is_valid(raise_exception=True)
        who = request.user.get_username()
        said = body.validated_data
        if (said["paid_by_hand"] or said["leave_unpaid"]) and is_production(self.row):
            need(request.user, SPEND, self.row)
        try:
            done = sync(self.row, decisions=Decisions(who, **said))
        except (Refused, CrowdError) as refused:
            raise Conflict(str(refused)) from None
        return Response(SyncedSerializer(done).data)


class Aggregate(Ruled, generics.GenericAPIView):
    """Compute the campaign's results now; the study's report follows in the queue."""

    rights = {"POST": RESEARCH}
    about = queryset = CAMPAIGNS
    serializer_class = NothingToSay
    lookup_field = "slug"

    @extend_schema(
        responses={
            200: RunSerializer,
            409: OpenApiResponse(description="Refused: a stored answer is malformed."),
        }
    )
    def post(self, request: Request, slug: str) -> Response:
        self.get_serializer(data=request.data).is_valid(raise_exception=True)
        try:
            run = results.aggregate(self.row)
        except Refused as refused:
            raise Conflict(str(refused)) from None
        queue_report(self.row)
        return Response(RunSerializer(run).data)
