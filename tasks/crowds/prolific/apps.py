"""The tables of the Prolific crowd, as a Django app of their own."""

from django.apps import AppConfig


class ProlificConfig(AppConfig):
    name = "tasks.crowds.prolific"
    label = "prolific"
    verbose_name = "Prolific"
    default_auto_field = "django.db.models.BigAutoField"
