"""The login page and the pages of the second factor; no other page of allauth has an address."""

from allauth.account.views import logout, reauthenticate
from django.urls import include, path
from django.views.decorators.http import require_POST

from annotation.accounts.login import LoginView

urlpatterns = [
    path("admin/login/", LoginView.as_view(), name="account_login"),
    path("admin/second-factor/cancel/", require_POST(logout), name="account_logout"),
    path("admin/second-factor/password/", reauthenticate, name="account_reauthenticate"),
    path("admin/second-factor/", include("allauth.mfa.urls")),
]
