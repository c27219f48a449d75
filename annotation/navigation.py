"""The admin's name, colours and navigation, in the order of the work."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy


def _may_view(model: str) -> Callable[[HttpRequest], bool]:
    """A test whether a user may see a model (app.model)."""
    app, name = model.split(".")
    return lambda request: request.user.has_perm(f"{app}.view_{name}")


def _group(title: str, *items: tuple[str, ...]) -> dict[str, Any]:
    """A group of links (title, app.model, icon, page), shown to those who may see the model.

    Each leads to the page of that name, or without one to the model's list.
    """
    return {
        "title": title,
        "separator": True,
        "items": [
            {
                "title": name,
                "icon": icon,
                "link": reverse_lazy(
                    page[0] if page else f"admin:{model.replace('.', '_')}_changelist"
                ),
                "permission": _may_view(model),
            }
            for name, model, icon, *page in items
        ],
    }


def _own_account(request: HttpRequest) -> list[dict[str, Any]]:
    """The menu of one's own account."""
    pages = [("Second factor", "mfa_index"), ("API tokens", "tokens")]
    if request.user.is_authenticated and request.user.has_usable_password():
        pages.insert(0, ("Change password", "admin:password_change"))
    if settings.OIDC_ISSUER:
        pages.append((f"Log in with {settings.OIDC_NAME}", "socialaccount_connections"))
    return [{"title": title, "link": reverse_lazy(page)} for title, page in pages]


UNFOLD = {
    "SITE_TITLE": "Second Look",
    "SITE_HEADER": "Second Look",
    "SITE_SYMBOL": "visibility",
    "SHOW_VIEW_ON_SITE": False,
    "STYLES": [lambda request: static("css/frame.css")],
    "DASHBOARD_CALLBACK": "annotation.dashboards.home.add_home",
    "ACCOUNT": {"navigation": _own_account},
    "COLORS": {
        # The accent colour of the workers' pages, in unfold's shades.
        "primary": {
            "50": "#eff6ff",
            "100": "#dbeafe",
            "200": "#bfdbfe",
            "300": "#93c5fd",
            "400": "#60a5fa",
            "500": "#5c8bf0",
            "600": "#1a56db",
            "700": "#1e40af",
            "800": "#1e3a8a",
            "900": "#1c3273",
            "950": "#172554",
        }
    },
    "SIDEBAR": {
        "show_search": False,
        "show_all_applications": False,
        "navigation": [
            {"items": [{"title": "Home", "icon": "home", "link": reverse_lazy("admin:index")}]},
            _group(
                "Datasets",
                ("Datasets", "imagesets.dataset", "dataset"),
                ("Explorer", "imagesets.image", "photo_library", "explorer"),
                ("Labels", "imagesets.label", "label"),
                ("Images", "imagesets.image", "image"),
            ),
            _group(
                "Classifiers",
                ("Classifiers", "models_inference.classifier", "category"),
                ("Predictions", "models_inference.prediction", "lists"),
                ("Jobs", "models_inference.inferencejob", "hourglass_top"),
                ("Skipped images", "models_inference.skippedimage", "broken_image"),
            ),
            _group(
                "Campaigns",
                ("Campaigns", "tasks.campaign", "campaign"),
                ("Invitations", "tasks.invitation", "mail"),
                ("HITs", "tasks.hit", "grid_view"),
                ("Assignments", "tasks.assignment", "assignment_turned_in"),
                ("Reported pictures", "tasks.picturereport", "report"),
                ("Payments", "tasks.payment", "payments"),
                ("Known answers", "tasks.knownanswer", "verified"),
                ("Log", "tasks.transition", "history"),
            ),
            _group(
                "Workers",
                ("Workers", "tasks.worker", "group"),
                ("Set aside", "tasks.stop", "person_off"),
                ("Flags", "tasks.flag", "flag"),
            ),
            _group(
                "Reports",
                ("Reports", "imagesets.dataset", "lab_profile", "reports"),
                ("Runs", "tasks.run", "functions"),
                ("Selection frequencies", "tasks.pairresult", "percent"),
                ("Annotations", "tasks.imageresult", "center_focus_strong"),
                ("Workers' results", "tasks.workerresult", "leaderboard"),
            ),
            _group(
                "Settings",
                ("People and roles", "annotation.grant", "group", "people"),
                ("Accounts", "auth.user", "person"),
                ("Changes of rights", "annotation.rightschange", "history"),
                ("API tokens", "annotation.token", "key", "tokens"),
                ("API", "annotation.token", "api", "api-docs"),
                ("Login policy", "annotation.loginpolicy", "lock_person"),
                ("Second factors", "mfa.authenticator", "phonelink_lock"),
                ("Schedule", "django_celery_beat.periodictask", "schedule"),
            ),
        ],
    },
}
