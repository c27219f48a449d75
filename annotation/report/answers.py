"""What a study asked and what came back: counts that its figures are read beside."""

from typing import Any

import numpy as np

from annotation.report.arrays import GROUPS, Study
from imagesets.models import Image
from tasks.models import Campaign, CampaignImage


def withdrawn_from(*campaigns: Campaign | None) -> int:
    """How many images of these campaigns were withdrawn, and so count in no figure."""
    asked = CampaignImage.objects.filter(campaign__in=[each for each in campaigns if each])
    gone = Image.objects.filter(withdrawn_at__isnull=False)
    return gone.filter(pk__in=asked.values("image")).count()


def answers(study: Study) -> dict[str, Any]:
    """Pairs, images, answers and workers of each campaign, null where it is missing.

    workers: with a used answer in either. groups: CLASSIFY's images by group, and how many of them
    were answered; empty without a source. none_of_these: responses that chose it.
    """
    contains, classify = study.contains, study.classify
    workers = [each.worker for each in (contains, classify) if each is not None]
    found: dict[str, Any] = {
        "workers": np.unique(np.concatenate(workers)).size if workers else 0,
        "contains": None,
        "classify": None,
        "groups": {},
    }
    if contains is not None:
        found["contains"] = {
            "pairs": contains.image.size,
            "judged": int((contains.shown > 0).sum()),
            "judgments": contains.pair.size,
            "workers": np.unique(contains.worker).size,
        }
    if classify is not None:
        found["classify"] = {
            "images": int(study.answered.sum()),
            "responses": classify.image.size,
            "none_of_these": int((classify.sizes == 0).sum()),
            "workers": np.unique(classify.worker).size,
        }
        for number, group in enumerate(GROUPS if contains is not None else ()):
            members = study.asked & (study.group == number)
            if members.any():
                found["groups"][group] = {
                    "images": int(members.sum()),
                    "answered": int((members & study.answered).sum()),
                }
    return found
