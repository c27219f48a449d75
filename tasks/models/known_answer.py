"""Known answers of a dataset: an expert settled whether a label's object is in an image."""

from django.db import models

from imagesets.models import Dataset, Image, Label


class KnownAnswer(models.Model):
    """A pair settled before any campaign asked: a control for all campaigns of the dataset."""

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="known_answers")
    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="+")
    label = models.ForeignKey(Label, on_delete=models.CASCADE, related_name="+")
    present = models.BooleanField()
    explanation = models.TextField(
        blank=True, default="", db_default="", help_text="Why, for workers who practise on it."
    )
    imported_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["image", "label"], name="one_known_answer_per_pair")
        ]

    def __str__(self) -> str:
        return f"{self.image_id} {'shows' if self.present else 'does not show'} {self.label_id}"
