"""The login page: Django's, then allauth's question for a second factor where one is set up."""

from typing import Any

from allauth.account.internal.flows.login import perform_password_login
from allauth.account.models import Login
from django.contrib import admin
from django.contrib.auth import views
from django.contrib.auth.forms import AuthenticationForm
from django.core.validators import MaxLengthValidator
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect

from annotation.accounts.single_sign_on import provider_name


class LoginView(views.LoginView):
    """Name and password; whoever has a second factor is asked for it before they are logged in."""

    template_name = "accounts/login.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method == "GET" and admin.site.has_permission(request):
            return HttpResponseRedirect(self.get_success_url())
        return super().dispatch(request, *args, **kwargs)

    def get_form_class(self) -> type[AuthenticationForm]:
        return admin.site.login_form or AuthenticationForm

    def get_form(self, form_class: type[AuthenticationForm] | None = None) -> AuthenticationForm:
        """No name is longer than a user's: the counter of wrong passwords could not keep it."""
        form = super().get_form(form_class)
        name: Any = form.fields["username"]
        name.validators.append(MaxLengthValidator(name.max_length))
        return form

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        frame = admin.site.each_context(self.request)
        page = {
            "title": "Log in",
            "app_path": self.request.get_full_path(),
            "single_sign_on": provider_name(),
        }
        return super().get_context_data(**frame, **page, **kwargs)

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        login = Login(user=form.get_user(), redirect_url=self.get_success_url())
        return perform_password_login(self.request, {}, login)
