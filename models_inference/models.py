"""Classifiers, their predictions, the images they could not read, and jobs of inference."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from imagesets.clock import Now
from imagesets.models import Dataset, Image

LONGEST_NAME = 200  # characters of a classifier's name, and of its architecture's
STORED = 10  # predictions kept per image and classifier


class Classifier(models.Model):
    """A classifier as data: its architecture, weights, input, and the labels of its classes."""

    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="classifiers")
    name = models.CharField(max_length=LONGEST_NAME)
    architecture = models.CharField(
        max_length=LONGEST_NAME,
        blank=True,
        default="",
        help_text="timm's name, 'torchscript', 'torch.export' or 'open_clip:NAME'; empty where"
        " imported.",
    )
    weights = models.TextField(
        blank=True,
        default="",
        help_text="'pretrained', 'package:NAME', an s3:// address, a file's whole path, or"
        " open_clip's tag.",
    )
    input = models.JSONField(
        default=dict,
        blank=True,
        help_text="Overrides of timm's data configuration: input_size, crop_pct, mean, std, ..."
        " (a program's file needs the first and the last two; open_clip also takes prompts).",
    )
    mapping = models.JSONField(
        null=True,
        blank=True,
        help_text="Each class's label key or null, in index order; empty: ImageNet's WordNet ids.",
    )
    weights_sha256 = models.CharField(
        max_length=64,
        blank=True,
        default="",
        editable=False,
        help_text="Of the file that its weights were last read from; empty for timm's hub.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["dataset", "name"]
        constraints = [
            models.UniqueConstraint(
                fields=["dataset", "name"], name="classifier_name_once_per_dataset"
            )
        ]

    def __str__(self) -> str:
        return self.name


class Prediction(models.Model):
    """One classifier's top labels for one image, best first: at most STORED of them."""

    classifier = models.ForeignKey(Classifier, on_delete=models.CASCADE, related_name="predictions")
    image = models.ForeignKey(Image, on_delete=models.PROTECT, related_name="predictions")
    labels = ArrayField(models.IntegerField(), help_text="Ids of labels, best first.")
    scores = ArrayField(models.FloatField(), help_text="Softmax scores, in the same order.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["classifier", "image"], name="one_prediction_per_classifier_and_image"
            ),
            models.CheckConstraint(
                condition=Q(labels__len=F("scores__len")) & Q(labels__len__lte=STORED),
                name="prediction_arrays_match",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.classifier_id}: {self.image_id}"


class SkippedImage(models.Model):
    """An image that could not be read; the next request for inference tries it again."""

    image = models.OneToOneField(Image, on_delete=models.CASCADE, related_name="skipped")
    reason = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.image}: {self.reason}"


class InferenceJob(models.Model):
    """Inference queued for some classifiers on a dataset, and how it ended.

    Workers share it chunk by chunk; its progress is counted from the predictions themselves.
    """

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="inference_jobs")
    classifiers = ArrayField(models.BigIntegerField(), help_text="Ids, ascending.")
    queued_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True, default="")
    starts = models.PositiveSmallIntegerField(
        default=0, help_text="Times that a worker began it since a chunk was last finished."
    )

    done_before = models.PositiveBigIntegerField(
        default=0, help_text="Predictions that were there when it was queued."
    )
    begun_at = models.DateTimeField(null=True, blank=True, help_text="When a worker took it up.")
    heard_at = models.DateTimeField(null=True, blank=True, help_text="When a chunk was finished.")
    stopped_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When it was cancelled, or a network never answered: no worker takes it up.",
    )

    class Meta:
        ordering = ["-queued_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["dataset", "classifiers"], name="one_job_per_dataset_and_classifiers"
            )
        ]

    def __str__(self) -> str:
        return f"{self.dataset}: {len(self.classifiers)} classifiers"


class Trial(models.Model):
    """A classifier that somebody is about to add, and what it says of some pictures.

    Either a network, which a worker of the queue asks, or a `file` of predictions. Saved, it is a
    Classifier; `said` is written by classifiers/trials.py.
    """

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="trials")
    name = models.CharField(max_length=LONGEST_NAME)
    architecture = models.CharField(max_length=LONGEST_NAME, blank=True, default="")
    weights = models.TextField(blank=True, default="")
    input = models.JSONField(default=dict, blank=True)
    mapping = models.JSONField(null=True, blank=True)
    file = models.TextField(blank=True, default="", help_text="Its predictions, in DATA_DIR.")
    mapping_file = models.TextField(blank=True, default="", help_text="Of the file's classes.")
    queued_at = models.DateTimeField(db_default=Now())
    begun_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    stopped_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True, default="")
    said = models.JSONField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(architecture="") | ~Q(file=""), name="a_trial_is_of_something"
            )
        ]

    def __str__(self) -> str:
        return self.name
