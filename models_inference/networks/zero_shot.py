"""Builds zero-shot classifiers for any label set: image-text models, prompted with label names.

Radford et al. 2021, section 3.1.4: a label is the mean of the normalised embeddings of its prompts;
logits are the model's scale times the cosine of picture and label.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imagesets.models import Label
from models_inference.errors import InferenceError
from models_inference.models import Classifier
from models_inference.networks.built_network import Built
from models_inference.networks.timm_import import timm
from models_inference.networks.weights import (
    PRETRAINED,
    first_line,
    read_checkpoint,
    split_part,
    weights_file,
)

if TYPE_CHECKING:
    import torch
    from torch import Tensor

PREFIX = "open_clip:"  # followed by the library's name of an architecture
PROMPTS = ("a photo of a {}.",)
TEXTS = 256  # prompts embedded at a time


@dataclass(frozen=True)
class Encoders:
    """An image-text model on a device.

    image: normalised pictures (N, 3, H, W) -> (N, D). text: M prompts -> (M, D). config: its data
    configuration, in timm's form. taken: as Built's.
    """

    image: Callable[["Tensor"], "Tensor"]
    text: Callable[[Sequence[str]], "Tensor"]
    scale: float
    config: Mapping[str, Any]
    taken: str = ""


def build(
    classifier: Classifier,
    device: "torch.device",
    encoders: Callable[[Classifier, "torch.device"], Encoders] | None = None,
) -> Built:
    """A classifier whose classes are the dataset's labels, in the order of their import.

    Its first run stores these labels, in this order, as its mapping: labels imported later do not
    change the meaning of its logits. `encoders` makes the model (default: open_clip's). Raises
    InferenceError.
    """
    import torch

    model = (encoders or open_clip_encoders)(classifier, device)
    keys = labels_of(classifier)
    names = dict(Label.objects.filter(dataset=classifier.dataset).values_list("key", "names"))
    if gone := [key for key in keys if key not in names]:
        raise InferenceError(
            f"Classifier {classifier.name}: its mapping names {gone[0]!r}, which is not a label of"
            f" {classifier.dataset.slug}."
        )
    templates = classifier.input.get("prompts") or PROMPTS
    with torch.inference_mode():
        classes = embeddings(model, [names[key] for key in keys], templates)

    def logits(pictures: "Tensor") -> "Tensor":
        return model.scale * _unit(model.image(pictures).float()) @ classes.T

    return Built(model=logits, classes=len(keys), config=model.config, keys=keys, taken=model.taken)


def labels_of(classifier: Classifier) -> list[str]:
    """The label keys that are a classifier's classes; stored in its row from now on."""
    if classifier.mapping is None:
        labels = Label.objects.filter(dataset=classifier.dataset).order_by("id")
        keys = list(labels.values_list("key", flat=True))
        row = Classifier.objects.filter(pk=classifier.pk)
        row.filter(mapping__isnull=True).update(mapping=keys)
        # Another worker may have been faster.
        classifier.mapping = row.values_list("mapping", flat=True).first()
    keys = [key for key in classifier.mapping or [] if key]
    if not keys:
        raise InferenceError(f"Dataset {classifier.dataset.slug} has no labels to prompt with.")
    return keys


def embeddings(model: Encoders, names: list[list[str]], templates: Sequence[str]) -> "Tensor":
    """A unit vector for each label (L, D): the mean of its prompts' unit vectors, normalised."""
    import torch

    prompts = [
        (label, template.replace("{}", name))
        for label, own in enumerate(names)
        for name in own
        for template in templates
    ]
    parts = [
        _unit(model.text([text for _, text in prompts[start : start + TEXTS]]).float())
        for start in range(0, len(prompts), TEXTS)
    ]
    each = torch.cat(parts)
    owner = torch.tensor([label for label, _ in prompts], device=each.device)
    sums = torch.zeros(len(names), each.shape[1], device=each.device)
    return _unit(sums.index_add_(0, owner, each))


def _unit(vectors: "Tensor") -> "Tensor":
    return vectors / vectors.norm(dim=-1, keepdim=True).clamp(min=1e-12)


def open_clip_encoders(classifier: Classifier, device: "torch.device") -> Encoders:
    """The open_clip architecture that a classifier names.

    Its weights: one of open_clip's own tags ("laion2b_s34b_b79k"), "pretrained" for the first of
    them, or a file of tensors.
    """
    import torch

    timm()  # open_clip imports torchvision, which may need its missing operators declared
    try:
        import open_clip
    except ImportError:
        raise InferenceError(
            f"Classifier {classifier.name} is an image-text model of open_clip, which is not"
            " installed: pip install open_clip_torch."
        ) from None
    name, weights = classifier.architecture.removeprefix(PREFIX), classifier.weights
    if name not in open_clip.list_models():
        raise InferenceError(
            f"Classifier {classifier.name}: open_clip has no architecture {name!r}"
            " (open_clip.list_models() lists them)."
        )
    tags = open_clip.list_pretrained_tags_by_model(name)
    tag = (tags or [""])[0] if weights == PRETRAINED else weights
    checkpoint = None
    if tag not in tags:
        checkpoint = read_checkpoint(weights_file(weights), split_part(weights)[1])
    taken = ""
    try:
        model = open_clip.create_model(name, pretrained=None if checkpoint else tag)
        if checkpoint:
            part = checkpoint.part_named(model.state_dict())
            if part is None:
                raise checkpoint.unfit(None)
            checkpoint.check_rest(part)
            model.load_state_dict(part.state)
            taken = part.note()
    except InferenceError:
        raise
    except Exception as error:  # the hub's, torch's and open_clip's own
        raise InferenceError(
            f"Classifier {classifier.name}: the weights {weights} of {name} cannot be loaded:"
            f" {first_line(error)}. Without network access, give a file fetched elsewhere."
        ) from None
    model = model.eval().to(device)
    tokens = open_clip.get_tokenizer(name)
    own = model.visual
    height, width = own.image_size if isinstance(own.image_size, tuple) else (own.image_size,) * 2
    return Encoders(
        image=model.encode_image,
        text=lambda texts: model.encode_text(tokens(list(texts)).to(device)),
        scale=float(torch.as_tensor(model.logit_scale).detach().exp()),
        config={
            "input_size": (3, height, width),
            "mean": tuple(own.image_mean or (0.48145466, 0.4578275, 0.40821073)),
            "std": tuple(own.image_std or (0.26862954, 0.26130258, 0.27577711)),
            "interpolation": "bicubic",
            "crop_pct": 1.0,
        },
        taken=taken,
    )
