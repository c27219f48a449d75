"""Answered studies: one of two campaigns, and one with a row in every table beside another."""

from allauth.mfa.models import Authenticator
from django.utils import timezone
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)

from annotation.models import LoginPolicy, RightsChange
from imagesets.models import Dataset, Image, ImportJob
from models_inference.models import InferenceJob, SkippedImage
from tasks.campaigns.publish import close
from tasks.crowds.local.invitations import make
from tasks.models import Campaign, Flag, KnownAnswer, PictureReport, Session
from tasks.results import aggregate
from tasks.work.stops import set_aside
from tests.factories import (
    client_of,
    make_campaign,
    make_dataset,
    make_user,
    make_workers,
    random_answers,
    work_through,
)


def make_two_studies() -> Campaign:
    """The campaign `form`, a follow-up of `grid` on dataset `small`; beside them `elsewhere`.

    Each table of the admin has a row of the first. Some workers worked elsewhere too.
    """
    dataset, workers = make_dataset(6, 4), make_workers(3)
    contains, form = make_answered_study(dataset)
    set_aside(form, workers[1], "careless", "a test")
    aggregate(form)
    close(form, "a test")
    job = {"queued_at": contains.created_at, "finished_at": contains.created_at}
    InferenceJob.objects.create(dataset=dataset, classifiers=[1], **job)
    SkippedImage.objects.create(image=Image.objects.all()[0], reason="broken")
    ImportJob.objects.create(slug=dataset.slug, images="s3://b/p", created_by="keeper")
    image, label = dataset.images.all()[0], dataset.labels.all()[0]
    KnownAnswer.objects.create(dataset=dataset, image=image, label=label, present=True)
    every = IntervalSchedule.objects.create(every=1, period="days")
    PeriodicTask.objects.create(name="nothing", task="none", interval=every, enabled=False)
    CrontabSchedule.objects.create()
    LoginPolicy.objects.get_or_create()
    SolarSchedule.objects.create(event="sunset", latitude=1, longitude=1)
    ClockedSchedule.objects.create(clocked_time=timezone.now())
    client_of("keeper", "viewer", campaign=form)
    Authenticator.objects.create(user=make_user("keeper"), type="totp", data={"secret": "x"})
    RightsChange.objects.create(who="a test", whom="keeper", what="...", campaign=form)
    for_a_session = {"hits": 1, "planned_seconds": 60, "reward": "0.25", "outcome": "left"}
    times = {"kept_until": timezone.now(), "ended_at": timezone.now()}
    Session.objects.create(campaign=form, worker=workers[1], **for_a_session, **times)
    elsewhere = make_campaign(make_dataset(4, 2, slug="otherset"), slug="elsewhere")
    work_through(elsewhere, workers[1:], random_answers())
    set_aside(elsewhere, workers[1], "a secret reason", "a test")
    aggregate(elsewhere)
    for campaign in (form, elsewhere):  # aggregation took the first one away
        Flag.objects.create(campaign=campaign, worker=workers[1], kind="fast", evidence="...")
    return form


def make_answered_study(dataset: Dataset) -> tuple[Campaign, Campaign]:
    """The closed CONTAINS campaign `grid`, and `form`, its open follow-up, with results of both.

    One of three workers is set aside, another is flagged and has reported a picture, and somebody
    is invited.
    """
    contains = make_campaign(dataset, slug="grid")
    workers = make_workers(3)
    work_through(contains, workers[:2], random_answers())
    set_aside(contains, workers[0], "careless", "a test")
    work_through(contains, workers[2:], random_answers())
    aggregate(contains)
    close(contains, "a test")
    form = make_campaign(dataset, "classify", slug="form", source=contains, follow_up="all")
    make(form, "a test")
    work_through(form, workers[1:2], random_answers())
    aggregate(form)
    Flag.objects.create(campaign=form, worker=workers[1], kind="fast", evidence="Took 0.1 s.")
    PictureReport.objects.create(campaign=form, worker=workers[1], image=dataset.images.all()[0])
    return contains, form
