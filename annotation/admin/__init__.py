"""The admin site, in the order of the work: datasets, classifiers, campaigns, workers, results."""

from annotation.admin import accounts, answers, campaigns, classifiers, datasets, hits, results
from annotation.admin import workers as workers

__all__ = [
    "accounts",
    "answers",
    "campaigns",
    "classifiers",
    "datasets",
    "hits",
    "results",
    "workers",
]
