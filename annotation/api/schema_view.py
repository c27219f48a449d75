"""The API's own description, built once per process: it is the same for everybody."""

import threading
from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework.request import Request

_documents: dict[str, str | bytes] = {}  # by media type
_lock = threading.Lock()


class SchemaView(SpectacularAPIView):
    """The OpenAPI document as YAML or JSON; readable without a login."""

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        renderer = request.accepted_renderer
        with _lock:  # requests of the first second would each build it
            if renderer.media_type not in _documents:
                generator = self.generator_class()
                _documents[renderer.media_type] = renderer.render(generator.get_schema(public=True))
        response = HttpResponse(_documents[renderer.media_type], content_type=renderer.media_type)
        response["Content-Disposition"] = f'inline; filename="Second Look.{renderer.format}"'
        return response
