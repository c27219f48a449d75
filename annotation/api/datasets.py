"""Datasets over the API, read-only: their labels, images and predictions."""

from typing import Any

from django.db.models import QuerySet
from rest_framework import generics, serializers

from annotation.rights import VIEW
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


class ImageSerializer(serializers.ModelSerializer):
    dataset_label = serializers.CharField(
        source="dataset_label.key", default=None, read_only=True, allow_null=True
    )

    class Meta:
        model = Image
        fields = ["key", "public_id", "sha256", "width", "height", "dataset_label"]
        read_only_fields = fields


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
    """A dataset's images, by key."""

    rows = Image.objects.select_related("dataset_label")
    serializer_class = ImageSerializer
    ordering = "key"
    filters = {
        "key": ("key", "An image's key."),
        "dataset_label": ("dataset_label__key", "The key of the label that it came with."),
        "sha256": ("sha256", "The SHA-256 of its bytes, the same for identical files."),
    }


class Predictions(OfDataset):
    """The classifiers' predictions for a dataset's images."""

    rows = Prediction.objects.select_related("image", "classifier")
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
