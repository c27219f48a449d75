"""The results of aggregation; every number is traced to the run that computed it."""

from django.db import models

from imagesets.clock import Now
from imagesets.models import Dataset, Image
from tasks.models.campaign import Campaign, Pair
from tasks.models.transaction_id import TransactionField
from tasks.models.worker import Worker

COUNTED = (
    *("judgments", "responses", "images", "pairs", "assignments", "workers", "controls", "unseen"),
    *("set_aside", "rejected", "waiting_for_review", "returned", "late", "read"),
)


class Run(models.Model):
    """One aggregation of a campaign.

    `counts`: what was read, and what of it is in no result. `agreement`: Krippendorff's alpha and
    percent agreement. `convergence`: of Dawid-Skene. `notes`: what a person should look at.
    """

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="runs")
    started_at = models.DateTimeField(db_default=Now(), editable=False)
    seconds = models.FloatField(null=True, blank=True)
    version = models.CharField(max_length=50, help_text="Of this software.")
    settings = models.JSONField(default=dict)
    counts = models.JSONField(default=dict)
    agreement = models.JSONField(null=True, blank=True)
    convergence = models.JSONField(null=True, blank=True)
    notes = models.JSONField(default=list, blank=True)
    watermark = TransactionField(
        null=True, help_text="The oldest transaction that its snapshot might not have seen."
    )

    class Meta:
        ordering = ["-id"]
        get_latest_by = "id"

    def __str__(self) -> str:
        return f"run {self.pk} of {self.campaign_id}"

    @property
    def counts_told(self) -> str:
        """In the order of COUNTED, which the database does not keep."""
        known = [name for name in COUNTED if name in self.counts]
        return ", ".join(f"{self.counts[name]:,} {name.replace('_', ' ')}" for name in known)


class PairResult(models.Model):
    """CONTAINS: a pair's selection frequency. `shown` includes `selected` and `maybe`.

    Each run rewrites all rows, in a transaction that has read the pairs. So there is one index
    and no foreign key check: more would take longer than all the rest of a run.
    """

    pair = models.OneToOneField(
        Pair,
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="result",
        db_constraint=False,
    )
    run = models.ForeignKey(
        Run,
        on_delete=models.CASCADE,
        related_name="pair_results",
        db_constraint=False,
        db_index=False,
    )
    selected = models.PositiveIntegerField()
    maybe = models.PositiveIntegerField()
    shown = models.PositiveIntegerField()
    sf = models.FloatField(null=True, blank=True)
    sf_low = models.FloatField(null=True, blank=True)
    sf_high = models.FloatField(null=True, blank=True)
    posterior = models.FloatField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.pair_id}: {self.selected}/{self.shown}"


class ImageResult(models.Model):
    """CLASSIFY: an image's objects, in the form of the `annotations` table."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="image_results")
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="image_results")
    image = models.ForeignKey(Image, on_delete=models.PROTECT, related_name="+")
    main_label = models.CharField(max_length=200, null=True, blank=True)  # noqa: DJ001 null = none
    main_votes = models.JSONField(null=True)
    main_posteriors = models.JSONField(
        null=True,
        blank=True,
        help_text=(
            "Probability of each label that somebody named main, by one-coin Dawid-Skene over the"
            " image's candidates; the others share the rest equally."
        ),
    )
    num_objects = models.PositiveSmallIntegerField(null=True, blank=True)
    object_counts = models.JSONField(null=True)
    objects_found = models.JSONField(default=list)
    main_object = models.PositiveSmallIntegerField(null=True, blank=True)
    dataset_object = models.PositiveSmallIntegerField(null=True, blank=True)
    equal_cuts = models.BooleanField(
        null=True, blank=True, help_text="Another partition of its labels is as good."
    )
    surely_disagrees = models.BooleanField(
        null=True,
        blank=True,
        help_text="The main object is not the dataset label's, whichever equals are chosen.",
    )
    may_disagree = models.BooleanField(
        null=True,
        blank=True,
        help_text="The main object is not the dataset label's by some choice among equals.",
    )
    workers = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "image"], name="one_result_per_image")
        ]

    def __str__(self) -> str:
        return f"{self.image_id}: {self.num_objects}"


class WorkerResult(models.Model):
    """How well a worker did in a campaign."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="worker_results")
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="worker_results")
    worker = models.ForeignKey(Worker, on_delete=models.CASCADE, related_name="results")
    assignments = models.PositiveIntegerField()
    items = models.PositiveIntegerField()
    control_accuracy = models.FloatField(null=True, blank=True)
    agreement = models.FloatField(null=True, blank=True)
    sensitivity = models.FloatField(null=True, blank=True)
    specificity = models.FloatField(null=True, blank=True)
    median_seconds = models.FloatField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "worker"], name="one_result_per_worker")
        ]

    def __str__(self) -> str:
        return f"{self.worker_id} in {self.campaign_id}"


class KeptReport(models.Model):
    """The report of a study as JSON, kept with the last run of the study's last campaign."""

    run = models.OneToOneField(Run, on_delete=models.CASCADE, primary_key=True)
    at = models.DateTimeField(db_default=Now(), editable=False)
    document = models.TextField(help_text="What report.json holds.")

    def __str__(self) -> str:
        return f"report of {self.run}"


class KeptStudy(models.Model):
    """A study's images in the explorer's order, kept in columns; replaced whole, never changed.

    `campaign`: the study's last one; null: the dataset's images, without a study. `made_of`: what
    tells whether it is still current.
    """

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="+")
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, null=True, related_name="+")
    images = models.PositiveIntegerField()
    made_of = models.JSONField()
    at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["dataset", "campaign"], name="a_study_is_kept_once", nulls_distinct=False
            )
        ]

    def __str__(self) -> str:
        return f"{self.images} images of {self.dataset_id}/{self.campaign_id}"


class KeptColumn(models.Model):
    """A column of a kept study, as the bytes of an array; stored unpacked, so that parts of it are
    read alone."""

    study = models.ForeignKey(
        KeptStudy, on_delete=models.CASCADE, related_name="columns", db_index=False
    )
    name = models.CharField(max_length=40)
    content = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["study", "name"], name="a_column_is_kept_once")
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.study_id}"
