"""The addresses of the explorer."""

from django.urls import path

from annotation.explorer.again import again
from annotation.explorer.expert import expert
from annotation.explorer.image import image_page
from annotation.explorer.images import datasets, images
from annotation.explorer.label import label_page
from annotation.explorer.labels import labels
from annotation.explorer.lists import keys, table
from annotation.explorer.pairs import pairs
from annotation.explorer.withdrawal_page import withdrawal, withdrawn_picture
from annotation.explorer.worker import aside, worker_page

urlpatterns = [
    path("explorer/", datasets, name="explorer"),
    path("datasets/<slug:slug>/images/", images, name="explorer-images"),
    path("datasets/<slug:slug>/images/again/", again, name="explorer-again"),
    path("datasets/<slug:slug>/images/expert/", expert, name="explorer-expert"),
    path("datasets/<slug:slug>/images/<str:public_id>/", image_page, name="explorer-image"),
    path(
        "datasets/<slug:slug>/images/<str:public_id>/withdraw/",
        withdrawal,
        name="explorer-withdraw",
    ),
    path(
        "datasets/<slug:slug>/images/<str:public_id>/withdrawn.webp",
        withdrawn_picture,
        name="explorer-withdrawn-picture",
    ),
    path("datasets/<slug:slug>/labels/", labels, name="explorer-labels"),
    path("datasets/<slug:slug>/labels/<path:key>/", label_page, name="explorer-label"),
    path("datasets/<slug:slug>/pairs/", pairs, name="explorer-pairs"),
    path("campaigns/<slug:slug>/workers/<str:pseudonym>/", worker_page, name="worker"),
    path("campaigns/<slug:slug>/workers/<str:pseudonym>/aside/", aside, name="worker-aside"),
    path("datasets/<slug:slug>/images.csv", table, name="explorer-table"),
    path("datasets/<slug:slug>/images.json", keys, name="explorer-keys"),
]
