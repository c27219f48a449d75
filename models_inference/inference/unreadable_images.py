"""Tells a few broken images from a folder or bucket that this machine cannot read at all."""

import contextlib
from collections.abc import Mapping

from django.db.models import Exists, OuterRef

from imagesets.models import Dataset, Image
from imagesets.pictures.decoding import open_rgb
from models_inference.errors import InferenceError
from models_inference.models import Prediction, SkippedImage

FEW = 3  # unreadable images in a row before the machine itself is suspected


class UnreadableImages:
    """The images that a run could not read since the last one it could."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self._reasons: dict[int, str] = {}  # by image

    def add_chunk(self, skipped: Mapping[int, str], size: int) -> None:
        """Note the skipped images (and reasons) of a chunk of `size` images.

        If more than FEW images in a row cannot be read, nor any that has predictions, raises
        InferenceError and forgets that they were skipped.
        """
        self._reasons = {**self._reasons, **skipped} if len(skipped) == size else {}
        if len(self._reasons) <= FEW:
            return
        images = Image.objects.in_bulk(list(self._reasons))
        # Images deleted meanwhile prove nothing.
        self._reasons = {image: why for image, why in self._reasons.items() if image in images}
        if len(self._reasons) <= FEW:
            return
        if self._can_read_others():
            self._reasons = {}
            return
        SkippedImage.objects.filter(image__in=self._reasons).delete()
        image, reason = next(iter(self._reasons.items()))
        raise InferenceError(
            f"None of {len(self._reasons)} images in a row can be read on this machine; the first: "
            f"{images[image].location}: {reason}"
        )

    def _can_read_others(self) -> bool:
        """Whether some image that has predictions can still be read."""
        others = Image.objects.filter(dataset=self.dataset).exclude(id__in=self._reasons)
        predicted = Prediction.objects.filter(image=OuterRef("id"))
        for location in others.filter(Exists(predicted)).values_list("location", flat=True)[:FEW]:
            with contextlib.suppress(OSError, ValueError, MemoryError):
                open_rgb(location)
                return True
        return False
