"""Answers Django's `user.has_perm` from roles, so that the admin's own checks follow them."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest

from annotation.rights.rules import OWN, RESEARCH, REVIEW, VIEW, Right, may, may_somewhere

STUDY = ("imagesets", "models_inference", "tasks")  # apps whose rows a viewer sees
CHANGES = {
    "imagesets.add_dataset": RESEARCH,
    "imagesets.change_dataset": RESEARCH,
    "imagesets.change_label": RESEARCH,
    "models_inference.add_classifier": RESEARCH,
    "models_inference.change_classifier": RESEARCH,
    "tasks.add_campaign": RESEARCH,
    "tasks.change_campaign": RESEARCH,
    "tasks.delete_campaign": RESEARCH,
    "tasks.change_assignment": REVIEW,
    "tasks.add_stop": REVIEW,
    "tasks.view_flag": REVIEW,
    "tasks.resolve_picturereport": REVIEW,
    **{f"annotation.{action}_grant": OWN for action in ("view", "add", "change", "delete")},
    **{f"auth.{action}_user": OWN for action in ("view", "add", "change")},
    **{f"mfa.{action}_authenticator": OWN for action in ("view", "delete")},
    **{f"annotation.{action}_loginpolicy": OWN for action in ("view", "change")},
    "annotation.view_rightschange": OWN,
    "annotation.view_token": VIEW,
}
OWNERS = "django_celery_beat"  # an app of the whole site's settings
# For these no role for one campaign suffices.
OF_THE_SITE = (
    "annotation.view_loginpolicy",
    "annotation.change_loginpolicy",
    "imagesets.add_dataset",
    "tasks.add_campaign",
    "auth.",
    "mfa.",
    f"{OWNERS}.",
)


def right_of(permission: str) -> Right | None:
    """The right that Django's permission ("app.action_model") stands for; None: nobody has it."""
    app, _, action = permission.partition(".")
    if app in STUDY and action.startswith("view_") and permission not in CHANGES:
        return VIEW
    return OWN if app == OWNERS else CHANGES.get(permission)


class Rights:
    """An authentication backend that logs nobody in; what it denies no later backend allows."""

    def authenticate(self, request: HttpRequest) -> None:
        return None

    def has_perm(self, user: Any, permission: str, obj: Model | None = None) -> bool:
        """Whether the user has the right on `obj`; without one, on anything of its kind."""
        right = right_of(permission)
        if right is None:
            raise PermissionDenied
        if obj is not None or permission.startswith(OF_THE_SITE):
            has = may(user, right, obj)
        else:
            has = may_somewhere(user, right)
        if not has:
            raise PermissionDenied
        return True

    def has_module_perms(self, user: Any, app: str) -> bool:
        """Whether the admin shows the app at all; it asks for each of its models besides."""
        if not may_somewhere(user, VIEW):
            raise PermissionDenied
        return True
