"""The API's own description, built once per process; each reader gets examples of their study."""

import threading
from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework.request import Request

from annotation.api.examples import examples_for, filled_in

MOST = 32  # documents that are kept: of strangers, and of those who read them lately
_documents: dict[Any, Any] = {}  # the description, and what was made of it by type and examples
_lock = threading.Lock()


class SchemaView(SpectacularAPIView):
    """The OpenAPI document as YAML or JSON; readable without a login."""

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        renderer = request.accepted_renderer
        examples = examples_for(request.user)
        key = (renderer.media_type, examples)
        with _lock:  # requests of the first second would each build it
            if "schema" not in _documents:
                _documents["schema"] = self.generator_class().get_schema(public=True)
            if key not in _documents:
                if len(_documents) > MOST:
                    del _documents[next(k for k in _documents if k != "schema")]
                _documents[key] = renderer.render(filled_in(_documents["schema"], examples))
            document = _documents[key]
        response = HttpResponse(document, content_type=renderer.media_type)
        response["Content-Disposition"] = f'inline; filename="Second Look.{renderer.format}"'
        response["Cache-Control"] = "private"
        return response
