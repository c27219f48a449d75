"""The addresses of the explorer."""

from django.urls import path

from annotation.explorer.again import again
from annotation.explorer.image import image_page
from annotation.explorer.images import datasets, images
from annotation.explorer.lists import keys, table

urlpatterns = [
    path("explorer/", datasets, name="explorer"),
    path("datasets/<slug:slug>/images/", images, name="explorer-images"),
    path("datasets/<slug:slug>/images/again/", again, name="explorer-again"),
    path("datasets/<slug:slug>/images/<str:public_id>/", image_page, name="explorer-image"),
    path("datasets/<slug:slug>/images.csv", table, name="explorer-table"),
    path("datasets/<slug:slug>/images.json", keys, name="explorer-keys"),
]
