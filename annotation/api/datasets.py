"""Datasets over the API: their labels, images and predictions; images are withdrawn here."""

from typing import Any

from django.db.models import Case, QuerySet, TextField, Value, When
from django.http import Http404
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.fields import KnownFieldsOnly, StrictText
from annotation.explorer.withdrawing import bring_back, withdraw
from annotation.rights import OWN, RESEARCH, VIEW, may
from annotation.rights.api import Ruled, RuledList
from imagesets.models import Dataset, Image, Label
from models_inference.models import Prediction


class DatasetSerializer(serializers.ModelSerializer):
    class Meta:
        model = Dataset
        fields = ["slug", "name", "created_at"]
        read_only_fields = fields


class DatasetDetailSerializer(DatasetSerializer):
    """A dataset and how much is in it."""

    labels = serializers.IntegerField(source="labels.count", read_only=True)
    images = serializers.IntegerField(source="images.count", read_only=True)
    classifiers = serializers.IntegerField(source="classifiers.count", read_only=True)

    class Meta(DatasetSerializer.Meta):
        fields = ["slug", "name", "created_at", "labels", "images", "classifiers"]
        read_only_fields = fields


class LabelSerializer(serializers.ModelSerializer):
    class Meta:
        model = Label
        fields = ["key", "names", "definition", "translations", "wikipedia", "superclass"]
        read_only_fields = fields


class WithdrawnSerializer(serializers.Serializer):
    """Since when, by whom and why nobody is shown an image, and no result holds it."""

    at = serializers.DateTimeField(source="withdrawn_at")
    by = serializers.CharField(source="withdrawn_by")
    why = serializers.CharField(source="withdrawn_why")


class ImageSerializer(serializers.ModelSerializer):
    dataset_label = serializers.CharField(
        source="dataset_label.key", default=None, read_only=True, allow_null=True
    )
    withdrawn = serializers.SerializerMethodField(help_text="Null: it is not.")

    class Meta:
        model = Image
        fields = ["key", "public_id", "sha256", "width", "height", "dataset_label", "withdrawn"]
        read_only_fields = fields

    @extend_schema_field(WithdrawnSerializer(allow_null=True))
    def get_withdrawn(self, image: Image) -> Any:
        return WithdrawnSerializer(image).data if image.withdrawn_at is not None else None


class WhyWithdrawn(KnownFieldsOnly):
    """The body of withdrawing an image, or of bringing it back."""

    why = StrictText(max_length=2000, help_text="For the log: rights, a face, ...")


class PredictionSerializer(serializers.ModelSerializer):
    """One classifier's labels for one image, by their keys, best first."""

    image = serializers.CharField(source="image.key", read_only=True)
    classifier = serializers.CharField(source="classifier.name", read_only=True)
    labels = serializers.SerializerMethodField()
    scores = serializers.ListField(child=serializers.FloatField(), read_only=True)

    class Meta:
        model = Prediction
        fields = ["image", "classifier", "labels", "scores"]

    def get_labels(self, prediction: Prediction) -> list[str]:
        keys = self.context["label_keys"]
        return [keys[label] for label in prediction.labels]


class Datasets(RuledList, generics.ListAPIView):
    """The datasets that you may see."""

    rights = {"GET": VIEW}
    queryset = Dataset.objects.all()
    serializer_class = DatasetSerializer
    ordering = "slug"


class DatasetDetail(Ruled, generics.RetrieveAPIView):
    """One dataset."""

    rights = {"GET": VIEW}
    about = queryset = Dataset.objects.all()
    serializer_class = DatasetDetailSerializer
    lookup_field = "slug"


class OfDataset(Ruled, generics.ListAPIView):
    """A list of what belongs to the dataset in the address."""

    rights = {"GET": VIEW}
    about = Dataset.objects.all()
    rows: QuerySet
    dataset_lookup = "dataset"

    def get_queryset(self) -> QuerySet:
        if getattr(self, "swagger_fake_view", False):
            return self.rows.none()
        return self.rows.filter(**{self.dataset_lookup: self.row})


class Labels(OfDataset):
    """A dataset's labels, by key."""

    rows = Label.objects.all()
    serializer_class = LabelSerializer
    ordering = "key"
    filters = {"key": ("key", "A label's key."), "superclass": ("superclass", "A superclass.")}


class Images(OfDataset):
    """A dataset's images, by key; those that were withdrawn are listed for researchers alone."""

    rows = Image.objects.select_related("dataset_label").annotate(
        is_withdrawn=Case(
            When(withdrawn_at=None, then=Value("false")),
            default=Value("true"),
            output_field=TextField(choices=[("true", "withdrawn"), ("false", "not withdrawn")]),
        )
    )
    serializer_class = ImageSerializer
    ordering = "key"
    filters = {
        "key": ("key", "An image's key."),
        "dataset_label": ("dataset_label__key", "The key of the label that it came with."),
        "sha256": ("sha256", "The SHA-256 of its bytes, the same for identical files."),
        "withdrawn": ("is_withdrawn", "true or false."),
    }

    def get_queryset(self) -> QuerySet:
        rows = super().get_queryset()
        if getattr(self, "swagger_fake_view", False) or may(self.request.user, RESEARCH, self.row):
            return rows
        return rows.filter(withdrawn_at=None)


class ImageStep(Ruled, generics.GenericAPIView):
    """A step with one image of the dataset in the address."""

    rights = {"POST": RESEARCH}
    about = queryset = Dataset.objects.all()
    serializer_class = WhyWithdrawn
    lookup_field = "slug"

    def post(self, request: Request, slug: str, public_id: str) -> Response:
        body = self.get_serializer(data=request.data)
        body.is_valid(raise_exception=True)
        images = self.row.images.select_related("dataset_label")
        if (image := images.filter(public_id=public_id).first()) is None:
            raise Http404
        self.take(image, request.user.get_username(), body.validated_data["why"])
        same = images.filter(sha256=image.sha256).order_by("key")
        return Response(ImageSerializer(same, many=True).data)

    def take(self, image: Image, who: str, why: str) -> None:
        raise NotImplementedError


@extend_schema(responses=ImageSerializer(many=True))
class Withdraw(ImageStep):
    """Withdraw an image: nobody is shown it any more, and no result or export holds it.

    So is the same file under other keys of the dataset: the reply lists all of them. Open HITs go
    on without it. Results follow in the queue. Again: changes nothing.
    """

    def take(self, image: Image, who: str, why: str) -> None:
        withdraw(image, who, why)


@extend_schema(responses=ImageSerializer(many=True))
class BringBack(ImageStep):
    """Undo the withdrawal of an image, and of the same file under other keys."""

    rights = {"POST": OWN}

    def take(self, image: Image, who: str, why: str) -> None:
        bring_back(image, who, why)


class Predictions(OfDataset):
    """The classifiers' predictions for a dataset's images, but for those that were withdrawn."""

    rows = Prediction.objects.filter(image__withdrawn_at=None).select_related("image", "classifier")
    serializer_class = PredictionSerializer
    dataset_lookup = "classifier__dataset"
    filters = {
        "image": ("image__key", "An image's key."),
        "classifier": ("classifier__name", "A classifier's name."),
    }

    def get_serializer(self, *args: Any, **kwargs: Any) -> serializers.BaseSerializer:
        # The keys of this page's labels alone, in one query.
        kwargs["context"] = self.get_serializer_context()
        if args:
            ids = {label for prediction in args[0] for label in prediction.labels}
            kwargs["context"]["label_keys"] = dict(
                Label.objects.filter(pk__in=ids).values_list("pk", "key")
            )
        return self.get_serializer_class()(*args, **kwargs)
