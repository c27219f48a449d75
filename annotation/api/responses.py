"""Imports judgments collected elsewhere, as `manage.py import_responses` does."""

import shutil
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict
from typing import IO, Any

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation.api.errors import Conflict
from annotation.rights import RESEARCH
from annotation.rights.api import Ruled
from imagesets.errors import ImportRefused
from tasks.models import Campaign
from tasks.models.refused import Refused
from tasks.responses import ResponsesRefused, described_by, import_responses

IN_MEMORY = 4 * 2**20  # bytes; a longer body goes to a temporary file


class JSONBody(BaseParser):
    """The whole body as a file, read from a slow client before anything is locked."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        body = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 the view closes it
        shutil.copyfileobj(stream, body)
        body.seek(0)
        return body


class JSONLinesBody(JSONBody):
    """The same for JSON lines."""

    media_type = "application/x-ndjson"


class JSONLines2Body(JSONBody):
    """The same for JSON lines under their other media type."""

    media_type = "application/jsonl"


class ImportedSerializer(serializers.Serializer):
    """What an import added, and how many of its judgments were stored already."""

    judgments = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    assignments = serializers.IntegerField()
    hits = serializers.IntegerField()
    workers = serializers.IntegerField()
    notes = serializers.ListField(
        child=serializers.CharField(), help_text="What was assumed, with counts."
    )


class Responses(Ruled, APIView):
    """Add judgments, a JSON list or JSON lines: all of them or none."""

    rights = {"POST": RESEARCH}
    about = Campaign.objects.all()
    parser_classes = [JSONBody, JSONLinesBody, JSONLines2Body]

    @extend_schema(
        parameters=[
            OpenApiParameter(
                "column",
                many=True,
                description="FIELD=NAME: the rows' own name of a field (`image=meta.file`); may be"
                " repeated. Fields that are not named are then passed over.",
            ),
            OpenApiParameter(
                "choices", description="KEY,KEY,...: the labels that workers chose among."
            ),
            OpenApiParameter("image_prefix", description="What stands before each image's key."),
        ],
        request={
            "application/json": {
                "type": "array",
                "items": {"type": "object", "additionalProperties": True},
            },
            "application/x-ndjson": {"type": "string", "format": "binary"},
        },
        responses={
            200: ImportedSerializer,
            400: OpenApiResponse(
                description="The errors by field, each kind once, with its first rows and a count."
            ),
            409: OpenApiResponse(description="Refused: the campaign's state forbids it."),
        },
    )
    def post(self, request: Request, slug: str) -> Response:
        body: Any = request.data
        if not hasattr(body, "read"):
            raise ParseError("The body is empty: it must be a JSON list or JSON lines.")
        with body:
            if body.read(64).removeprefix(b"\xef\xbb\xbf").lstrip()[:1] not in (b"[", b"{"):
                raise ParseError("The body must be a JSON list or JSON lines of objects.")
            body.seek(0)
            query = request.query_params
            try:
                described = described_by(
                    self.row,
                    query.getlist("column"),
                    query.get("choices"),
                    query.get("image_prefix", ""),
                )
                imported = import_responses(
                    self.row, body, request.user.get_username(), described=described
                )
            except ImportRefused as refused:
                raise ParseError(str(refused)) from None
            except Refused as refused:
                raise Conflict(str(refused)) from None
            except ResponsesRefused as refused:
                raise serializers.ValidationError(_by_field(refused)) from None
        return Response(asdict(imported))


def _by_field(refused: ResponsesRefused) -> dict[str, list[str]]:
    """DRF's form of errors: each under its field, with its rows."""
    errors: dict[str, list[str]] = defaultdict(list)
    for error in refused.errors:
        where = f"{error.rows}: " if error.row else ""
        errors[error.field or "non_field_errors"].append(where + error.message)
    return dict(errors)
