"""The report of a study over the API, as it was last computed."""

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation.api.parameters import known_parameters
from annotation.report.campaigns import Campaigns, NoStudy, study_seen
from annotation.report.kept import failure_of, kept_text, last_of, not_aggregated
from annotation.report.wording import sentence
from annotation.rights import VIEW
from annotation.rights.api import Ruled
from imagesets.models import Dataset

MINUTE = 60
AGGREGATE = "POST /api/campaigns/{}/aggregate/"


class Report(Ruled, APIView):
    """A study's figures with their intervals: what `manage.py report` writes as report.json.

    The queue computes it after an aggregation, every night and on demand. Workers appear in it by
    their pseudonyms.
    """

    rights = {"GET": VIEW}
    about = Dataset.objects.all()

    @extend_schema(
        parameters=[
            OpenApiParameter(
                "campaign",
                str,
                description="The slug of one of the study's campaigns. Default: the newest CONTAINS"
                " campaign that is finished or closed.",
            )
        ],
        responses={
            200: OpenApiTypes.OBJECT,
            202: OpenApiResponse(description="The queue is computing it: ask again in a minute."),
            404: OpenApiResponse(description="No such study, or it has no report yet, and why."),
        },
    )
    def get(self, request: Request, slug: str) -> HttpResponse:
        known_parameters(request, ("campaign",))
        try:
            campaigns = study_seen(request.user, self.row, request.query_params.get("campaign"))
        except NoStudy as error:
            raise NotFound(f"{sentence(str(error))}.") from None
        text = kept_text(campaigns)
        if text is not None:
            return HttpResponse(text, content_type="application/json")
        if why := why_none(campaigns):
            raise NotFound(why)
        last = last_of(campaigns)
        detail = (
            f"The queue is computing the report of campaign {last.slug}. Ask again in a minute; if"
            f" there is none then, queue it again: {AGGREGATE.format(last.slug)}."
        )
        return Response({"detail": detail}, status=202, headers={"Retry-After": str(MINUTE)})


def why_none(campaigns: Campaigns) -> str | None:
    """Why no report is on its way, and what to do; None if the queue is computing it."""
    if waiting := not_aggregated(campaigns):
        steps = " and ".join(AGGREGATE.format(each.slug) for each in waiting)
        return (
            f"There is no report yet: {' and '.join(each.slug for each in waiting)} has no results."
            f" They come every night, or at once by {steps}."
        )
    if failure := failure_of(campaigns):
        last = last_of(campaigns)
        return (
            f"The report of campaign {last.slug} could not be computed: {failure.why}."
            f" To try again: {AGGREGATE.format(last.slug)}."
        )
    return None
