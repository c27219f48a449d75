"""The queue's schedule, in the look of the other pages."""

from typing import Any

from celery.schedules import ParseException, crontab
from django import forms
from django.contrib import admin
from django_celery_beat.admin import ClockedScheduleAdmin as BeatClockedAdmin
from django_celery_beat.admin import CrontabScheduleAdmin as BeatCrontabAdmin
from django_celery_beat.admin import PeriodicTaskAdmin as BeatTaskAdmin
from django_celery_beat.admin import PeriodicTaskForm
from django_celery_beat.admin import ScheduleAdmin as BeatScheduleAdmin
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from annotation.admin.guarded import Guarded
from annotation.rights import OWN

CRONTAB = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")

for model in (ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule):
    admin.site.unregister(model)


class OfOwners(Guarded):
    """A setting of the whole site."""

    sees = OWN


class TaskForm(PeriodicTaskForm):
    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["task"].widget = UnfoldAdminTextInputWidget()
        choices = self.fields["regtask"].choices
        self.fields["regtask"].widget = UnfoldAdminSelectWidget(choices=choices)


@admin.register(PeriodicTask)
class PeriodicTaskAdmin(BeatTaskAdmin, OfOwners):
    form = TaskForm
    date_hierarchy = None


@admin.register(IntervalSchedule, SolarSchedule)
class ScheduleAdmin(BeatScheduleAdmin, OfOwners):
    pass


class CrontabForm(forms.ModelForm):
    """Refuses what Celery could not read later, when beat loads the schedule."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors:
            try:
                crontab(**{name: cleaned[name] for name in CRONTAB})
            except (ParseException, ValueError) as error:
                raise forms.ValidationError(f"Celery cannot read this schedule: {error}.") from None
        return cleaned


@admin.register(CrontabSchedule)
class CrontabScheduleAdmin(BeatCrontabAdmin, OfOwners):
    form = CrontabForm

    def human_readable(self, schedule: CrontabSchedule) -> str:
        """Nothing for one that Celery cannot read: a refused form shows it again."""
        try:
            return str(schedule.human_readable)
        except (ParseException, ValueError):
            return ""


@admin.register(ClockedSchedule)
class ClockedScheduleAdmin(BeatClockedAdmin, OfOwners):
    pass
