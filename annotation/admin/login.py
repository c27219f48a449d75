"""Who enters the admin: whoever has a role on anything."""

from typing import Any

from django.contrib.auth.forms import AuthenticationForm as DjangoAuthenticationForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from unfold.forms import AuthenticationForm

from annotation.rights import VIEW, may_somewhere


def may_enter(request: HttpRequest) -> bool:
    """Whether the user sees anything."""
    return may_somewhere(request.user, VIEW)


class LoginForm(AuthenticationForm):
    """Asks for a role where Django's form asks for is_staff."""

    def confirm_login_allowed(self, user: Any) -> None:
        DjangoAuthenticationForm.confirm_login_allowed(self, user)
        if not may_somewhere(user, VIEW):
            raise ValidationError("This account has no role yet: ask an owner of the site for one.")
