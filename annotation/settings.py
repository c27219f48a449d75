"""All settings, read from the environment (12-factor); a site on one machine needs none of them."""

import os
import tomllib
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from celery.schedules import crontab
from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse_lazy

from annotation.navigation import UNFOLD  # noqa: F401
from annotation.serving.bodies import DOCUMENT
from annotation.serving.embedded import database_url, redis_url
from annotation.serving.picture_origins import picture_origins, region_of
from annotation.serving.production import is_embedded, production_troubles
from annotation.serving.proxies import parsed
from annotation.serving.secret_key import kept_keys
from annotation.serving.server_addresses import broker, database
from annotation.serving.single_sign_on import provider_of, providers
from annotation.serving.variables import Environment

BASE_DIR = Path(__file__).resolve().parent.parent
VERSION: str = tomllib.loads((BASE_DIR / "pyproject.toml").read_text())["project"]["version"]
env = Environment(os.environ)


def origin(address: str) -> str:
    """An address without its path."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def host(address: str) -> str:
    """An address's host alone, as ALLOWED_HOSTS names it."""
    name = urlsplit(address).hostname or ""
    return f"[{name}]" if ":" in name else name


PRODUCTION = not env["DEBUG"]
# Django's own pages for developers show settings and code to whoever comes, and behind a proxy
# everybody seems to come from this machine: errors stand in the log alone.
DEBUG = False
if PRODUCTION and (troubles := production_troubles(os.environ)):
    raise ImproperlyConfigured(f"DEBUG=0 refuses to start: {'; '.join(troubles)}.")
if below := os.environ.get("SCRIPT_NAME", "").strip("/"):
    raise ImproperlyConfigured(
        f"SCRIPT_NAME is /{below}: the site needs a host name of its own, not a path below another"
        " site's."
    )
PUBLIC_URL: str = env["PUBLIC_URL"]
HTTPS = PUBLIC_URL.startswith("https://")
ALLOWED_HOSTS = [
    *env["ALLOWED_HOSTS"],
    *([host(PUBLIC_URL)] if PUBLIC_URL else []),
    # This machine's own names: commands and health checks use them.
    *["localhost", "127.0.0.1", "[::1]"],
]
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL] if PUBLIC_URL else []
# The proxies that may say who a visitor is and how they came; nobody else may.
TRUSTED_PROXIES = parsed(env["TRUSTED_PROXIES"])
REDIRECT_TO_HTTPS = HTTPS

DATA_DIR: Path = (env["DATA_DIR"] or BASE_DIR / "var").resolve()

# No SECRET_KEY_FALLBACKS: an earlier key was published, so Django must believe nothing signed
# with it. Only a worker's cookie is (tasks.crowds.local.identity): its name cannot be guessed.
_given_key = env["SECRET_KEY"]
SECRET_KEY, *EARLIER_SECRET_KEYS = [_given_key] if _given_key else kept_keys(DATA_DIR)
# Ids on pages and at marketplaces follow from the key under which they were first made.
IDS_KEY = [SECRET_KEY, *EARLIER_SECRET_KEYS][-1]

WEB_CONCURRENCY: int = env["WEB_CONCURRENCY"]
WEB_THREADS: int = env["WEB_THREADS"]
# gunicorn reads it too, before its configuration, and fails at an empty one.
os.environ["WEB_CONCURRENCY"] = str(WEB_CONCURRENCY)

# The bucket for copies of images and workers' pictures; AWS_S3_CUSTOM_DOMAIN: a public host for it.
os.environ.update(env.for_boto3())
AWS_STORAGE_BUCKET_NAME = env["AWS_STORAGE_BUCKET_NAME"]
AWS_S3_CUSTOM_DOMAIN = env["AWS_S3_CUSTOM_DOMAIN"]
AWS_S3_REGION_NAME = region_of(os.environ)
PICTURE_ORIGINS = picture_origins(os.environ)
KEEP_LOGITS: bool = env["KEEP_LOGITS"]
LOGITS_IN_BUCKET = bool(AWS_STORAGE_BUCKET_NAME) and env["LOGITS_IN_BUCKET"]
EMBEDDED_DATABASE = "DATABASE_URL" not in env
EMBEDDED_SERVERS = is_embedded(os.environ)

DATABASES = {"default": env["DATABASE_URL"] or database(database_url(DATA_DIR))}
DATABASES["default"]["CONN_MAX_AGE"] = 60
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
REDIS_URL: str = env["REDIS_URL"] or redis_url(DATA_DIR)
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "cache",
    }
}

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "knox",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "axes",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "django_celery_beat",
    "imagesets",
    "models_inference",
    "tasks",
    "tasks.crowds.mturk",
    "tasks.crowds.prolific",
    "annotation",
]

