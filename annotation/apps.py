"""The Django app that holds the project's commands and loads its Celery application."""

from django.apps import AppConfig


class AnnotationConfig(AppConfig):
    name = "annotation"
    verbose_name = "Rights"  # what its tables are about

    def ready(self) -> None:
        from annotation import celery  # noqa: F401  shared_task binds to this application
