"""No address that a link, a preview or a prefetch may open changes anything."""

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule

from annotation.api import schema_view
from models_inference.models import Classifier, InferenceJob
from tasks.models import Campaign
from tests.factories import make_campaign, make_dataset, make_workers, work_through

pytestmark = pytest.mark.django_db


@pytest.fixture
def job(monkeypatch) -> InferenceJob:
    dataset = make_dataset()
    ids = list(Classifier.objects.values_list("pk", flat=True))
    return InferenceJob.objects.create(
        dataset=dataset, classifiers=sorted(ids), queued_at=timezone.now()
    )


def test_a_classifiers_job_is_queued_again_by_a_post_alone(job, admin_client, monkeypatch):
    sent = []
    monkeypatch.setattr("annotation.admin.classifiers.send", sent.append)
    page = reverse("admin:models_inference_inferencejob_again", args=[job.pk])
    assert b"Predict what is missing" in admin_client.get(page).content
    assert not sent
    assert Client().post(page).status_code == 302  # to the login
    careful = Client(enforce_csrf_checks=True)
    careful.cookies = admin_client.cookies
    assert careful.post(page).status_code == 403
    assert not sent
    assert admin_client.post(page).status_code == 302
    assert sent == [job]
    for step in ("again", "cancel"):
        missing = reverse(f"admin:models_inference_inferencejob_{step}", args=[987654])
        assert admin_client.get(missing).status_code == 404


def everything() -> dict[str, list]:
    """All rows of all tables that the admin shows."""
    return {
        model._meta.label: list(model._base_manager.order_by("pk").values())
        for model in admin.site._registry
    }


def test_no_page_of_a_step_changes_anything_when_it_is_opened(job, admin_client, monkeypatch):
    campaign = make_campaign(job.dataset)
    work_through(campaign, make_workers(1))
    Campaign.objects.create(slug="draft", name="Draft", dataset=job.dataset, kind="contains")
    before = everything()
    opened = 0
    for model, model_admin in admin.site._registry.items():
        for step in [*(model_admin.actions_detail or ()), *(model_admin.actions_list or ())]:
            name = f"admin:{model._meta.app_label}_{model._meta.model_name}_{step}"
            rows = model._base_manager.order_by("-pk").values_list("pk", flat=True)[:2]
            for args in [[row] for row in rows] if step in model_admin.actions_detail else [[]]:
                admin_client.get(reverse(name, args=args))
                opened += 1
    assert opened > 15
    assert everything() == before


def test_the_schema_is_built_once_and_needs_no_login(monkeypatch):
    built = []
    monkeypatch.setattr(schema_view, "_documents", {})
    whole = schema_view.SchemaView.generator_class.get_schema

    def counted(self, *args, **kwargs):
        built.append(1)
        return whole(self, *args, **kwargs)

    monkeypatch.setattr(schema_view.SchemaView.generator_class, "get_schema", counted)
    for _ in range(3):
        for accept in ("application/json", "application/vnd.oai.openapi"):
            reply = Client().get("/api/schema/", headers={"accept": accept})
            assert reply.status_code == 200
            assert b"/api/campaigns/" in reply.content
    assert len(built) == 1


@pytest.mark.parametrize("row", ["", "[]", "%s", "\n", "2026-13-45", "000099", str(2**31 - 1)])
def test_an_action_on_what_can_be_no_row_is_refused_in_a_sentence(job, admin_client, row):
    page = reverse("admin:models_inference_classifier_changelist")
    form = {"action": "run", "select_across": "0", "index": "0", "_selected_action": row}
    reply = admin_client.post(page, form, follow=True)
    assert reply.status_code == 200
    assert "Select the rows again" in reply.content.decode()


@pytest.mark.parametrize("time", ["000004", "2026-13-45", "soon", ""])
def test_an_address_that_fills_in_no_time_opens_the_form(admin_client, time):
    page = reverse("admin:django_celery_beat_periodictask_add")
    assert admin_client.get(page, {"expires": time, "name": "x"}).status_code == 200
    reply = admin_client.get(page, {"expires": "2026-11-28 12:30"})
    assert "2026-11-28" in reply.content.decode()


def test_a_schedule_that_celery_cannot_read_is_refused_by_its_form(admin_client):
    page = reverse("admin:django_celery_beat_crontabschedule_add")
    form = dict.fromkeys(("hour", "day_of_month", "month_of_year", "day_of_week"), "*")
    form |= {"minute": "-", "timezone": "UTC"}
    inline = {"TOTAL": "0", "INITIAL": "0", "MIN_NUM": "0", "MAX_NUM": "0"}
    form |= {f"periodictask_set-{name}_FORMS": value for name, value in inline.items()}
    reply = admin_client.post(page, form)
    assert reply.status_code == 200
    assert not CrontabSchedule.objects.exists()
    admin_client.post(page, form | {"minute": "5"})
    assert CrontabSchedule.objects.get().minute == "5"
