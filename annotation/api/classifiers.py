"""Classifiers over the API: register them, have the queue run them, follow its jobs."""

from typing import Any

from django.db import IntegrityError, transaction
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.datasets import OfDataset, Predictions
from annotation.api.errors import Conflict
from annotation.api.fields import KnownFieldsOnly, StrictText
from annotation.api.serializers import NothingToSay
from annotation.rights import RESEARCH, SUPERUSER, VIEW, may
from annotation.rights.api import Ruled
from imagesets.labels.lint import some
from imagesets.models import Dataset
from models_inference.classifiers.registration import faults
from models_inference.errors import InferenceError
from models_inference.jobs import cancel, job_progress, queue_predictions
from models_inference.models import Classifier, InferenceJob
from models_inference.networks.weights import PRETRAINED


@extend_schema_field({"type": "object", "additionalProperties": True})
class InputField(serializers.Field):
    """Overrides of timm's data configuration; its keys are checked with the other fields."""

    def to_internal_value(self, data: Any) -> dict:
        if not isinstance(data, dict):
            raise serializers.ValidationError("Must be an object.")
        return data

    def to_representation(self, value: Any) -> Any:
        return value


def taken(dataset: Dataset, name: str) -> serializers.ValidationError:
    """The error for a name that another classifier has."""
    return serializers.ValidationError(
        {"name": [f"Dataset {dataset.slug} already has a classifier {name}."]}
    )


class ClassifierSerializer(KnownFieldsOnly, serializers.ModelSerializer):
    """A classifier: its network, how its input is prepared, what its classes mean."""

    name = StrictText(max_length=200)
    architecture = StrictText(
        max_length=200, help_text="timm's name, torchscript, torch.export or open_clip:NAME."
    )
    weights = StrictText(
        default=PRETRAINED,
        help_text="pretrained, package:NAME, s3://BUCKET/KEY, a file's full path (superusers), or"
        " open_clip's tag.",
    )
    input = InputField(default=dict)
    mapping = serializers.ListField(
        child=StrictText(allow_null=True),
        allow_null=True,
        allow_empty=False,
        default=None,
        help_text="The key of each class's label in order of index, null for a class without one;"
        " null: ImageNet's 1,000 classes, or a zero-shot model's labels.",
    )

    class Meta:
        model = Classifier
        fields = ["name", "architecture", "weights", "input", "mapping", "created_at"]
        read_only_fields = ["created_at"]

    def validate(self, data: dict) -> dict:
        dataset = self.context["dataset"]
        if Classifier.objects.filter(dataset=dataset, name=data["name"]).exists():
            raise taken(dataset, data["name"])
        wrong = faults(
            dataset,
            data["architecture"],
            data["weights"],
            data["input"],
            data["mapping"],
            may_read_server=may(self.context["request"].user, SUPERUSER),
        )
        if wrong:
            raise serializers.ValidationError({field: [text] for field, text in wrong.items()})
        return data


class Classifiers(OfDataset, generics.ListCreateAPIView):
    """A dataset's classifiers, by name; POST registers one."""

    rights = {"GET": VIEW, "POST": RESEARCH}
    rows = Classifier.objects.all()
    serializer_class = ClassifierSerializer
    ordering = "name"
    filters = {"name": ("name", "A classifier's name.")}

    def get_serializer_context(self) -> dict[str, Any]:
        context = dict(super().get_serializer_context())
        context["dataset"] = getattr(self, "row", None)  # OpenAPI is made of no dataset's
        return context

    def perform_create(self, serializer: serializers.BaseSerializer) -> None:
        dataset = serializer.context["dataset"]
        try:
            with transaction.atomic():
                serializer.save(dataset=dataset)
        except IntegrityError:  # another request was quicker
            raise taken(dataset, serializer.validated_data["name"]) from None


class ToPredict(KnownFieldsOnly):
    """Which classifiers should predict what is missing."""

    classifiers = serializers.ListField(
        child=StrictText(),
        allow_null=True,
        allow_empty=False,
        default=None,
        help_text="Names; null: every classifier of the dataset that can be run.",
    )


class JobSerializer(serializers.ModelSerializer):
    """Inference that the queue was asked for, and how far it is."""

    classifiers = serializers.SerializerMethodField(help_text="Names.")
    state = serializers.ChoiceField(
        choices=["waiting", "running", "silent", "failed", "done"], read_only=True
    )
    done = serializers.IntegerField(read_only=True, help_text="Predictions stored.")
    total = serializers.IntegerField(read_only=True, help_text="Images x classifiers.")
    images_per_second = serializers.FloatField(read_only=True, allow_null=True)
    seconds_left = serializers.FloatField(read_only=True, allow_null=True)

    class Meta:
        model = InferenceJob
        fields = [
            "id",
            "classifiers",
            "state",
            "done",
            "total",
            "images_per_second",
            "seconds_left",
            "queued_at",
            "finished_at",
            "error",
        ]
        read_only_fields = fields

    def get_classifiers(self, job: InferenceJob) -> list[str]:
        names = Classifier.objects.filter(id__in=job.classifiers).order_by("name")
        return list(names.values_list("name", flat=True))

    def to_representation(self, job: InferenceJob) -> dict[str, Any]:
        for name, value in vars(job_progress(job)).items():
            setattr(job, name, value)
        return super().to_representation(job)


class Predict(Predictions):
    """The classifiers' predictions for a dataset's images; POST asks the queue for more."""

    rights = {"GET": VIEW, "POST": RESEARCH}

    @extend_schema(
        request=ToPredict,
        responses={
            202: JobSerializer,
            409: OpenApiResponse(description="No classifier can be run."),
        },
    )
    def post(self, request: Request, slug: str) -> Response:
        """Queue inference; asking again for what is running or done does no harm."""
        dataset = self.row
        body = ToPredict(data=request.data)
        body.is_valid(raise_exception=True)
        names = body.validated_data["classifiers"]
        chosen = Classifier.objects.filter(dataset=dataset).exclude(architecture="")
        if names is not None:
            runnable = set(chosen.values_list("name", flat=True))
            chosen = chosen.filter(name__in=names)
            if unknown := [name for name in names if name not in runnable]:
                raise serializers.ValidationError(
                    {
                        "classifiers": [
                            f"No classifier that can be run is named {unknown[0]}."
                            f" Known: {some(sorted(runnable)) or 'none'}."
                        ]
                    }
                )
        try:
            job = queue_predictions(dataset, list(chosen))
        except InferenceError as error:
            raise Conflict(str(error)) from None
        return Response(JobSerializer(job).data, status=202)


class CancelJob(Ruled, generics.GenericAPIView):
    """Stop a job that runs or waits; what is predicted stays."""

    rights = {"POST": RESEARCH}
    about = Dataset.objects.all()
    queryset = InferenceJob.objects.all()
    serializer_class = NothingToSay

    @extend_schema(
        responses={200: JobSerializer, 409: OpenApiResponse(description="The job has ended.")}
    )
    def post(self, request: Request, slug: str, job: int) -> Response:
        self.get_serializer(data=request.data).is_valid(raise_exception=True)
        row = get_object_or_404(InferenceJob, dataset=self.row, pk=job)
        try:
            cancel(row, request.user.get_username())
        except InferenceError as error:
            raise Conflict(str(error)) from None
        row.refresh_from_db()
        return Response(JobSerializer(row).data)


class Jobs(OfDataset):
    """A dataset's inference jobs, the newest first."""

    rows = InferenceJob.objects.all()
    serializer_class = JobSerializer
    ordering = "-id"
