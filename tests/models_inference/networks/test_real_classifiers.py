"""The real networks on real photographs: pixels as timm has them, labels as they should be."""

import pytest
import torch
from PIL import Image as Picture

from imagesets.pictures.decoding import open_rgb
from models_inference.classifiers.presets import DEFAULT, register_demo_classifiers
from models_inference.inference.run import predict
from models_inference.models import Prediction
from models_inference.networks.devices import choose_device
from models_inference.networks.network import load
from models_inference.networks.timm_import import timm
from tests.factories import make_imagenet_dataset


def test_native_models_name_the_dataset_label_of_most_photographs(photos):
    """The smallest one, native and at half resolution; tests/test_whole_way.py runs all six."""
    names = ("efficientnet_lite0", "efficientnet_lite0@112")
    classifiers = [
        classifier for classifier in register_demo_classifiers(photos) if classifier.name in names
    ]
    outcome = predict(photos, classifiers, device="cpu")
    assert outcome.written == Prediction.objects.count() == 63 * 2
    assert not outcome.skipped
    assert set(outcome.dropped.values()) == {0}
    truth = dict(photos.images.values_list("id", "dataset_label_id"))
    accuracy = {}
    for classifier in classifiers:
        rows = classifier.predictions.values_list("image_id", "labels", "scores")
        accuracy[classifier.name] = sum(truth[image] == best[0] for image, best, _ in rows) / 63
        for _, labels, scores in rows:
            assert len(set(labels)) == len(labels) == 10
            assert scores == sorted(scores, reverse=True)
            assert scores[-1] >= 0
            assert sum(scores) <= 1.000001
    assert accuracy["efficientnet_lite0"] > 0.8
    assert accuracy["efficientnet_lite0@112"] < accuracy["efficientnet_lite0"]


@pytest.mark.parametrize(
    "name", ["efficientnet_lite0", "efficientnet_lite2", "efficientnet_lite1@120"]
)
def test_logits_equal_those_of_timms_own_transform(name, db, pictures):
    timm()
    from timm.data import create_transform, resolve_data_config

    dataset = make_imagenet_dataset()
    classifier = next(c for c in register_demo_classifiers(dataset) if c.name == name)
    network = load(classifier, choose_device("cpu"))
    config = resolve_data_config(
        {"input_size": tuple(classifier.input["input_size"])} if classifier.input else {},
        model=network.model,
    )
    transform = create_transform(**config, is_training=False)
    pictures = pictures[:4]  # one of each photograph
    theirs = torch.stack([transform(Picture.open(file).convert("RGB")) for file in pictures])
    shape = network.preprocessing.transform()
    ours = torch.stack([shape(open_rgb(file)) for file in pictures])
    assert torch.equal(network.preprocessing.normalise(ours), theirs)
    with torch.inference_mode():
        expected = network.model(theirs)
    assert torch.allclose(network.logits(ours), expected, atol=1e-4)


@pytest.mark.parametrize(
    "overrides",
    [
        {"crop_mode": "squash", "input_size": [3, 96, 130]},
        {"crop_mode": "border", "mean": [0.2, 0.4, 0.6]},
        {"crop_pct": 1.0, "interpolation": "bilinear", "std": [0.2, 0.3, 0.4]},
        {"input_size": [3, 64, 200]},
    ],
)
def test_every_input_setting_gives_timms_pixels(overrides, pictures):
    timm()
    from timm.data import create_transform, resolve_data_config

    from models_inference.networks.preprocessing import resolve

    cfg = timm().get_pretrained_cfg("tf_efficientnet_lite0").to_dict()
    args = {
        key: tuple(value) if isinstance(value, list) else value for key, value in overrides.items()
    }
    transform = create_transform(**resolve_data_config(args, pretrained_cfg=cfg), is_training=False)
    ours = resolve(overrides, cfg)
    shape = ours.transform()
    for file in pictures[:4]:
        theirs = transform(Picture.open(file).convert("RGB"))
        assert torch.equal(ours.normalise(shape(open_rgb(file))[None])[0], theirs)


def test_the_default_preset_names_ten_models_that_timm_has_weights_of():
    names = [preset.architecture for preset in DEFAULT]
    assert len(set(names)) == 10
    assert set(names) <= set(timm().list_pretrained())
