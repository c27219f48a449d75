"""Who may do what: every route of the site, as each role, against one table."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.db import transaction
from django.template.response import SimpleTemplateResponse
from django.test import Client

from annotation.serving.bodies import IMPORT_PAGES
from imagesets.models import ImportJob
from models_inference.models import InferenceJob, Trial
from tasks.models import Campaign, Invitation
from tests.factories import make_user, make_workers
from tests.studies.answered_studies import make_two_studies
from tests.studies.routes import Route, routes

pytestmark = pytest.mark.django_db

VIEWER, REVIEWER, RESEARCHER, OWNER, NOBODY = range(1, 6)
LEVELS = {"": 0, "viewer": VIEWER, "reviewer": REVIEWER, "researcher": RESEARCHER, "owner": OWNER}

# Routes that ask for no right: the workers' pages, pictures, probes, documents, the login.
OPEN = {
    *("tasks:campaigns", "tasks:campaign", "tasks:thanks", "tasks:hit", "image-tile", "image-full"),
    *(
        "tasks:consent",
        "tasks:kept",
        "tasks:practice",
        "home",
        "healthz",
        "readyz",
        "RedirectView",
        "api-schema",
        "api-docs",
        "unknown_address",
        "tasks:session",
        "prolific-hook",  # signed by Prolific
    ),
    *("admin:login", "admin:logout", "account_login"),
    # Ways to the login: whoever holds a link, or whom a provider knows.
    *("admin_password_reset", "account_link", "account_single_sign_on", "account_callback"),
}
# Pages of the admin that whoever has a role enters: each shows what its reader may see.
ENTRANCE = {
    *("admin:index", "admin:search", "admin:autocomplete", "admin:jsi18n", "admin:app_list"),
    *("admin:password_change", "admin:password_change_done", "admin:view_on_site"),
    *("admin:RedirectView", "admin:catch_all_view"),
    # One's own second factor.
    *("account_logout", "account_reauthenticate", "mfa_index", "mfa_authenticate"),
    *("mfa_reauthenticate", "mfa_activate_totp", "mfa_deactivate_totp", "mfa_list_webauthn"),
    *("mfa_view_recovery_codes", "mfa_generate_recovery_codes", "mfa_download_recovery_codes"),
    *("mfa_add_webauthn", "mfa_edit_webauthn", "mfa_remove_webauthn"),
    *("mfa_reauthenticate_webauthn", "socialaccount_connections"),
}
# Route -> method -> who may. "row": of a campaign or dataset that they see (else 404); "any": who
# has that role anywhere; "site": who has it for the whole site.
API = {
    "api-campaigns": {"GET": ("any", VIEWER), "POST": ("site", RESEARCHER)},
    "api-campaign": {"GET": ("row", VIEWER), "PATCH": ("row", RESEARCHER)},
    "api-export": {"GET": ("row", VIEWER)},
    "api-invitations": {"GET": ("row", VIEWER), "POST": ("row", RESEARCHER)},
    "api-invitation": {"DELETE": ("row", RESEARCHER)},
    "api-cancel-job": {"POST": ("row", RESEARCHER)},
    "api-datasets": {"GET": ("any", VIEWER)},
    "api-withdraw": {"POST": ("row", RESEARCHER)},
    "api-bring-back": {"POST": ("row", OWNER)},
    "api-comparison": {"GET": ("any", VIEWER)},
    "api-classifiers": {"GET": ("row", VIEWER), "POST": ("row", RESEARCHER)},
    "api-predictions": {"GET": ("row", VIEWER), "POST": ("row", RESEARCHER)},
    **{
        f"api-{name}": {"GET": ("row", VIEWER)}
        for name in ("dataset", "labels", "lint", "candidates", "images", "jobs", "report")
    },
    **{
        f"api-{name}": {"POST": ("row", RESEARCHER)}
        for name in ("publish", "pause", "resume", "close", "sync", "aggregate", "responses")
    },
}
PAGES = {
    "import-dataset": {"GET": ("any", RESEARCHER), "POST": ("any", RESEARCHER)},
    "import-job": {"GET": ("row", VIEWER)},
    "import-again": {"POST": ("row", RESEARCHER)},
    "campaign-progress": {"GET": ("row", VIEWER)},
    "campaign-new": {"GET": ("any", RESEARCHER)},
    "campaign-audience": {"GET": ("row", RESEARCHER)},
    "campaign-step": {"GET": ("row", RESEARCHER), "POST": ("row", RESEARCHER)},
    "campaign-effect": {"POST": ("row", RESEARCHER)},
    "campaign-known": {"GET": ("row", RESEARCHER), "POST": ("row", RESEARCHER)},
    "campaign-known-table": {"POST": ("row", RESEARCHER)},
    "campaign-preview": {"GET": ("row", RESEARCHER), "POST": ("row", RESEARCHER)},
    "campaign-change": {"GET": ("row", RESEARCHER), "POST": ("row", RESEARCHER)},
    "campaign-change-effect": {"POST": ("row", RESEARCHER)},
    "campaign-review": {"GET": ("row", REVIEWER), "POST": ("row", REVIEWER)},
    "campaign-practice": {"GET": ("row", VIEWER)},
    "campaign-payments": {"GET": ("row", VIEWER), "POST": ("row", RESEARCHER)},
    "campaign-log": {"GET": ("row", VIEWER)},
    "worker": {"GET": ("row", VIEWER)},
    "worker-aside": {"GET": ("row", VIEWER), "POST": ("row", REVIEWER)},
    "campaign-make-invitations": {"POST": ("row", RESEARCHER)},
    "campaign-revoke-invitation": {"POST": ("row", RESEARCHER)},
    "people": {"GET": ("any", OWNER)},
    "campaign-people": {"GET": ("row", OWNER)},
    "tokens": {"GET": ("any", VIEWER), "POST": ("any", VIEWER)},
    "dataset": {"GET": ("row", VIEWER)},
    "classifiers": {"GET": ("row", VIEWER)},
    "classifiers-add": {"POST": ("row", RESEARCHER)},
    "classifiers-file": {"POST": ("row", RESEARCHER)},
    "explorer-expert": {"GET": ("row", REVIEWER), "POST": ("row", REVIEWER)},
    "explorer-withdraw": {"GET": ("row", RESEARCHER), "POST": ("row", RESEARCHER)},
    "explorer-withdrawn-picture": {"GET": ("row", OWNER)},
    "classifiers-job": {"GET": ("row", VIEWER)},
    "classifiers-trial": {"GET": ("row", RESEARCHER)},
    "classifiers-trial-save": {"POST": ("row", RESEARCHER)},
    "classifiers-trial-drop": {"POST": ("row", RESEARCHER)},
    "reports": {"GET": ("any", VIEWER)},
    "compare": {"GET": ("any", VIEWER)},
    "compare-chart": {"GET": ("any", VIEWER)},
    "explorer": {"GET": ("any", VIEWER)},
    **{
        f"explorer-{name}": {"GET": ("row", VIEWER)}
        for name in ("images", "image", "table", "keys")
    },
    "explorer-again": {"GET": ("row", RESEARCHER)},
    "report": {"GET": ("row", VIEWER)},
    "report-chart": {"GET": ("row", VIEWER)},
    "explorer-labels": {"GET": ("row", VIEWER)},
    "explorer-label": {"GET": ("row", VIEWER)},
    "explorer-pairs": {"GET": ("row", VIEWER)},
}
# The admin: who sees a model's rows, and who adds, changes or deletes one.
OWNERS = {"auth.user": ("site", OWNER, OWNER, NOBODY)}
OWNERS |= {"annotation.grant": ("any", OWNER, OWNER, OWNER)}
OWNERS |= {"annotation.rightschange": ("any", NOBODY, NOBODY, NOBODY)}
OWNERS |= {"annotation.loginpolicy": ("site", NOBODY, OWNER, NOBODY)}
OWNERS |= {"mfa.authenticator": ("site", NOBODY, NOBODY, OWNER)}
OWNERS |= {
    f"django_celery_beat.{name}": ("site", OWNER, OWNER, OWNER)
    for name in (
        *("periodictask", "intervalschedule", "solarschedule", "crontabschedule"),
        "clockedschedule",
    )
}
STUDY = {
    "imagesets.dataset": ("any", NOBODY, RESEARCHER, NOBODY),
    "imagesets.label": ("any", NOBODY, RESEARCHER, NOBODY),
    "models_inference.classifier": ("any", RESEARCHER, RESEARCHER, NOBODY),
    # Published: nobody changes it any more.
    "tasks.campaign": ("site", RESEARCHER, NOBODY, NOBODY),
    "annotation.token": ("any", NOBODY, NOBODY, VIEWER),
    **dict.fromkeys(
        (
            *("imagesets.image", "models_inference.prediction", "models_inference.inferencejob"),
            *("models_inference.skippedimage", "tasks.assignment", "tasks.campaignimage"),
            *("tasks.pair", "tasks.transition", "tasks.hit", "tasks.payment", "tasks.knownanswer"),
            *("tasks.run", "tasks.pairresult", "tasks.imageresult", "tasks.workerresult"),
            *("tasks.worker", "tasks.stop", "tasks.invitation", "tasks.picturereport"),
            "tasks.session",
        ),
        ("any", NOBODY, NOBODY, NOBODY),
    ),
}
STEPS = {
    **{
        f"admin:tasks_campaign_{step}": ("row", RESEARCHER)
        for step in (
            *("publish", "invite", "pause", "resume", "missing", "sync", "aggregate", "close"),
            "difference",
        )
    },
    "admin:tasks_invitation_revoke": ("row", RESEARCHER),
    **{
        f"admin:tasks_assignment_{step}": ("row", REVIEWER)
        for step in ("accept", "reject", "overturn")
    },
    "admin:tasks_assignment_bonus": ("row", NOBODY),  # needs the permission spend besides
    "admin:tasks_worker_set_aside": ("row", REVIEWER),
    "admin:tasks_picturereport_resolve": ("row", REVIEWER),
    "admin:models_inference_inferencejob_again": ("row", RESEARCHER),
    "admin:models_inference_inferencejob_cancel": ("row", RESEARCHER),
    "admin:imagesets_dataset_explore": ("row", VIEWER),
    "admin:imagesets_dataset_bring_in": ("any", RESEARCHER),
    "admin:auth_user_password_change": ("row of owners", OWNER),
}


def of_the_admin() -> dict[str, dict[str, tuple[str, int]]]:
    """The admin's routes, in the words of the tables above."""
    table = {name: {"GET": rule, "POST": rule} for name, rule in STEPS.items()}
    for models, sees in ((STUDY, VIEWER), (OWNERS, OWNER)):
        for model, (where, add, change, delete) in models.items():
            page = f"admin:{model.replace('.', '_')}"
            row = "row" if models is STUDY else "row of owners"
            row = "row of oneself" if model == "annotation.token" else row
            table[f"{page}_changelist"] = {"GET": (where if sees == OWNER else "any", sees)}
            table[f"{page}_add"] = {"GET": (where, add), "POST": (where, add)}
            table[f"{page}_change"] = {"GET": (row, sees), "POST": (row, change)}
            table[f"{page}_history"] = {"GET": (row, sees)}
            table[f"{page}_delete"] = {"GET": (row, delete), "POST": (row, delete)}
    return table


