"""The Django project: settings, URLs, Celery, API, admin site, commands that need all of it."""
