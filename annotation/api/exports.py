"""Streams tables over the API, the same bytes as `manage.py export`."""

from typing import Any

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.views import APIView

from annotation import exports
from annotation.api.errors import Conflict
from annotation.explorer.experts import blinded
from annotation.rights import RAW_WORKERS, VIEW, need
from annotation.rights.api import Ruled
from tasks.models import Campaign

YES = {"1": True, "true": True, "0": False, "false": False}


class ByAddress(BaseContentNegotiation):
    """The address names the format, whatever Accept says; errors are JSON."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type


class Export(Ruled, APIView):
    """A table of a campaign as CSV or JSON lines."""

    rights = {"GET": VIEW}
    about = Campaign.objects.all()
    content_negotiation_class = ByAddress

    @extend_schema(
        parameters=[
            OpenApiParameter("table", str, OpenApiParameter.PATH, enum=exports.NAMES),
            OpenApiParameter("extension", str, OpenApiParameter.PATH, enum=list(exports.FORMATS)),
            OpenApiParameter(
                "for",
                str,
                enum=["spreadsheets"],
                description="CSV in which no text begins as a formula; its name says so.",
            ),
            OpenApiParameter(
                "raw_workers",
                bool,
                description="Workers' own ids; needs the permission raw_workers.",
            ),
        ],
        responses={
            (200, "text/csv"): OpenApiTypes.BINARY,
            (200, "application/x-ndjson"): OpenApiTypes.BINARY,
            404: OpenApiResponse(description="No such campaign, table or format."),
            409: OpenApiResponse(description="Not aggregated yet."),
        },
    )
    def get(self, request: Request, slug: str, table: str, extension: str) -> StreamingHttpResponse:
        raw, for_spreadsheets = self._options(request)
        if extension not in exports.FORMATS:
            raise NotFound(f"No such format: {extension}. Known: {', '.join(exports.FORMATS)}.")
        if for_spreadsheets and extension != "csv":
            raise ValidationError({"for": ["Spreadsheets are served by csv alone."]})
        try:
            export = exports.Export(
                self.row,
                table,
                extension,
                raw_workers=raw,
                for_spreadsheets=for_spreadsheets,
                reader=blinded(request.user, self.row.dataset),
            )
        except exports.NoSuchTable as error:
            raise NotFound(str(error)) from None
        except exports.NotYet as error:
            raise Conflict(str(error)) from None
        response = StreamingHttpResponse(iter(export), content_type=exports.FORMATS[extension])
        response["Content-Disposition"] = f'attachment; filename="{export.file_name}"'
        response["Cache-Control"] = "no-store"
        return response

    def _options(self, request: Request) -> tuple[bool, bool]:
        """Whether raw ids are wanted, and whether it is for spreadsheets."""
        for name in request.query_params:
            if name not in ("for", "raw_workers"):
                raise ValidationError({name: ["Unknown parameter. Known: for, raw_workers."]})
        if request.query_params.get("for", "spreadsheets") != "spreadsheets":
            raise ValidationError({"for": ["Must be spreadsheets."]})
        raw = YES.get(request.query_params.get("raw_workers", "0"))
        if raw is None:
            raise ValidationError({"raw_workers": ["Must be 1 or 0."]})
        if raw:
            need(request.user, RAW_WORKERS, self.row)
        return raw, "for" in request.query_params