def of_flags() -> dict[str, dict[str, tuple[str, int]]]:
    """Evidence about workers: for those who review."""
    row, nobody = ("row of reviewers", REVIEWER), ("row of reviewers", NOBODY)
    page = "admin:tasks_flag"
    return {
        f"{page}_changelist": {"GET": ("any", REVIEWER)},
        f"{page}_add": {"GET": ("any", NOBODY), "POST": ("any", NOBODY)},
        f"{page}_change": {"GET": row, "POST": nobody},
        f"{page}_history": {"GET": row},
        f"{page}_delete": {"GET": nobody, "POST": nobody},
    }


TABLE = of_flags() | API | PAGES | of_the_admin()


@pytest.fixture(scope="module")
def made(module_db) -> Campaign:
    study = make_two_studies()
    Trial.objects.create(dataset=study.dataset, name="tried", architecture="resnet18")
    return study


@pytest.fixture
def study(made) -> Campaign:
    return Campaign.objects.get(pk=made.pk)


@pytest.fixture
def quick(monkeypatch) -> None:
    """Pages are not rendered: their status is known before."""

    def render(response: SimpleTemplateResponse) -> SimpleTemplateResponse:
        response.content = b""
        return response

    monkeypatch.setattr(SimpleTemplateResponse, "render", render)
    monkeypatch.setattr("annotation.serving.error_pages.render_to_string", lambda *of: "")


