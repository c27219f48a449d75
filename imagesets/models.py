"""Dataset, Label and Image, what was withdrawn, duplicates, and imports started in the admin."""

import secrets

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


def new_public_id() -> str:
    """An opaque, unguessable name (16 characters, 96 bits)."""
    return secrets.token_urlsafe(12)


class Dataset(models.Model):
    """A benchmark: its images, and the label set that their labels are from."""

    slug = models.SlugField(unique=True, max_length=100)
    name = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.slug


class Label(models.Model):
    """A class of the dataset, with the texts that workers read about it."""

    id = models.AutoField(primary_key=True)  # 4 bytes: predictions hold arrays of these
    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="labels")
    key = models.CharField(max_length=200)
    names = ArrayField(models.TextField(), help_text="Synonyms; the first is shown first.")
    definition = models.TextField(blank=True, default="")
    translations = models.JSONField(
        default=dict,
        db_default={},
        blank=True,
        help_text='By language code: {"de": {"names": [...], "definition": "..."}}.',
    )
    wikipedia = ArrayField(models.URLField(max_length=500), default=list, blank=True)
    superclass = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        ordering = ["dataset", "key"]
        constraints = [
            models.UniqueConstraint(fields=["dataset", "key"], name="label_key_once_per_dataset"),
            models.CheckConstraint(condition=Q(names__len__gte=1), name="label_has_a_name"),
            models.CheckConstraint(condition=~Q(key=""), name="label_key_not_empty"),
        ]

    def __str__(self) -> str:
        return f"{self.key} ({self.names[0]})"


class Image(models.Model):
    """A picture: its key in the dataset, the location of its bytes, and its dataset label."""

    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="images")
    key = models.CharField(max_length=500, help_text="Path below the dataset's root.")
    public_id = models.CharField(max_length=16, unique=True, default=new_public_id)
    location = models.TextField(
        help_text="A file's whole path, a copy's path below DATA_DIR, or an s3:// address."
    )
    sha256 = models.CharField(max_length=64, db_index=True)
    width = models.PositiveIntegerField(help_text="Pixels, with EXIF orientation applied.")
    height = models.PositiveIntegerField(help_text="Pixels, with EXIF orientation applied.")
    perceptual_hash = models.BigIntegerField(
        null=True, blank=True, help_text="64 bits of coarse structure, for near duplicates."
    )
    dataset_label = models.ForeignKey(
        Label, on_delete=models.PROTECT, null=True, blank=True, related_name="images"
    )
    pictures_in_bucket = models.PositiveSmallIntegerField(
        default=0,
        db_default=0,
        help_text="The version of workers' pictures that is in the bucket; 0: none.",
    )
    withdrawn_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="Since then nobody is shown it, and no result or export holds it.",
    )
    withdrawn_by = models.CharField(max_length=200, blank=True, default="", db_default="")
    withdrawn_why = models.TextField(blank=True, default="", db_default="")

    class Meta:
        ordering = ["dataset", "key"]
        constraints = [
            models.UniqueConstraint(fields=["dataset", "key"], name="image_key_once_per_dataset"),
            models.CheckConstraint(
                condition=Q(width__gte=1, height__gte=1), name="image_has_a_size"
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at=None, withdrawn_by="", withdrawn_why="")
                | Q(withdrawn_at__isnull=False) & ~Q(withdrawn_by="") & ~Q(withdrawn_why=""),
                name="a_withdrawal_says_who_and_why",
            ),
        ]
        indexes = [
            models.Index(
                fields=["dataset"], condition=Q(withdrawn_at__isnull=False), name="image_withdrawn"
            )
        ]

    def __str__(self) -> str:
        return self.key


class Withdrawal(models.Model):
    """An entry of an image's log: somebody withdrew it (`withdrawn`), or brought it back."""

    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="withdrawals")
    withdrawn = models.BooleanField()
    who = models.CharField(max_length=200)
    why = models.TextField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(who="") & ~Q(why=""), name="a_log_of_images_says_who_and_why"
            )
        ]

    def __str__(self) -> str:
        return f"{self.image_id} {'withdrawn' if self.withdrawn else 'brought back'}"


class Comparison(models.Model):
    """The duplicates that the last import found in a dataset, as duplicates.in_short has them."""

    dataset = models.OneToOneField(
        Dataset, on_delete=models.CASCADE, primary_key=True, related_name="comparison"
    )
    images = models.PositiveIntegerField(help_text="How many there were.")
    identical = models.JSONField()
    alike = models.JSONField()


class ImportJob(models.Model):
    """An import that somebody started in the admin: its arguments, progress and result."""

    class State(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    slug = models.SlugField(max_length=100)
    name = models.CharField(max_length=200, blank=True, default="")
    images = models.TextField(help_text="As import_dataset's --images: a path or s3:// address.")
    classes = models.TextField(blank=True, default="", help_text="A file's path, or none.")
    labels = models.TextField(blank=True, default="", help_text="A file's path, or none.")
    strict = models.BooleanField(default=False)
    copy = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    step = models.CharField(max_length=100, blank=True, default="")
    step_at = models.DateTimeField(null=True, blank=True, help_text="When its step began.")
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(null=True, blank=True)
    findings = ArrayField(models.TextField(), default=list, blank=True)
    counts = models.JSONField(default=list, blank=True)
    error = models.TextField(blank=True, default="")
    created_by = models.CharField(max_length=150)
    created_at = models.DateTimeField(auto_now_add=True)
    heard_at = models.DateTimeField(null=True, blank=True, help_text="Its last sign of life.")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "running", "done", "failed"]),
                name="import_job_state_known",
            ),
            models.CheckConstraint(condition=~Q(images=""), name="import_job_has_an_address"),
        ]

    def __str__(self) -> str:
        return f"{self.slug}: {self.state}"
