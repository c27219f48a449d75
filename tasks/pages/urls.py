"""The workers' addresses."""

from django.urls import path

from tasks.pages import consenting, practising, sessions, views
from tasks.pages.campaigns import campaigns

app_name = "tasks"
# slug: letters, digits, "-" and "_", the alphabet of public ids; anything else is no address.
urlpatterns = [
    path("tasks/", campaigns, name="campaigns"),
    path("tasks/<slug:public_id>/", views.campaign, name="campaign"),
    path("tasks/<slug:public_id>/consent/", consenting.consent, name="consent"),
    path("tasks/<slug:public_id>/practice/", practising.practice, name="practice"),
    path("tasks/<slug:public_id>/session/", sessions.session, name="session"),
    path("tasks/<slug:public_id>/kept/", consenting.kept, name="kept"),
    path("tasks/<slug:public_id>/thanks/", views.thanks, name="thanks"),
    path("hit/<slug:public_id>/", views.hit, name="hit"),
]