MIDDLEWARE = [
    "annotation.serving.proxies.TrustedProxies",
    "annotation.serving.bodies.BodyLimits",
    "annotation.api.errors.JSONErrors",
    "django.middleware.security.SecurityMiddleware",
    "annotation.serving.compression.CompressedStatic",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "annotation.accounts.second_factor.SecondFactorRequired",
    "axes.middleware.AxesMiddleware",
]

# Bodies have limits by route (annotation.serving.bodies), and only imports take files.
FILE_UPLOAD_HANDLERS: list[str] = []
DATA_UPLOAD_MAX_MEMORY_SIZE = DOCUMENT
# The largest HIT that a campaign's settings allow: 100 images with 20 labels and 4 other fields.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2500

ROOT_URLCONF = "annotation.urls"
WSGI_APPLICATION = "annotation.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "annotation.accounts.second_factor.frame",
            ]
        },
    }
]

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
# Workers' pages alone speak the other languages (tasks/pages/languages.py): those that have a
# catalogue in locale/. To add one: docs/languages.md.
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_AUTOREFRESH = not PRODUCTION
WHITENOISE_USE_FINDERS = True  # served from the packages: no collectstatic

# Researchers' pages: unfold's Alpine needs eval and inline styles.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'", "'unsafe-inline'", "'unsafe-eval'"],
        "style-src": ["'self'", "'unsafe-inline'"],
        "img-src": ["'self'", "data:", *PICTURE_ORIGINS],
        "font-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'self'"],
        "frame-ancestors": ["'none'"],
        "form-action": ["'self'"],
    }
}
# The marketplace of the crowd `mturk`: an endpoint that speaks its API, "" for Amazon's own.
MTURK_ENDPOINT_URL = env["MTURK_ENDPOINT_URL"]
MTURK_CALLS_PER_SECOND = env["MTURK_CALLS_PER_SECOND"]
MTURK_SUBMIT_ORIGINS: list[str] = env["MTURK_SUBMIT_ORIGINS"] or [
    "https://www.mturk.com",
    "https://workersandbox.mturk.com",
    *([origin(MTURK_ENDPOINT_URL)] if MTURK_ENDPOINT_URL else []),
]

# The marketplace of the crowd `prolific`; without a token it cannot be used.
PROLIFIC_API_URL = env["PROLIFIC_API_URL"]
PROLIFIC_API_TOKEN = env["PROLIFIC_API_TOKEN"]

# Workers' pages: nothing inline, nothing from other sites; only marketplaces may frame them.
WORKER_FRAME_ANCESTORS: list[str] = env["WORKER_FRAME_ANCESTORS"] or [
    "'self'",
    "https://worker.mturk.com",
    *MTURK_SUBMIT_ORIGINS,
]
WORKER_PAGE_CSP = {
    "default-src": ["'self'"],
    "img-src": ["'self'", *PICTURE_ORIGINS],
    "object-src": ["'none'"],
    "base-uri": ["'none'"],
    "form-action": ["'self'"],
    "frame-ancestors": WORKER_FRAME_ANCESTORS,
}

CSRF_FAILURE_VIEW = "annotation.serving.error_pages.out_of_date"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SILENCED_SYSTEM_CHECKS = [
    "security.W005",  # other hosts below this one may not speak https
    "security.W021",  # nor is it ours to have them listed by browsers
    "security.W008",  # TrustedProxies redirects, all but this machine's own requests
]
LOGIN_URL = reverse_lazy("admin:login")
LOGIN_REDIRECT_URL = reverse_lazy("admin:index")

# Wrong passwords are counted per user and address, before the next one is hashed.
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "annotation.rights.backend.Rights",  # before Django's: what it denies no other allows
    "django.contrib.auth.backends.ModelBackend",
]
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_CLIENT_IP_CALLABLE = "annotation.accounts.lockout.address_of"
AXES_LOCKOUT_CALLABLE = "annotation.accounts.lockout.locked_out"
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False

# A second factor: an app's codes or a passkey, and codes to recover. Nobody signs up.
REQUIRE_MFA = env["REQUIRE_MFA"]
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_TOTP_ISSUER = "Second Look"
MFA_TOTP_TOLERANCE = 1  # phones' clocks: the code before and the one after are right too
MFA_ALLOW_UNVERIFIED_EMAIL = True
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SIGNUP_ENABLED = False
ACCOUNT_LOGOUT_REDIRECT_URL = LOGIN_URL
ACCOUNT_RATE_LIMITS = {
    "login_failed": "10/15m/key",  # wrong codes, per user
    "forgotten_by_address": "20/h/key",  # mails asked for from one address
    "forgotten_by_name": "3/h/key",  # mails to one account
}

