"""Weights files: what fits is loaded, what would run code or does not fit is refused by name."""

import argparse
import pickle
from pathlib import Path

import pytest
import torch

from imagesets.locations import s3_client
from models_inference.classifiers.presets import register_demo_classifiers
from models_inference.errors import InferenceError
from models_inference.models import Classifier
from models_inference.networks.checkpoint_matching import load_matched
from models_inference.networks.devices import choose_device
from models_inference.networks.network import load
from models_inference.networks.timm_import import timm
from models_inference.networks.weights import weights_file
from tests.factories import make_imagenet_dataset


class Wicked:
    """A pickle that runs code when it is loaded."""

    def __init__(self, file):
        self.file = file

    def __reduce__(self):
        return (exec, (f"open({str(self.file)!r}, 'w').close()",))


@pytest.fixture
def dataset(db):
    return make_imagenet_dataset()


def classifier(dataset, weights, **fields) -> Classifier:
    fields = {"architecture": "test_efficientnet", **fields}
    return Classifier.objects.create(dataset=dataset, name="one", weights=str(weights), **fields)


@pytest.mark.parametrize("form", ["torch", "options", "beside", 2, 4])
def test_a_file_that_would_run_code_is_refused_unrun(dataset, tmp_path, form):
    file, proof = tmp_path / "wicked.pth", tmp_path / "ran"
    state = timm().create_model("test_efficientnet").state_dict()
    if form == "torch":
        torch.save({"state_dict": Wicked(proof)}, file)
    elif form == "options":
        options = argparse.Namespace(lr=0.1, inner=argparse.Namespace(wicked=Wicked(proof)))
        torch.save({"state_dict": state, "args": options}, file)
    elif form == "beside":
        torch.save({"state_dict": state, "model_ema": Wicked(proof)}, file)
    else:
        file.write_bytes(pickle.dumps(Wicked(proof), protocol=form))
    with pytest.raises(InferenceError, match=r"wicked\.pth is refused: .* could run code"):
        load(classifier(dataset, file), choose_device("cpu"))
    assert not proof.exists()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "cannot be read"),
        (b"\x89PNG nothing of the kind", "is refused"),
    ],
)
def test_a_file_that_is_no_weights_file(dataset, tmp_path, content, says):
    file = tmp_path / "w.pth"
    file.write_bytes(content)
    with pytest.raises(InferenceError, match=says):
        load(classifier(dataset, file), choose_device("cpu"))


def test_weights_of_another_network_are_refused_naming_the_tensor(dataset, tmp_path):
    file = tmp_path / "other.pth"
    wanted = classifier(dataset, file)
    torch.save(timm().create_model("test_resnet").state_dict(), file)
    with pytest.raises(InferenceError, match=r"other\.pth holds \d+ tensors"):
        load(wanted, choose_device("cpu"))
    state = timm().create_model("test_efficientnet").state_dict()
    state = {f"x{name}": tensor for name, tensor in state.items()}
    order = list(state)
    order[1:3] = order[2:0:-1]  # the first norm's bias before its weight: of the same shape
    state = {name: state[name] for name in order}
    torch.save(state, file)
    with pytest.raises(InferenceError, match=r"xbn1\.bias .* does not fit .* bn1\.weight"):
        load(wanted, choose_device("cpu"))


@pytest.mark.parametrize("wrapper", [None, "state_dict", "model"])
def test_checkpoints_are_unwrapped_and_heads_of_any_width_fit(db, tmp_path, wrapper):
    dataset = make_imagenet_dataset("three", ["n01491361", "n02123045", "n07920052"])
    model = timm().create_model("test_efficientnet", num_classes=3).eval()
    state = {f"module.{name}": tensor for name, tensor in model.state_dict().items()}
    file = tmp_path / "w.pth"
    torch.save({wrapper: state, "epoch": 3} if wrapper else state, file)
    keys = list(dataset.labels.values_list("key", flat=True))
    network = load(classifier(dataset, file, mapping=keys), choose_device("cpu"))
    pixels = torch.randint(0, 256, (2, 3, 160, 160), dtype=torch.uint8)
    with torch.inference_mode():
        expected = model(network.preprocessing.normalise(pixels))
    assert torch.allclose(network.logits(pixels), expected, atol=1e-4)


def tiny_swin():
    from timm.models.swin_transformer import SwinTransformer

    return SwinTransformer(
        img_size=32, patch_size=2, embed_dim=8, depths=(2, 2), num_heads=(1, 2), window_size=4
    ).eval()


def tiny_beit():
    from timm.models.beit import Beit

    return Beit(
        img_size=32, patch_size=8, embed_dim=8, depth=2, num_heads=2, use_rel_pos_bias=True
    ).eval()


def older(state: dict[str, torch.Tensor], original: bool) -> dict[str, torch.Tensor]:
    """A Swin or BEiT with the buffers that files of their authors and of an older timm hold."""
    older_state = {}
    for name, tensor in state.items():
        if original and "layers.1.downsample" in name:
            name = name.replace("layers.1", "layers.0")
        older_state[name.replace("head.fc", "head") if original else name] = tensor
        if name.endswith("relative_position_bias_table"):
            before = name.removesuffix("relative_position_bias_table")
            older_state[f"{before}relative_position_index"] = torch.zeros(16, 16, dtype=torch.long)
            older_state[f"{before.replace('attn.', '')}attn_mask"] = torch.zeros(4, 16, 16)
    return older_state


