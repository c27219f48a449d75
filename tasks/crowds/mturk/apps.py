"""The tables of the MTurk crowd, as a Django app of their own."""

from django.apps import AppConfig


class MTurkConfig(AppConfig):
    name = "tasks.crowds.mturk"
    label = "mturk"
    verbose_name = "Mechanical Turk"
    default_auto_field = "django.db.models.BigAutoField"
