"""The Django app `models_inference`."""

from django.apps import AppConfig


class ModelsInferenceConfig(AppConfig):
    name = "models_inference"
    verbose_name = "Classifiers"