@pytest.mark.parametrize(
    ("make", "original"), [(tiny_swin, False), (tiny_swin, True), (tiny_beit, False)]
)
def test_buffers_and_names_of_older_files_are_taken_but_nothing_may_be_missing(make, original):
    timm()
    torch.manual_seed(1)
    theirs, pictures = make(), torch.randn(2, 3, 32, 32)
    state, ours = older(theirs.state_dict(), original), make()
    load_matched(ours, state, Path("w.pth"))
    with torch.inference_mode():
        assert torch.equal(ours(pictures), theirs(pictures))
    for name in [name for name, _ in theirs.named_parameters()][::7]:
        less = older({n: t for n, t in theirs.state_dict().items() if n != name}, original)
        with pytest.raises(InferenceError, match=r"w\.pth holds \d+ tensors, the architecture"):
            load_matched(make(), less, Path("w.pth"))
    with pytest.raises(InferenceError, match=r"it also has blocks\.9\.weight\."):
        load_matched(
            make(), {**theirs.state_dict(), "blocks.9.weight": torch.zeros(3)}, Path("w.pth")
        )


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("inception_v3", "inception_v3.tv_in1k"),
        ("regnet_y_400mf", "regnety_004"),
        ("densenet121", "densenet121.tv_in1k"),
    ],
)
def test_torchvisions_weights_give_torchvisions_logits(dataset, tmp_path, theirs, ours):
    timm()
    import torchvision

    torch.manual_seed(1)
    extra = {"init_weights": False} if theirs == "inception_v3" else {}
    network = getattr(torchvision.models, theirs)(**extra).eval()
    torch.save(network.state_dict(), tmp_path / "w.pth")
    loaded = load(classifier(dataset, tmp_path / "w.pth", architecture=ours), choose_device("cpu"))
    pictures = torch.randn(1, 3, 128, 128)
    with torch.inference_mode():
        torch.testing.assert_close(loaded.model(pictures), network(pictures), rtol=1e-3, atol=1e-4)


def test_a_checkpoint_that_holds_itself_is_refused(dataset, tmp_path):
    content = {}
    content["model"] = content
    torch.save(content, tmp_path / "w.pth")
    with pytest.raises(InferenceError, match="does not hold a state_dict"):
        load(classifier(dataset, tmp_path / "w.pth"), choose_device("cpu"))


def test_safetensors_are_read(dataset, tmp_path):
    from safetensors.torch import save_file

    file = tmp_path / "w.safetensors"
    save_file(timm().create_model("test_efficientnet").state_dict(), file)
    assert load(classifier(dataset, file), choose_device("cpu")).labels.dropped == 0


def test_weights_on_s3_are_fetched_once_and_anew_where_they_have_changed(
    dataset, bucket, settings, tmp_path
):
    settings.DATA_DIR = tmp_path / "data"
    file = tmp_path / "w.pth"
    for seed in (1, 2):
        torch.manual_seed(seed)
        model = timm().create_model("test_efficientnet")
        torch.save(model.state_dict(), file)
        s3_client().upload_file(str(file), bucket, "weights/w.pth")
        wanted = Classifier(dataset=dataset, name="s3", architecture="test_efficientnet")
        wanted.weights = f"s3://{bucket}/weights/w.pth"
        network = load(wanted, choose_device("cpu"))
        assert torch.equal(network.model.state_dict()["conv_stem.weight"], model.conv_stem.weight)
        assert weights_file(wanted.weights) == weights_file(wanted.weights)
    assert len(list((tmp_path / "data" / "weights").glob("*/w.pth"))) == 2
    with pytest.raises(InferenceError, match=r"s3://pictures/none cannot be fetched"):
        weights_file("s3://pictures/none")


def test_where_the_hub_cannot_be_reached_the_error_says_what_to_do(dataset, monkeypatch, tmp_path):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "https_proxy", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    wanted = classifier(dataset, "pretrained", architecture="test_resnet.r160_in1k")
    with pytest.raises(InferenceError, match=r"could not be fetched .* --weights FILE"):
        load(wanted, choose_device("cpu"))


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"weights": "/no/such.pth"}, "/no/such.pth does not exist"),
        ({"weights": "package:no_such_weights"}, "pip install no-such-weights"),
        ({"weights": ""}, "names no weights"),
        ({"architecture": "resnet5000"}, "has no architecture 'resnet5000'"),
        ({"architecture": "resnet18.nonsense"}, r"Invalid pretrained tag \(nonsense\)"),
        ({"input": {"std": [0, 1, 1]}}, "std must be a list of 3 numbers above 0"),
        ({"architecture": ""}, "was imported|were imported"),
        ({"input": {"size": 3}}, "Unknown input setting size"),
        ({"input": {"input_size": [3, 0, 224]}}, "input_size must be"),
        ({"input": {"crop_pct": 2}}, "crop_pct must be"),
    ],
)
def test_a_classifier_that_cannot_be_run_says_why(dataset, fields, says):
    with pytest.raises(InferenceError, match=says):
        load(classifier(dataset, **{"weights": "pretrained", **fields}), choose_device("cpu"))


def test_the_demo_s_weights_are_installed(dataset):
    for made in register_demo_classifiers(dataset):
        assert weights_file(made.weights).stat().st_size > 10_000_000
    again = register_demo_classifiers(dataset)
    assert [classifier.id for classifier in again] == sorted(classifier.id for classifier in again)
    again[0].input = {"crop_pct": 1}
    again[0].save()
    assert register_demo_classifiers(dataset)[0].input == {}  # nothing came from it yet
    again[0].save()
    image = dataset.images.create(key="a", location="/a", sha256="a", width=1, height=1)
    again[0].predictions.create(image=image, labels=[], scores=[])
    with pytest.raises(InferenceError, match=r"efficientnet_lite0 .* another name"):
        register_demo_classifiers(dataset)
