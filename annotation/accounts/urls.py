"""The login page, the ways around it, and the pages of the second factor.

No other page of allauth has an address.
"""

from allauth.account.views import logout, reauthenticate
from allauth.socialaccount.views import connections
from django.urls import include, path
from django.views.decorators.http import require_POST

from annotation.accounts import forgotten, single_sign_on
from annotation.accounts.link_page import account_link
from annotation.accounts.login import LoginView

urlpatterns = [
    path("admin/login/", LoginView.as_view(), name="account_login"),
    # unfold's login page links to this name.
    path("admin/forgotten/", forgotten.forgotten, name="admin_password_reset"),
    path("admin/link/<str:secret>/", account_link, name="account_link"),
    path("admin/single-sign-on/", single_sign_on.begin, name="account_single_sign_on"),
    path("admin/single-sign-on/back/", single_sign_on.callback, name="account_callback"),
    path("admin/single-sign-on/mine/", connections, name="socialaccount_connections"),
    path("admin/second-factor/cancel/", require_POST(logout), name="account_logout"),
    path("admin/second-factor/password/", reauthenticate, name="account_reauthenticate"),
    path("admin/second-factor/", include("allauth.mfa.urls")),
    path("", include("annotation.accounts.tokens")),
    path("", include("annotation.accounts.people")),
]
