"""Two studies compared, over the API."""

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation.api.parameters import known_parameters
from annotation.api.report import MINUTE, why_none
from annotation.report.campaigns import study_of_slug
from annotation.report.kept import kept_text, last_of
from annotation.report.kept_comparison import comparison_or_queue
from annotation.rights import VIEW
from annotation.rights.api import Ruled

SIDES = ("a", "b")


class Comparison(Ruled, APIView):
    """The headline figures of two studies, and the first less the second with its interval: what
    `manage.py compare` writes as compare.json.

    The queue computes it when it is first asked for, from studies that have a report.
    """

    rights = {"GET": VIEW}

    @extend_schema(
        parameters=[
            OpenApiParameter(
                side,
                str,
                required=True,
                description=f"The slug of the {which} study's campaign.",
            )
            for side, which in zip(SIDES, ("first", "second"), strict=True)
        ],
        responses={
            200: OpenApiTypes.OBJECT,
            202: OpenApiResponse(description="The queue is computing it: ask again in a minute."),
            400: OpenApiResponse(description="Both are the same study, or one is not named."),
            404: OpenApiResponse(description="No such campaign, or no report of its study."),
        },
    )
    def get(self, request: Request) -> HttpResponse:
        known_parameters(request, SIDES)
        slugs = {side: request.query_params.get(side) for side in SIDES}
        if missing := [side for side, slug in slugs.items() if not slug]:
            raise ValidationError({side: ["Name a campaign of this study."] for side in missing})
        first, second = (study_of_slug(request.user, str(slug)) for slug in slugs.values())
        if first == second:
            raise ValidationError({"b": [f"{slugs['a']} and {slugs['b']} are of one study."]})
        texts = []
        for study in (first, second):
            if (text := kept_text(study)) is None:
                slug = last_of(study).slug
                raise NotFound(why_none(study) or f"The queue is computing the report of {slug}.")
            texts.append(text)
        known = comparison_or_queue(first, second, (texts[0], texts[1]))
        if known.text is not None:
            return HttpResponse(known.text, content_type="application/json")
        if known.failure:
            raise NotFound(f"The comparison could not be computed: {known.failure}.")
        detail = f"The queue is comparing {slugs['a']} and {slugs['b']}. Ask again in a minute."
        return Response({"detail": detail}, status=202, headers={"Retry-After": str(MINUTE)})
