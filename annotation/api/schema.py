"""OpenAPI of views that ask for rights: 401, 403 and 404 where they can come, and examples."""

from typing import Any

from drf_spectacular.openapi import AutoSchema

from annotation.api.examples import add_examples

WITHOUT_A_RIGHT = {
    "401": "Neither a token nor a login.",
    "403": "What you see but may not do.",
    "404": "No such address, or nothing that you may see.",
}


class Schema(AutoSchema):
    """DRF's views, with the answers to those who lack a right."""

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        operation = super().get_operation(*args, **kwargs)
        if operation and hasattr(self.view, "rights"):
            for status, says in WITHOUT_A_RIGHT.items():
                if status != "404" or getattr(self.view, "about", None) is not None:
                    operation["responses"].setdefault(status, {"description": says})
        if operation:
            add_examples(operation, self.path, self.method)
        return operation
