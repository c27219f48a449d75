"""From workers' answers to numbers: pure functions on arrays, usable without the rest."""

from .agreement import krippendorff_alpha, nominal_alpha
from .dawid_skene import DawidSkene, OneCoinDawidSkene
from .em import Convergence, DawidSkeneResult, fit_dawid_skene
from .follow_up import Candidate, Sample, labels_to_offer, labels_without_source, sample_groups
from .frequencies import SelectionFrequencies, selection_frequencies
from .groups import GROUPS, image_groups
from .intervals import wilson
from .k_cut import TooHardError, max_k_cut
from .majority import MajorityVote
from .objects import ImageObjects, Response, image_objects
from .one_coin import OneCoinResult, fit_one_coin
from .skill import (
    WorkerSkill,
    control_skill,
    expected_skill,
    may_be_stopped,
    peer_controls,
    skill_of_counts,
)

__all__ = [
    "GROUPS",
    "Candidate",
    "Convergence",
    "DawidSkene",
    "DawidSkeneResult",
    "ImageObjects",
    "MajorityVote",
    "OneCoinDawidSkene",
    "OneCoinResult",
    "Response",
    "Sample",
    "SelectionFrequencies",
    "TooHardError",
    "WorkerSkill",
    "control_skill",
    "expected_skill",
    "fit_dawid_skene",
    "fit_one_coin",
    "image_groups",
    "image_objects",
    "krippendorff_alpha",
    "labels_to_offer",
    "labels_without_source",
    "max_k_cut",
    "may_be_stopped",
    "nominal_alpha",
    "peer_controls",
    "sample_groups",
    "selection_frequencies",
    "skill_of_counts",
    "wilson",
]
