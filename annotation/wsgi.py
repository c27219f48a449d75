"""The WSGI application that gunicorn serves."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

from annotation.serving.embedded.ownership import close

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "annotation.settings")
application = get_wsgi_application()
_ = get_resolver().url_patterns  # every page's code, for all processes of the server at once
if settings.DATA_DIR.exists():
    close(settings.DATA_DIR)