def requests_of(route: Route, study: Campaign) -> Iterator[tuple[str, str, tuple[str, int]]]:
    """(method, address, who may) of a route of the table."""
    parts: dict[str, Any] = {"table": "workers", "extension": "csv", "step": "asked"}
    about_campaign = "campaign" in route.pattern
    if "public_id" in route.pattern:
        parts["public_id"] = study.dataset.images.all()[0].public_id
    parts["slug"] = study.slug if about_campaign else study.dataset.slug
    parts |= {"key": "n00000000", "pseudonym": make_workers(2)[1].pseudonym}
    if route.name.startswith("admin:") and "{" in route.pattern:
        app, model = route.pattern.split("/")[2:4]
        row = next(m for m in admin.site._registry if m._meta.label_lower == f"{app}.{model}")
        parts["object_id"] = parts["id"] = row_of_study(row, study).pk
    elif "job_id" in route.pattern:
        parts["job_id"] = ImportJob.objects.get().pk
    elif about_campaign:
        parts["pk"] = Invitation.objects.get(campaign=study).pk
    else:
        parts["job"] = parts["pk"] = InferenceJob.objects.get().pk
        if "trials" in route.pattern:
            parts["pk"] = Trial.objects.get().pk
    for method, rule in TABLE[route.name].items():
        yield method, route.address(**parts), rule


