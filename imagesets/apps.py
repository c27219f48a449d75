"""The Django app `imagesets`."""

from django.apps import AppConfig


class ImagesetsConfig(AppConfig):
    name = "imagesets"
    verbose_name = "Images"
