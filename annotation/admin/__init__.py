"""The admin site, in the order of the work: datasets, classifiers, campaigns, workers, results.

Everybody with a role enters it, and sees of it what the role shows.
"""

from django.contrib import admin

from annotation.admin import accounts, answers, campaigns, classifiers, datasets, hits
from annotation.admin import flags as flags
from annotation.admin import invitations as invitations
from annotation.admin import payments as payments
from annotation.admin import reported_pictures as reported_pictures
from annotation.admin import results as results
from annotation.admin import schedule as schedule
from annotation.admin import sessions as sessions
from annotation.admin import workers as workers
from annotation.admin.app_list import list_when_read
from annotation.admin.login import LoginForm, may_enter

admin.site.has_permission = may_enter  # type: ignore[method-assign]
admin.site.login_form = LoginForm
list_when_read(admin.site)

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
    "reported_pictures",
    "results",
    "schedule",
    "sessions",
    "workers",
]
