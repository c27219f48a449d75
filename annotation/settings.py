"""All settings, read from the environment (12-factor); a site on one machine needs none of them."""

import tomllib
from pathlib import Path
from urllib.parse import urlsplit

import environ
from celery.schedules import crontab
from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse_lazy

from annotation.navigation import UNFOLD  # noqa: F401
from annotation.serving.embedded import database_url, redis_url
from annotation.serving.picture_origins import picture_origins, region_of
from annotation.serving.production import DEFAULT_SECRET, production_troubles

BASE_DIR = Path(__file__).resolve().parent.parent
VERSION: str = tomllib.loads((BASE_DIR / "pyproject.toml").read_text())["project"]["version"]
env = environ.Env()


def origin(address: str) -> str:
    """An address without its path."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


DEBUG = env.bool("DEBUG", default=True)
SECRET_KEY = env.str("SECRET_KEY", default=DEFAULT_SECRET)
ALLOWED_HOSTS = env.list(
    "ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"] if DEBUG else []
)
PUBLIC_URL = env.str("PUBLIC_URL", default="").rstrip("/")
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL] if PUBLIC_URL else []

DATA_DIR = Path(env.str("DATA_DIR", default=str(BASE_DIR / "var"))).resolve()
# The bucket for copies of images and workers' pictures; AWS_S3_CUSTOM_DOMAIN: a public host for it.
AWS_STORAGE_BUCKET_NAME = env.str("AWS_STORAGE_BUCKET_NAME", default="")
AWS_S3_CUSTOM_DOMAIN = env.str("AWS_S3_CUSTOM_DOMAIN", default="")
AWS_S3_REGION_NAME = region_of(env.ENVIRON)
PICTURE_ORIGINS = picture_origins(env.ENVIRON)
KEEP_LOGITS = env.bool("KEEP_LOGITS", default=True)  # under DATA_DIR, up to 2 GB per classifier
LOGITS_IN_BUCKET = bool(AWS_STORAGE_BUCKET_NAME) and env.bool("LOGITS_IN_BUCKET", default=False)
EMBEDDED_DATABASE = "DATABASE_URL" not in env.ENVIRON
EMBEDDED_SERVERS = EMBEDDED_DATABASE or "REDIS_URL" not in env.ENVIRON

if not DEBUG and (troubles := production_troubles(env.ENVIRON)):
    raise ImproperlyConfigured(f"DEBUG=0 refuses to start: {'; '.join(troubles)}.")

DATABASES = {"default": env.db("DATABASE_URL", default=database_url(DATA_DIR))}
DATABASES["default"]["CONN_MAX_AGE"] = 60
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
REDIS_URL = env.str("REDIS_URL", default=redis_url(DATA_DIR))

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
    "django_celery_beat",
    "imagesets",
    "models_inference",
    "tasks",
    "tasks.crowds.mturk",
    "annotation",
]

MIDDLEWARE = [
    "annotation.api.errors.JSONErrors",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
]

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
            ]
        },
    }
]

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTHENTICATION_BACKENDS = [
    "annotation.rights.backend.Rights",  # first: what it denies no other allows
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
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
MTURK_ENDPOINT_URL = env.str("MTURK_ENDPOINT_URL", default="").rstrip("/")
MTURK_CALLS_PER_SECOND = env.float("MTURK_CALLS_PER_SECOND", default=None)
MTURK_SUBMIT_ORIGINS = env.list(  # where a worker's page may submit an answer
    "MTURK_SUBMIT_ORIGINS",
    default=["https://www.mturk.com", "https://workersandbox.mturk.com"]
    + ([origin(MTURK_ENDPOINT_URL)] if MTURK_ENDPOINT_URL else []),
)

# Workers' pages: nothing inline, nothing from other sites; only marketplaces may frame them.
WORKER_FRAME_ANCESTORS = env.list(
    "WORKER_FRAME_ANCESTORS",
    default=["'self'", "https://worker.mturk.com", *MTURK_SUBMIT_ORIGINS],
)
WORKER_PAGE_CSP = {
    "default-src": ["'self'"],
    "img-src": ["'self'", *PICTURE_ORIGINS],
    "object-src": ["'none'"],
    "base-uri": ["'none'"],
    "form-action": ["'self'"],
    "frame-ancestors": WORKER_FRAME_ANCESTORS,
}

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PUBLIC_URL.startswith("https://")
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if not DEBUG else None
LOGIN_URL = reverse_lazy("admin:login")
LOGIN_REDIRECT_URL = reverse_lazy("admin:index")

# Celery. The queue can be rebuilt from Postgres: losing it loses no work.
CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://", 1)
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {"models_inference.celery_tasks.*": {"queue": "gpu"}}
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_connect_timeout": 5}  # seconds that a page may wait
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_TIMEZONE = "UTC"
SYNC_MINUTES = env.int("SYNC_MINUTES", default=3)  # between two syncs of a campaign
NIGHTLY_HOUR = env.int("NIGHTLY_HOUR", default=3)  # UTC
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
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

# Expected working time in seconds: pay and expiry follow from it (rules M4 and P5).
SECONDS_PER_HIT = 15
SECONDS_PER_TILE = 1.5
SECONDS_PER_IMAGE = 15

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="WARNING")},
}
