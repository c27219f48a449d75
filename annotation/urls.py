"""The site's addresses."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("tasks.urls")),
    path("", include("imagesets.urls")),
    path("", include("annotation.pages")),
    path("api/", include("annotation.api.urls")),
    path("admin/", admin.site.urls),
]