# Single sign-on, where a provider is named. No account is found by a mail address.
OIDC_ISSUER: str = env["OIDC_ISSUER"]
OIDC_PROVIDER = provider_of(env)
OIDC_NAME: str = env["OIDC_NAME"]
OIDC_DOMAINS: list[str] = env["OIDC_DOMAINS"]
SOCIALACCOUNT_PROVIDERS = providers(env)
SOCIALACCOUNT_ADAPTER = "annotation.accounts.single_sign_on.Entry"
SOCIALACCOUNT_REAUTHENTICATION_REQUIRED = True

# Mails, where a server is named: links for a new password, sent by the queue's worker.
MAIL_SERVER = env["EMAIL_URL"]
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if MAIL_SERVER else 'dummy'}.EmailBackend"
DEFAULT_FROM_EMAIL = f"second-look@{urlsplit(PUBLIC_URL).hostname or 'localhost'}"
if MAIL_SERVER:
    EMAIL_HOST, EMAIL_PORT = MAIL_SERVER.host, MAIL_SERVER.port
    EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = MAIL_SERVER.user, MAIL_SERVER.password
    EMAIL_USE_TLS, EMAIL_USE_SSL = MAIL_SERVER.starts_tls, MAIL_SERVER.is_tls
    DEFAULT_FROM_EMAIL = MAIL_SERVER.sender or DEFAULT_FROM_EMAIL
EMAIL_TIMEOUT = 20  # seconds

# Celery. The queue can be rebuilt from Postgres: losing it loses no work.
CELERY_BROKER_URL = broker(REDIS_URL)
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {"models_inference.celery_tasks.*": {"queue": "gpu"}}
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_connect_timeout": 5,  # seconds that a page may wait
    "visibility_timeout": 24 * 3600,  # a task that runs for hours is not delivered a second time
}
INFERENCE_MINUTES: float = env["INFERENCE_MINUTES"]
CELERY_BEAT_SCHEDULER = "annotation.serving.beat:Scheduler"
CELERY_TIMEZONE = "UTC"
SYNC_MINUTES: int = env["SYNC_MINUTES"]
NIGHTLY_HOUR: int = env["NIGHTLY_HOUR"]
CELERY_BEAT_SCHEDULE = {
    "resume inference": {
        "task": "models_inference.celery_tasks.resume_jobs",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "sync every campaign": {
        "task": "tasks.celery_tasks.sync_campaigns",
        "schedule": 60.0 * SYNC_MINUTES,
        "options": {"expires": 60 * SYNC_MINUTES},
    },
    "aggregate what has ended": {
        "task": "tasks.celery_tasks.aggregate_ended",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "aggregate every campaign": {
        "task": "tasks.celery_tasks.aggregate_campaigns",
        "schedule": crontab(hour=NIGHTLY_HOUR, minute=0),
    },
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "annotation.rights.api.ScopedTokens",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["annotation.rights.api.ByRights"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "annotation.api.schema.Schema",
    "EXCEPTION_HANDLER": "annotation.api.errors.with_what_is_taken",
    "DEFAULT_PARSER_CLASSES": ["annotation.api.parsing.JSONOfAnyDepth"],
    "DEFAULT_PAGINATION_CLASS": "annotation.api.pagination.Cursor",
    "DEFAULT_FILTER_BACKENDS": ["annotation.api.filters.ByParameter"],
}
KNOX_TOKEN_MODEL = "knox.AuthToken"  # knox's own, which a migration wants named
REST_KNOX = {"TOKEN_TTL": None, "AUTH_HEADER_PREFIX": "Token"}
SPECTACULAR_SETTINGS = {
    "TITLE": "Second Look",
    "VERSION": VERSION,
    "SERVE_INCLUDE_SCHEMA": False,
    "ENUM_NAME_OVERRIDES": {"CampaignStateEnum": "tasks.models.campaign.State"},
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

# Expected working time in seconds: pay and expiry follow from it (rules M4 and P5).
SECONDS_PER_HIT = 15
SECONDS_PER_TILE = 1.5
SECONDS_PER_IMAGE = 15

# Visitors without an invitation from one network, an IPv4 address or IPv6 /64 (rule V3).
VISITORS_AT_ONCE = env["VISITORS_AT_ONCE"]
NEW_VISITORS_PER_HOUR = env["NEW_VISITORS_PER_HOUR"]

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"one line": {"()": "annotation.serving.error_pages.OneLine"}},
    "filters": {"reference": {"()": "annotation.serving.error_pages.WithReference"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "filters": ["reference"]},
        "one line": {"class": "logging.StreamHandler", "formatter": "one line"},
    },
    "loggers": {
        "django.security.DisallowedHost": {"handlers": ["one line"], "propagate": False},
    },
    "root": {"handlers": ["console"], "level": env["LOG_LEVEL"]},
}
