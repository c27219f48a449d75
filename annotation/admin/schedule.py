"""The queue's schedule, in the look of the other pages."""

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


@admin.register(CrontabSchedule)
class CrontabScheduleAdmin(BeatCrontabAdmin, OfOwners):
    pass


@admin.register(ClockedSchedule)
class ClockedScheduleAdmin(BeatClockedAdmin, OfOwners):
    pass
