"""The site's addresses."""

from django.contrib import admin
from django.templatetags.static import static
from django.urls import include, path
from django.views.generic import RedirectView

from annotation import hooks

handler400 = "annotation.serving.error_pages.bad_request"
handler403 = "annotation.serving.error_pages.not_allowed"
handler404 = "annotation.serving.error_pages.not_found"
handler500 = "annotation.serving.error_pages.failure"
urlpatterns = [
    path("", include("tasks.pages.urls")),
    path("", include("imagesets.urls")),
    path("", include("annotation.site_pages")),
    path("api/", include("annotation.api.urls")),
    path("", include("annotation.accounts.urls")),
    path("admin/", admin.site.urls),
    path("hooks/prolific/", hooks.prolific, name="prolific-hook"),
    path("favicon.ico", RedirectView.as_view(url=static("img/icon.svg"))),
]
