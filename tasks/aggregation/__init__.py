"""From workers' answers to numbers: pure functions on arrays, usable without the rest."""

from .agreement import Agreement, agreement_of_counts, krippendorff_alpha, nominal_alpha
from .consensus import agrees_with_others
from .dawid_skene import DawidSkene, OneCoinDawidSkene
from .follow_up import Candidate, Sample, labels_to_offer, labels_without_source, sample_groups
from .frequencies import SelectionFrequencies, frequencies_of_counts, selection_frequencies
from .groups import GROUPS, image_groups
from .intervals import wilson
from .k_cut import TooHardError, max_k_cut
from .majority import MajorityVote
from .objects import ImageObjects, Response, image_objects
from .one_coin import OneCoinResult, fit_one_coin
from .posterior import PairPosteriors, fit_posteriors
from .skill import (
    WorkerSkill,
    control_skill,
    may_be_stopped,
    peer_controls,
    skill_of_counts,
)

__all__ = [
    "GROUPS",
    "Agreement",
    "Candidate",
    "DawidSkene",
    "ImageObjects",
    "MajorityVote",
    "OneCoinDawidSkene",
    "OneCoinResult",
    "PairPosteriors",
    "Response",
    "Sample",
    "SelectionFrequencies",
    "TooHardError",
    "WorkerSkill",
    "agreement_of_counts",
    "agrees_with_others",
    "control_skill",
    "fit_one_coin",
    "fit_posteriors",
    "frequencies_of_counts",
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
