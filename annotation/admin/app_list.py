"""The admin's list of all models, made for whoever reads it.

Each page of the frame is given one that none of them shows, and to make it asks for every right on
every model and for some hundred addresses: a sixth of a page's time.
"""

from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject


def list_when_read(site: AdminSite) -> None:
    """Let the site's get_app_list wait until its list is read."""
    now = site.get_app_list

    def later(request: HttpRequest, app_label: str | None = None) -> Any:
        return SimpleLazyObject(lambda: now(request, app_label))

    site.get_app_list = later  # type: ignore[method-assign]
