"""TorchScript and torch.export files: their network's logits, and nothing run on loading."""

import io
import json
import pickle
import warnings
import zipfile

import numpy as np
import pytest
import torch

from models_inference.errors import InferenceError
from models_inference.inference.run import predict
from models_inference.models import Classifier
from models_inference.networks.devices import choose_device
from models_inference.networks.network import load
from models_inference.networks.program_checks import check_torchscript
from models_inference.networks.programs import load_exported
from models_inference.networks.timm_import import timm
from tests.factories import add_images, make_imagenet_dataset

INPUT = {"input_size": [3, 32, 32], "mean": [0.5, 0.4, 0.3], "std": [0.2, 0.2, 0.2]}
KEYS = ["n02123045", "n02085620", "n07920052"]


class Net(torch.nn.Module):
    """Five classes; a buffer and a size that depends on the batch, as real networks have."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.convolution = torch.nn.Conv2d(3, 8, 3, 2)
        self.norm = torch.nn.BatchNorm2d(8)
        self.head = torch.nn.Linear(8, 5)
        self.register_buffer("scale", torch.tensor(2.0))

    def forward(self, pictures):
        features = torch.relu(self.norm(self.convolution(pictures))).mean((2, 3))
        return self.head(features.view(pictures.shape[0], -1) * self.scale)


class Flat(Net):
    """Sees its pictures' memory in another shape, as old networks do."""

    def forward(self, pictures):
        features = torch.nn.functional.adaptive_avg_pool2d(self.convolution(pictures), 2)
        return self.head(features.view(pictures.shape[0], -1)[:, :8])


class Placed(Net):
    """Names the device it was made on, and makes tensors there."""

    def forward(self, pictures):
        features = super().forward(pictures.to("cpu", torch.float32).to(torch.float64).float())
        return features + torch.arange(5, device="cpu") + torch.zeros(1, 5, device=pictures.device)


class One(Net):
    """Takes one picture only where it was traced by one."""

    def forward(self, pictures):
        features = torch.relu(self.norm(self.convolution(pictures))).mean((2, 3))
        return self.head(features.view(1 if torch.jit.is_tracing() else len(pictures), 8))


class Greedy(torch.nn.Module):
    """Says of more than three pictures what TorchScript says when a GPU's memory is full."""

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        if pictures.shape[0] > 3:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return pictures.mean((2, 3))


