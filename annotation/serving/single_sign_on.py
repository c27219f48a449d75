"""The provider of single sign-on as allauth's settings name it."""

import hashlib
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from annotation.serving.variables import Environment


def provider_of(env: Environment) -> str:
    """Its name in the database: another issuer's people are others, whatever their ids are."""
    return f"oidc-{hashlib.sha256(env['OIDC_ISSUER'].encode()).hexdigest()[:16]}"


def providers(env: Environment) -> dict[str, Any]:
    """allauth's SOCIALACCOUNT_PROVIDERS; none where OIDC_ISSUER is not given."""
    if not env["OIDC_ISSUER"]:
        return {}
    if not env["OIDC_CLIENT_ID"]:
        raise ImproperlyConfigured(
            "OIDC_CLIENT_ID is not set: OIDC_ISSUER names a provider, which gave you one."
        )
    app = {
        "provider_id": provider_of(env),
        "name": env["OIDC_NAME"],
        "client_id": env["OIDC_CLIENT_ID"],
        "secret": env["OIDC_CLIENT_SECRET"],
        "settings": {"server_url": env["OIDC_ISSUER"], "oauth_pkce_enabled": True},
    }
    return {"openid_connect": {"APPS": [app]}}
