"""The API's addresses."""

from django.urls import path, re_path
from drf_spectacular.views import SpectacularSwaggerSplitView

from annotation.api import (
    campaigns,
    classifiers,
    comparison,
    dataset_summary,
    datasets,
    invitations,
    report,
    responses,
)
from annotation.api.errors import unknown_address
from annotation.api.exports import Export
from annotation.api.schema_view import SchemaView

urlpatterns = [
    path("campaigns/", campaigns.Campaigns.as_view(), name="api-campaigns"),
    path("campaigns/<slug:slug>/", campaigns.CampaignDetail.as_view(), name="api-campaign"),
    path("campaigns/<slug:slug>/publish/", campaigns.Publish.as_view(), name="api-publish"),
    path("campaigns/<slug:slug>/pause/", campaigns.Pause.as_view(), name="api-pause"),
    path("campaigns/<slug:slug>/resume/", campaigns.Resume.as_view(), name="api-resume"),
    path("campaigns/<slug:slug>/close/", campaigns.Close.as_view(), name="api-close"),
    path("campaigns/<slug:slug>/sync/", campaigns.Sync.as_view(), name="api-sync"),
    path("campaigns/<slug:slug>/aggregate/", campaigns.Aggregate.as_view(), name="api-aggregate"),
    path(
        "campaigns/<slug:slug>/invitations/",
        invitations.Invitations.as_view(),
        name="api-invitations",
    ),
    path(
        "campaigns/<slug:slug>/invitations/<int:pk>/",
        invitations.InvitationDetail.as_view(),
        name="api-invitation",
    ),
    path("campaigns/<slug:slug>/responses/", responses.Responses.as_view(), name="api-responses"),
    path(
        "campaigns/<slug:slug>/export/<slug:table>.<slug:extension>",
        Export.as_view(),
        name="api-export",
    ),
    path("datasets/", datasets.Datasets.as_view(), name="api-datasets"),
    path("datasets/<slug:slug>/", datasets.DatasetDetail.as_view(), name="api-dataset"),
    path("datasets/<slug:slug>/labels/", datasets.Labels.as_view(), name="api-labels"),
    path("datasets/<slug:slug>/labels/lint/", dataset_summary.Lint.as_view(), name="api-lint"),
    path(
        "datasets/<slug:slug>/candidates/",
        dataset_summary.Candidates.as_view(),
        name="api-candidates",
    ),
    path("datasets/<slug:slug>/images/", datasets.Images.as_view(), name="api-images"),
    path(
        "datasets/<slug:slug>/images/<str:public_id>/withdraw/",
        datasets.Withdraw.as_view(),
        name="api-withdraw",
    ),
    path(
        "datasets/<slug:slug>/images/<str:public_id>/bring_back/",
        datasets.BringBack.as_view(),
        name="api-bring-back",
    ),
    path("datasets/<slug:slug>/report/", report.Report.as_view(), name="api-report"),
    path(
        "datasets/<slug:slug>/classifiers/",
        classifiers.Classifiers.as_view(),
        name="api-classifiers",
    ),
    path(
        "datasets/<slug:slug>/predictions/", classifiers.Predict.as_view(), name="api-predictions"
    ),
    path("datasets/<slug:slug>/jobs/", classifiers.Jobs.as_view(), name="api-jobs"),
    path(
        "datasets/<slug:slug>/jobs/<int:job>/cancel/",
        classifiers.CancelJob.as_view(),
        name="api-cancel-job",
    ),
    path("comparisons/", comparison.Comparison.as_view(), name="api-comparison"),
    path("schema/", SchemaView.as_view(), name="api-schema"),
    path(
        "docs/",
        SpectacularSwaggerSplitView.as_view(url="/api/schema/?format=json"),
        name="api-docs",
    ),
    re_path(r"^(?P<address>.*)$", unknown_address),
]
