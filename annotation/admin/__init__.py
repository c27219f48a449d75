"""The admin site, in the order of the work: datasets, classifiers, campaigns, workers, results."""

from annotation.admin import accounts, answers, campaigns, classifiers, datasets, hits
from annotation.admin import flags as flags
from annotation.admin import invitations as invitations
from annotation.admin import payments as payments
from annotation.admin import results as results
from annotation.admin import workers as workers

__all__ = [
    "accounts",
    "answers",
    "campaigns",
    "classifiers",
    "datasets",
    "flags",
    "hits",
    "invitations",
    "payments",
    "results",
    "workers",
]
