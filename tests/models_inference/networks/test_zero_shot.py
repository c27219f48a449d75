"""An image-text model as a classifier, shown with a tiny model."""

import json

import pytest
import torch

from imagesets.models import Label
from models_inference.errors import InferenceError
from models_inference.inference.run import predict
from models_inference.models import Classifier
from models_inference.networks import network, zero_shot
from models_inference.networks.devices import choose_device
from models_inference.networks.network import load
from models_inference.networks.timm_import import timm
from tests.factories import add_images, make_imagenet_dataset

OPEN_CLIP = zero_shot.open_clip_encoders
COLOURS = {"red": (1.0, 0.0, 0.0), "green": (0.0, 1.0, 0.0), "blue": (0.0, 0.0, 1.0)}


class Tiny(torch.nn.Module):
    """Embeds a picture as its mean colour and a text as the colours that it names."""

    def encode_image(self, pictures):
        return pictures.mean((2, 3)) + 0.01

    def encode_text(self, texts):
        return torch.tensor(
            [
                [sum(c[i] for name, c in COLOURS.items() if name in text) + 0.01 for i in range(3)]
                for text in texts
            ]
        )


def tiny(classifier, device) -> zero_shot.Encoders:
    model = Tiny()
    return zero_shot.Encoders(
        image=model.encode_image,
        text=model.encode_text,
        scale=20.0,
        config={"input_size": (3, 16, 16), "mean": (0, 0, 0), "std": (1, 1, 1), "crop_pct": 1.0},
    )


@pytest.fixture
def classifier(db, tmp_path, monkeypatch) -> Classifier:
    """Three pictures of one colour each, in a label set that no classifier knows."""
    from PIL import Image

    monkeypatch.setattr(zero_shot, "open_clip_encoders", tiny)
    dataset = make_imagenet_dataset(keys=[])
    for name in COLOURS:
        Label.objects.create(dataset=dataset, key=f"key of {name}", names=[name, f"{name} thing"])
        picture = Image.new("RGB", (20, 20), tuple(int(250 * c) for c in COLOURS[name]))
        picture.save(tmp_path / f"{name}.png")
    add_images(dataset, sorted(tmp_path.glob("*.png")))
    return Classifier.objects.create(
        dataset=dataset, name="clip", architecture="open_clip:tiny", weights="pretrained"
    )


def test_each_picture_is_named_by_its_prompt(classifier):
    outcome = predict(classifier.dataset, [classifier])
    assert (outcome.written, outcome.dropped) == (3, {"clip": 0})
    keys = dict(classifier.dataset.labels.values_list("id", "key"))
    for prediction in classifier.predictions.select_related("image"):
        assert keys[prediction.labels[0]] == f"key of {prediction.image.key.removesuffix('.png')}"
        assert prediction.scores[0] > 0.9
        assert sum(prediction.scores) == pytest.approx(1, abs=1e-3)


def test_labels_that_come_later_do_not_change_what_its_logits_mean(classifier):
    load(classifier, choose_device("cpu"))
    Label.objects.create(dataset=classifier.dataset, key="a new one", names=["violet"])
    again = load(Classifier.objects.get(pk=classifier.pk), choose_device("cpu"))
    assert again.labels.classes == 3


def test_prompts_are_a_setting(classifier):
    classifier.input = {"prompts": ["{}", "a {} picture"]}
    with torch.inference_mode():
        asked = []
        original = Tiny.encode_text
        encoders = tiny(classifier, None)
        object.__setattr__(
            encoders, "text", lambda texts: asked.extend(texts) or original(None, texts)
        )
        zero_shot.build(classifier, choose_device("cpu"), lambda c, d: encoders)
    assert asked[:4] == ["red", "a red picture", "red thing", "a red thing picture"]
    for wrong in (["no place"], [], ["{} {}"], ["{0}"], ["{} }"]):
        classifier.input = {"prompts": wrong}
        with pytest.raises(InferenceError, match="prompts must be"):
            load(classifier, choose_device("cpu"))


def test_without_the_library_the_error_says_what_to_install(db, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "open_clip", None)
    classifier = Classifier.objects.create(
        dataset=make_imagenet_dataset(),
        name="c",
        architecture="open_clip:ViT-B-32",
        weights="pretrained",
    )
    with pytest.raises(InferenceError, match="pip install open_clip_torch"):
        network.load(classifier, choose_device("cpu"))


def test_an_architecture_of_open_clip_with_weights_from_a_file(classifier, tmp_path, monkeypatch):
    timm()  # open_clip imports torchvision
    open_clip = pytest.importorskip("open_clip", reason="the extra open_clip is not installed")
    config = {
        "embed_dim": 16,
        "vision_cfg": {"image_size": 32, "layers": 1, "width": 64, "patch_size": 16},
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 1},
    }
    config["text_cfg"]["layers"] = 1
    (tmp_path / "tiny-test.json").write_text(json.dumps(config))
    open_clip.add_model_config(tmp_path)
    model = open_clip.create_model("tiny-test").eval()
    torch.save(model.state_dict(), tmp_path / "weights.pt")
    monkeypatch.setattr(zero_shot, "open_clip_encoders", OPEN_CLIP)
    classifier.architecture = "open_clip:tiny-test"
    classifier.weights = str(tmp_path / "weights.pt")
    loaded = load(classifier, choose_device("cpu"))
    pixels = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8)
    with torch.inference_mode():
        tokens = open_clip.get_tokenizer("tiny-test")
        image = model.encode_image(loaded.preprocessing.normalise(pixels), normalize=True)
        named = [
            model.encode_text(
                tokens([f"a photo of a {name}.", f"a photo of a {name} thing."]), normalize=True
            ).mean(0)
            for name in ("red", "green", "blue")
        ]
        text = torch.nn.functional.normalize(torch.stack(named), dim=-1)
        expected = model.logit_scale.exp() * image @ text.T
    torch.testing.assert_close(loaded.logits(pixels), expected, rtol=1e-4, atol=1e-4)