class Mean(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean((2, 3))


class Saves(torch.nn.Module):
    """Writes a file when it is run."""

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        torch.save(pictures, "ran")
        return pictures[:, :, 0, 0]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A program of each kind and form, made once: script, export of any batch, of one, of four."""
    folder, net = tmp_path_factory.mktemp("programs"), Net().eval()
    with warnings.catch_warnings(action="ignore"):
        torch.jit.trace(net, torch.zeros(1, 3, 32, 32)).save(folder / "script.pt")
    for name, batch, dynamic in (("any", 2, True), ("one", 1, False), ("four", 4, False)):
        shapes = ({0: torch.export.Dim("batch", min=1)},) if dynamic else None
        program = torch.export.export(net, (torch.zeros(batch, 3, 32, 32),), dynamic_shapes=shapes)
        torch.export.save(program, folder / f"{name}.pt2")
    return folder


@pytest.fixture
def make(db):
    """A function that registers a program as a classifier."""
    dataset = make_imagenet_dataset(keys=KEYS)

    def made(file, kind: str = "torch.export", **fields) -> Classifier:
        fields = {"input": INPUT, "mapping": [KEYS[0], None, KEYS[1], KEYS[0], KEYS[2]], **fields}
        return Classifier.objects.create(
            dataset=dataset, name=str(file), architecture=kind, weights=str(file), **fields
        )

    return made


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("script.pt", "torchscript"),
        ("any.pt2", "torch.export"),
        ("one.pt2", "torch.export"),
        ("four.pt2", "torch.export"),
    ],
)
def test_a_program_says_what_its_network_says(files, make, name, kind):
    network = load(make(files / name, kind), choose_device("cpu"))
    pixels = torch.randint(0, 256, (6, 3, 32, 32), dtype=torch.uint8)
    with torch.inference_mode():
        expected = Net().eval()(network.preprocessing.normalise(pixels))
    torch.testing.assert_close(network.logits(pixels), expected, rtol=1e-4, atol=1e-4)
    assert network.labels.dropped == 1  # classes without a label


def traced(net, file, dtype=torch.float32, freeze=False) -> None:
    with warnings.catch_warnings(action="ignore"):
        script = torch.jit.trace(net, torch.zeros(1, 3, 32, 32, dtype=dtype))
        (torch.jit.freeze(script) if freeze else script).save(file)


def exported(net, file, dtype=torch.float32, **bounds) -> None:
    shapes = ({0: torch.export.Dim("batch", **bounds)},)
    example = (torch.zeros(bounds.get("max", 2), 3, 32, 32, dtype=dtype),)
    program = torch.export.export(net, example, dynamic_shapes=shapes)
    torch.export.save(program.run_decompositions(), file)


WAYS = {  # kind, network, type of numbers, how it is saved, the first batch it is fed
    "half traced": ("torchscript", Net, torch.float16, traced, None),
    "bfloat16 traced": ("torchscript", Net, torch.bfloat16, traced, None),
    "half frozen": ("torchscript", Net, torch.float16, lambda *a: traced(*a, freeze=True), None),
    "half exported": ("torch.export", Net, torch.float16, exported, None),
    "viewed traced": ("torchscript", Flat, torch.float32, traced, None),
    "of one traced": ("torchscript", One, torch.float32, traced, 1),
    "viewed exported": ("torch.export", Flat, torch.float32, exported, None),
    "up to three": ("torch.export", Net, torch.float32, lambda *a: exported(*a, min=1, max=3), 3),
    "three to five": ("torch.export", Net, torch.float32, lambda *a: exported(*a, min=3, max=5), 3),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_program_is_fed_the_numbers_and_batches_that_it_takes(make, tmp_path, way):
    kind, net, dtype, save, batch = WAYS[way]
    net, file = net().eval().to(dtype), tmp_path / "program.pt2"
    save(net, file, dtype)
    network = load(make(file, kind), choose_device("cpu"))
    assert batch in (None, network.batch)
    network.batch = batch or 8
    pixels = torch.randint(0, 256, (11, 3, 32, 32), dtype=torch.uint8)
    with torch.inference_mode():
        expected = net(network.preprocessing.normalise(pixels).to(dtype)).float()
    off = 1e-4 if dtype == torch.float32 else 0.05
    torch.testing.assert_close(network.logits(pixels), expected, rtol=off, atol=off)


def test_a_script_whose_batch_does_not_fit_in_memory_gets_smaller_ones(make, tmp_path):
    with warnings.catch_warnings(action="ignore"):
        torch.jit.script(Greedy()).save(tmp_path / "greedy.pt")
    classifier = make(tmp_path / "greedy.pt", "torchscript", mapping=KEYS)
    network = load(classifier, choose_device("cpu"))
    network.batch = 8
    pixels = torch.randint(0, 256, (9, 3, 32, 32), dtype=torch.uint8)
    expected = network.preprocessing.normalise(pixels).mean((2, 3))
    torch.testing.assert_close(network.logits(pixels), expected)
    assert network.batch == 2


def on_cuda(members: dict[str, bytes]) -> None:
    """The members of an archive as a machine with a GPU would have written them."""
    for name, content in members.items():
        if name.endswith(".py"):
            content = content.replace(b'torch.device("cpu")', b'torch.device("cuda:0")')
        elif name.endswith(".json"):
            text = json.dumps(json.loads(content))
            text = text.replace('"type": "cpu", "index": null', '"type": "cuda", "index": 0')
            content = text.encode()
        elif name == "data/sample_inputs/model.pt":
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                inner = {each: archive.read(each) for each in archive.namelist()}
            target = io.BytesIO()
            with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
                for each, part in inner.items():
                    named = part.replace(b"X\x03\0\0\0cpu", b"X\x06\0\0\0cuda:0")
                    archive.writestr(each, named if each.endswith("data.pkl") else part)
            content = target.getvalue()
        members[name] = content


@pytest.mark.parametrize("kind", ["torchscript", "torch.export"])
def test_a_program_made_on_a_gpu_runs_without_one(make, tmp_path, kind):
    net, plain, file = Placed().eval(), tmp_path / "plain.pt2", tmp_path / "cuda.pt2"
    if kind == "torchscript":
        traced(net, plain)
    else:
        exported(net, plain)
        moved = load_exported(plain, torch.device("meta"))  # as to a GPU
        assert moved.forward(torch.zeros(3, 3, 32, 32, device="meta")).device.type == "meta"
    rewritten(plain, file, on_cuda)
    assert b"cuda" in file.read_bytes()
    network = load(make(file, kind), choose_device("cpu"))
    pixels = torch.randint(0, 256, (3, 3, 32, 32), dtype=torch.uint8)
    with torch.inference_mode():
        expected = net(network.preprocessing.normalise(pixels))
    torch.testing.assert_close(network.logits(pixels), expected, rtol=1e-4, atol=1e-4)


def test_predictions_of_a_program_with_two_classes_of_one_label(files, make, pictures):
    classifier = make(files / "four.pt2")
    add_images(classifier.dataset, pictures[:5])
    outcome = predict(classifier.dataset, [classifier])
    assert (outcome.written, outcome.dropped) == (5, {classifier.name: 1})
    for prediction in classifier.predictions.all():
        assert len(prediction.labels) == 3
        assert np.all(np.diff(prediction.scores) <= 0)
        assert sum(prediction.scores) < 1  # the dropped class keeps its share


@pytest.mark.parametrize("kind", ["torchscript", "torch.export"])
def test_its_input_has_to_be_said_and_fit(files, make, kind):
    with pytest.raises(InferenceError, match="must give mean, std"):
        load(make(files / "any.pt2", kind, input={"input_size": [3, 8, 8]}), choose_device("cpu"))


def rewritten(file, target, change) -> None:
    """A copy of an archive with its members (name inside the folder -> bytes) changed."""
    with zipfile.ZipFile(file) as archive:
        root = archive.namelist()[0].partition("/")[0]
        members = {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            archive.writestr(f"{root}/{name}", content)


class Wicked:
    """A pickle that runs code when it is loaded."""

    def __init__(self, proof) -> None:
        self.proof = proof

    def __reduce__(self):
        return (exec, (f"open({str(self.proof)!r}, 'w').close()",))


def edit_graph(change):
    def edit(members, proof) -> None:
        graph = json.loads(members["models/model.json"])
        change(graph, proof)
        members["models/model.json"] = json.dumps(graph).encode()

    return edit


def node(graph) -> dict:
    return graph["graph_module"]["graph"]["nodes"][0]


def evil_size(graph, proof) -> None:
    sizes = graph["graph_module"]["graph"]["tensor_values"]["pictures"]["sizes"]
    sizes[0]["as_expr"]["expr_str"] = f"__import__('pathlib').Path({str(proof)!r}).touch()"


def evil_inputs(members, proof) -> None:
    content = io.BytesIO()
    torch.save(((Wicked(proof),), {}), content)
    members["data/sample_inputs/model.pt"] = content.getvalue()


def evil_weight(members, proof) -> None:
    config = json.loads(members["data/weights/model_weights_config.json"])
    payload = next(iter(config["config"].values()))
    payload["use_pickle"] = True
    content = io.BytesIO()
    torch.save(Wicked(proof), content)
    members[f"data/weights/{payload['path_name']}"] = content.getvalue()
    members["data/weights/model_weights_config.json"] = json.dumps(config).encode()


def evil_constant(members, proof) -> None:
    config = {"config": {"c": {"path_name": "opaque_obj_0", "is_param": False, "use_pickle": True}}}
    members["data/constants/model_constants_config.json"] = json.dumps(config).encode()
    members["data/constants/opaque_obj_0"] = pickle.dumps(Wicked(proof))


def compiled_library(members, proof) -> None:
    members["data/aotinductor/model/a.so"] = b"\x7fELF"


EVIL = {
    "operator": edit_graph(lambda graph, proof: node(graph).update(target="torch.os.system")),
    "hub": edit_graph(lambda graph, proof: node(graph).update(target="torch.hub.load")),
    "name": edit_graph(lambda graph, proof: node(graph).update(name='x"]); import os; (["')),
    "size": edit_graph(evil_size),
    "inputs": evil_inputs,
    "weight": evil_weight,
    "constant": evil_constant,
    "library": compiled_library,
}


@pytest.mark.parametrize("how", EVIL)
def test_an_export_that_could_run_code_is_refused_unrun(files, make, tmp_path, how):
    proof, file = tmp_path / "ran", tmp_path / "evil.pt2"
    rewritten(files / "any.pt2", file, lambda members: EVIL[how](members, proof))
    with pytest.raises(InferenceError, match=r"evil\.pt2 is refused: .* could run code"):
        load(make(file), choose_device("cpu"))
    assert not proof.exists()


def test_guards_of_an_export_are_not_run(files, make, tmp_path):
    proof, file = tmp_path / "ran", tmp_path / "guarded.pt2"

    def change(members) -> None:
        graph = json.loads(members["models/model.json"])
        graph["guards_code"] = [f"open({str(proof)!r}, 'w').close() is None"]
        members["models/model.json"] = json.dumps(graph).encode()

    rewritten(files / "any.pt2", file, change)
    network = load(make(file), choose_device("cpu"))
    network.logits(torch.zeros(3, 3, 32, 32, dtype=torch.uint8))
    assert not proof.exists()


def test_a_script_that_writes_files_is_refused_unrun(make, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings(action="ignore"):
        torch.jit.script(Saves()).save("saves.pt")
    with pytest.raises(InferenceError, match=r"saves\.pt is refused: 'save' in its"):
        load(make(tmp_path / "saves.pt", "torchscript"), choose_device("cpu"))
    assert not (tmp_path / "ran").exists()


SAVES = {  # ways to write a file that do not show at first sight
    "put together": 'getattr(torch, "sa" "ve")(x, "ran")',
    "escaped": 'getattr(torch, "\\163ave")(x, "ran")',
    "renamed": 't = torch\n    getattr(t, "save")(x, "ran")',
    "other library": "o = ops\n    y = o.quantized.relu6(x, False)",
    "class": "t = __torch__.torch\n    y = t.classes.a.B()",
    "capitals": 'torch.save(x, "ran")',  # and torch finds the member CODE/... too
}


@pytest.mark.parametrize("how", SAVES)
def test_a_script_cannot_hide_what_it_does(make, tmp_path, monkeypatch, how):
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings(action="ignore"):
        torch.jit.script(Mean()).save("plain.pt")

    def change(members) -> None:
        name = next(name for name in members if name.endswith(".py"))
        code = members.pop(name).decode().replace("    return", f"    {SAVES[how]}\n    return")
        members["code/benign.py"] = b""
        members[name.upper() if how == "capitals" else name] = code.encode()

    rewritten(tmp_path / "plain.pt", tmp_path / "evil.pt", change)
    with pytest.raises(InferenceError, match=r"evil\.pt is refused: .* could run code"):
        load(make(tmp_path / "evil.pt", "torchscript"), choose_device("cpu"))
    assert not (tmp_path / "ran").exists()


def test_scripts_of_torchvisions_networks_are_taken(tmp_path):
    """Their modules lie below `torchvision.ops`, which is no namespace of operators."""
    timm()
    from torchvision.models import mobilenet_v3_small

    file = tmp_path / "mobilenet.pt"
    with warnings.catch_warnings(action="ignore"):
        torch.jit.script(mobilenet_v3_small().eval()).save(file)
    check_torchscript(file)


@pytest.mark.parametrize("kind", ["torchscript", "torch.export"])
@pytest.mark.parametrize("form", ["torch", "pickle", "text"])
def test_a_pickle_is_no_program(make, tmp_path, kind, form):
    proof, file = tmp_path / "ran", tmp_path / "wicked.pt2"
    if form == "torch":
        torch.save(Wicked(proof), file)
    else:
        file.write_bytes(pickle.dumps(Wicked(proof)) if form == "pickle" else b"no archive")
    with pytest.raises(InferenceError, match=r"wicked\.pt2 is not a .* archive"):
        load(make(file, kind), choose_device("cpu"))
    assert not proof.exists()
