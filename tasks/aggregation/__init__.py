"""From workers' answers to numbers: pure functions on arrays, usable without the rest."""

from .follow_up import Candidate, Sample, labels_to_offer, labels_without_source, sample_groups
from .frequencies import SelectionFrequencies, selection_frequencies
from .groups import GROUPS, image_groups
from .intervals import wilson
from .max_k_cut import max_k_cut
from .objects import ImageObjects, Response, image_objects

__all__ = [
    "GROUPS",
    "Candidate",
    "ImageObjects",
    "Response",
    "Sample",
    "SelectionFrequencies",
    "image_groups",
    "image_objects",
    "labels_to_offer",
    "labels_without_source",
    "max_k_cut",
    "sample_groups",
    "selection_frequencies",
    "wilson",
]
