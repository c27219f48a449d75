"""How researchers' pages ask for rights: a decorator."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import Model
from django.http import HttpRequest, HttpResponse

from annotation.rights.rules import Right, row_for


def needs(right: Right, model: type[Model]) -> Callable[[Callable], Callable]:
    """A page about one row of `model`, whose slug its address has; the view gets the row instead.

    Leads to the login page, or answers 404 to those who may not see the row, and 403 to those who
    lack the right.
    """

    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @login_required
        @wraps(view)
        def guarded(request: HttpRequest, slug: str, **rest: Any) -> HttpResponse:
            row = row_for(request.user, right, model._default_manager.all(), slug=slug)
            return view(request, row, **rest)

        return guarded

    return decorate
