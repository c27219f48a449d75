"""Addresses of pictures: /images/{public_id}/tile.webp and /full.webp."""

from django.urls import path, register_converter

from imagesets.views import picture


class PublicId:
    """The 16 characters of an image's opaque name."""

    regex = r"[A-Za-z0-9_-]{16}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(PublicId, "image_public_id")

urlpatterns = [
    path("images/<image_public_id:public_id>/tile.webp", picture, {"size": "tile"}, "image-tile"),
    path("images/<image_public_id:public_id>/full.webp", picture, {"size": "full"}, "image-full"),
]
