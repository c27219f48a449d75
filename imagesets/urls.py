"""URLs of pictures (/images/{public_id}/tile.webp, /full.webp) and of the import page."""

from django.urls import path, register_converter

from imagesets.pages import import_dataset
from imagesets.pages.pictures import picture


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
    path("admin/imagesets/import/", import_dataset.new, name="import-dataset"),
    path("admin/imagesets/import/<int:job_id>/", import_dataset.job, name="import-job"),
    path("admin/imagesets/import/<int:job_id>/again/", import_dataset.again, name="import-again"),
]
