"""What a dataset would ask and what is wrong with it, over the API, before any money is spent."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation.api.parameters import known_parameters
from annotation.dashboards.dataset_summary import candidates_of, findings_of
from annotation.rights import VIEW
from annotation.rights.api import Ruled
from imagesets.labels.lint import RULES, lint
from imagesets.models import Dataset
from models_inference.models import STORED
from tasks.models.setting_groups import CANDIDATES

PARAMETERS = ("k", "classifier")
K = CANDIDATES.defaults()["k"]


class AddedSerializer(serializers.Serializer):
    """What one classifier adds."""

    classifier = serializers.CharField()
    images = serializers.IntegerField()
    pairs = serializers.IntegerField()
    pairs_only_it_names = serializers.IntegerField()


class BarSerializer(serializers.Serializer):
    """How many images have a given number of candidates."""

    candidates = serializers.IntegerField()
    images = serializers.IntegerField()


class PerImageSerializer(serializers.Serializer):
    n = serializers.IntegerField()
    mean = serializers.FloatField(allow_null=True)
    histogram = BarSerializer(many=True)


class QuantileSerializer(serializers.Serializer):
    share = serializers.FloatField()
    pairs = serializers.IntegerField(allow_null=True)


class TopLabelSerializer(serializers.Serializer):
    label = serializers.CharField()  # type: ignore[assignment]  # a name of DRF's base too
    name = serializers.CharField()
    pairs = serializers.IntegerField()


class PerLabelSerializer(serializers.Serializer):
    n = serializers.IntegerField(help_text="Labels that are in a pair.")
    labels_not_asked = serializers.IntegerField()
    quantiles = QuantileSerializer(many=True)
    top = TopLabelSerializer(many=True)


class ChoiceSerializer(serializers.Serializer):
    """What one value of min_models would ask."""

    min_models = serializers.IntegerField()
    pairs = serializers.IntegerField()
    hits_about = serializers.IntegerField(help_text="In HITs of default sizes, without controls.")
    judgments = serializers.IntegerField(help_text="Of workers_per_item workers.")
    candidates_per_image = PerImageSerializer()
    pairs_per_label = PerLabelSerializer()


class CandidateSummarySerializer(serializers.Serializer):
    """A dataset's candidates, counted."""

    k = serializers.IntegerField()
    images = serializers.IntegerField()
    labels = serializers.IntegerField()
    workers_per_item = serializers.IntegerField()
    min_models = ChoiceSerializer(many=True)
    classifiers = AddedSerializer(many=True)
    findings = serializers.DictField(
        help_text="Faults of labels by rule; duplicate and skipped images."
    )


class FindingSerializer(serializers.Serializer):
    """One fault of a label set."""

    rule = serializers.ChoiceField(choices=list(RULES))
    labels = serializers.ListField(child=serializers.CharField())
    text = serializers.CharField()


class LintSerializer(serializers.Serializer):
    """All faults of a label set, the worst first."""

    count = serializers.IntegerField()
    findings = FindingSerializer(many=True)


class Candidates(Ruled, APIView):
    """What the dataset's candidates would ask: pairs, HITs, judgments, and each model's share."""

    rights = {"GET": VIEW}
    about = Dataset.objects.all()

    @extend_schema(
        responses=CandidateSummarySerializer,
        parameters=[
            OpenApiParameter("k", OpenApiTypes.INT, description=f"1 to {STORED}; default {K}."),
            OpenApiParameter(
                "classifier",
                OpenApiTypes.STR,
                many=True,
                description="Count this classifier only; may be given several times.",
            ),
        ],
    )
    def get(self, request: Request, slug: str) -> Response:
        known_parameters(request, PARAMETERS)
        k = request.query_params.get("k", str(K))
        if not (k.isascii() and k.isdigit() and 1 <= int(k) <= STORED):
            raise serializers.ValidationError({"k": [f"Must be a whole number, 1 to {STORED}."]})
        names = request.query_params.getlist("classifier") or None
        try:
            counted = candidates_of(self.row, names, int(k))
        except ValueError as error:
            raise serializers.ValidationError({"classifier": [str(error)]}) from None
        return Response(counted | {"findings": findings_of(self.row)})


class Lint(Ruled, APIView):
    """Labels that workers may confuse by name alone, the worst first."""

    rights = {"GET": VIEW}
    about = Dataset.objects.all()

    @extend_schema(responses=LintSerializer)
    def get(self, request: Request, slug: str) -> Response:
        known_parameters(request, ())
        findings: list[dict[str, Any]] = [
            {"rule": finding.rule, "labels": list(finding.keys), "text": finding.text}
            for finding in lint(self.row.labels.order_by("key"))
        ]
        return Response({"count": len(findings), "findings": findings})