def row_of_study(model: Any, study: Campaign) -> Any:
    """A row of the model that belongs to the study and not to the campaign elsewhere."""
    if model is Campaign:
        return study
    if model._meta.model_name == "user":
        return make_user("keeper")
    return model._default_manager.order_by("pk").first()


def expected(rule: tuple[str, int], level: int, elsewhere: bool = False) -> str:
    """What the table says of a person with a role of this level, for the site or elsewhere."""
    where, needed = rule
    if where == "row" and (elsewhere or not level):
        return "404"
    if where == "row of owners" and (level < OWNER or elsewhere):
        return "404"
    if where == "row of reviewers" and (level < REVIEWER or elsewhere):
        return "404"
    if where == "row of oneself" and (level < OWNER or elsewhere):
        return "404"  # the row is the keeper's
    return "yes" if level >= needed and not (where == "site" and elsewhere) else "403"


def told(client: Client, method: str, address: str) -> str:
    """What the site says, in the words of `expected`; whatever it does is rolled back."""
    json = {"content_type": "application/json"} if address.startswith("/api/") else {}
    body = {"nonsense": 1} if method != "GET" else {}
    with transaction.atomic():
        answer = (
            client.generic(method, address)
            if method == "GET"
            else getattr(client, method.lower())(address, body, **json)
        )
        transaction.set_rollback(True)
    if answer.status_code == 302 and "/login/" in answer["Location"]:
        return "login"
    assert answer.status_code < 500, (method, address)
    return str(answer.status_code) if answer.status_code in (401, 403, 404) else "yes"


def logged_in(name: str, role: str, campaign: Campaign | None = None) -> Client:
    client = Client()
    client.force_login(make_user(name, role, campaign))
    return client


def test_every_route_is_in_the_table():
    """A new route needs a line: who may?"""
    names = {route.name for route in routes()}
    assert names == OPEN | ENTRANCE | set(TABLE)


@pytest.mark.parametrize(
    "who", ["nobody", "", "viewer", "reviewer", "researcher", "owner", "elsewhere"]
)
def test_every_route_asks_for_its_right(study, quick, who):
    elsewhere = Campaign.objects.get(slug="elsewhere") if who == "elsewhere" else None
    role = "owner" if elsewhere else who
    client = Client() if who == "nobody" else logged_in("somebody", role, elsewhere)
    wrong = []
    for route in routes():
        if route.name in OPEN | ENTRANCE:
            continue
        for method, address, rule in requests_of(route, study):
            should = expected(rule, LEVELS.get(role, 0), bool(elsewhere))
            if who == "nobody":
                should = "401" if address.startswith("/api/") else "login"
            elif not role and route.name.startswith("admin:"):
                should = "login"
            takes_files = method == "POST" and route.name in IMPORT_PAGES
            if takes_files and (should == "login" or not role):
                should = "403"  # before anything of the files is read
            said = told(client, method, address)
            if said != should:
                wrong.append((method, address, should, said))
    assert wrong == []
