"""The WSGI application that gunicorn serves."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from annotation.serving.embedded.ownership import close

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "annotation.settings")
application = get_wsgi_application()
if settings.DATA_DIR.exists():
    close(settings.DATA_DIR)
