"""Checkpoints of training scripts: the network is found in them, and nothing else is used."""

import argparse
import pathlib
from collections import OrderedDict

import numpy as np
import pytest
import torch
from torch import nn

from models_inference.errors import InferenceError
from models_inference.networks.checkpoint_matching import load_checkpoint
from models_inference.networks.weights import read_checkpoint, split_part


class Network(nn.Module):
    """Small, with a head, a normalisation, and a first part as VGG's."""

    def __init__(self, classes=5):
        super().__init__()
        self.num_classes = classes
        self.features = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
        self.fc = nn.Linear(4, classes)


def create(classes=None) -> Network:
    return Network(classes or 1000)


def network(seed=0, classes=5) -> Network:
    torch.manual_seed(seed)
    return Network(classes)


def prefixed(prefix, state):
    return {f"{prefix}{name}": tensor for name, tensor in state.items()}


def saved(tmp_path, content, name="run.pth"):
    if name.endswith(".safetensors"):
        from safetensors.torch import save_file

        save_file({name: tensor.clone() for name, tensor in content.items()}, tmp_path / name)
    else:
        torch.save(content, tmp_path / name)
    return tmp_path / name


def loaded(path, part=""):
    """A network as loaded, and what is said of it."""
    return load_checkpoint(create, "fc", read_checkpoint(path, part))


def is_same(model, state) -> bool:
    ours = model.state_dict()
    return ours.keys() == state.keys() and all(torch.equal(ours[n], t) for n, t in state.items())


RIGHT = network().state_dict()
OTHER = network(seed=1).state_dict()
OPTIMIZER = {"state": {0: {"step": torch.tensor(3.0), "exp_avg": torch.ones(4, 3, 3, 3)}}}
LIGHTNING = {
    "epoch": 3,
    "pytorch-lightning_version": "2.5.0",
    "callbacks": {"ModelCheckpoint{'monitor': 'val_acc'}": {"best_model_score": torch.tensor(0.5)}},
    "optimizer_states": [OPTIMIZER],
    "lr_schedulers": [],
    "hyper_parameters": {"lr": 0.1, "weights": torch.ones(5)},
}
METRICS = {"criterion.weight": torch.ones(5), "train_acc.tp": torch.zeros(5, dtype=torch.long)}
FORMS = {
    "plain": RIGHT,
    "ordered, without counters": OrderedDict(
        sorted((n, t) for n, t in RIGHT.items() if "num_batches" not in n)
    ),
    "PyTorch's tutorial": {
        "epoch": 3,
        "model_state_dict": RIGHT,
        "optimizer_state_dict": OPTIMIZER,
        "loss": torch.tensor(0.2),
    },
    "a CIFAR repository": {"net": prefixed("module.", RIGHT), "acc": 93.1, "epoch": 3},
    "the same with NumPy's numbers": {"net": RIGHT, "acc": np.float64(93.1), "n": np.int64(3)},
    "PyTorch's ImageNet example": {
        "arch": "resnet18",
        "state_dict": prefixed("module.", RIGHT),
        "best_acc1": torch.tensor([71.2]),
        "optimizer": OPTIMIZER,
    },
    "torchvision's reference": {
        "model": RIGHT,
        "optimizer": OPTIMIZER,
        "args": argparse.Namespace(lr=0.1, output_dir=pathlib.PosixPath("runs")),
        "scaler": {"scale": 65536.0},
    },
    "timm's, without an average": {"state_dict": RIGHT, "state_dict_ema": {}, "arch": "x"},
    "Lightning, a model": {"state_dict": prefixed("model.", RIGHT), **LIGHTNING},
    "Lightning, a net with metrics": {
        "state_dict": {**prefixed("net.", RIGHT), **METRICS},
        **LIGHTNING,
    },
    "Lightning, the module itself with metrics": {"state_dict": {**RIGHT, **METRICS}, **LIGHTNING},
    "compiled and parallel": prefixed("module._orig_mod.", RIGHT),
    "parallel in a part, as VGG's": {
        name.replace("features.", "features.module."): tensor for name, tensor in RIGHT.items()
    },
    "DeepSpeed": {"module": RIGHT, "ds_version": "0.15", "lr_scheduler": {"last": 3}},
    "fastai": {"model": RIGHT, "opt": OPTIMIZER},
    "deep": {"checkpoint": {"student": {"weights": prefixed("backbone.net.", RIGHT)}}},
    "a list": [3, RIGHT],
    "an averaged model": {"n_averaged": torch.tensor(5), **prefixed("module.", RIGHT)},
    "an equal copy": {"state_dict": RIGHT, "best": {n: t.clone() for n, t in RIGHT.items()}},
    "a teacher of another kind": {"model": RIGHT, "teacher": {"conv.weight": torch.ones(9, 9)}},
}


@pytest.mark.parametrize("content", FORMS.values(), ids=list(FORMS))
def test_a_network_is_found_in_whatever_a_training_script_saves(tmp_path, content):
    model, _ = loaded(saved(tmp_path, content))
    assert model.num_classes == 5
    named = {name for name, _ in model.named_parameters()}
    assert all(torch.equal(model.state_dict()[name], RIGHT[name]) for name in named)
    assert torch.equal(model.features[1].running_mean, RIGHT["features.1.running_mean"])


@pytest.mark.parametrize("prefix", ["", "timm_model.", "model._orig_mod.", "module."])
def test_safetensors_are_read_alike(tmp_path, prefix):
    content = {**prefixed(prefix, RIGHT), "loss_fn.weight": torch.ones(5)}
    model, said = loaded(saved(tmp_path, content, "model.safetensors"))
    assert is_same(model, RIGHT)
    assert "1 of loss_fn" in said


def test_it_says_where_the_network_was_and_what_it_passed_over(tmp_path):
    content = {"state_dict": {**prefixed("net.", RIGHT), **METRICS}, **LIGHTNING}
    assert loaded(saved(tmp_path, content))[1] == (
        "the network is what is under 'state_dict.net.'; tensors passed over: 1 of"
        " state_dict.criterion, 1 of state_dict.train_acc, 1 of callbacks, 2 of optimizer_states,"
        " 1 of hyper_parameters"
    )
    assert loaded(saved(tmp_path, RIGHT))[1] == ""


@pytest.mark.parametrize(
    ("content", "choices"),
    [
        ({"state_dict": RIGHT, "state_dict_ema": OTHER}, ["state_dict", "state_dict_ema"]),
        ({"model": RIGHT, "ema": {"module": OTHER, "updates": 3}}, ["model", "ema.module"]),
        ({"student": RIGHT, "teacher": OTHER}, ["student", "teacher"]),
        ({**RIGHT, **prefixed("ema_model.", OTHER)}, [".", "ema_model"]),
    ],
)
def test_of_two_networks_in_a_file_one_must_be_chosen(tmp_path, content, choices):
    path = saved(tmp_path, content)
    with pytest.raises(InferenceError, match=f"2 networks .*: {', '.join(choices)}") as refused:
        loaded(path)
    assert str(refused.value).endswith(f"{path}#{choices[1]}")
    for choice, state in zip(choices, (RIGHT, OTHER), strict=True):
        model, said = loaded(path, choice)
        assert is_same(model, state)
        assert "passed over: " in said


def test_tensors_that_could_be_the_networks_are_not_passed_over(tmp_path):
    content = {"state_dict": {**prefixed("backbone.", RIGHT), "head.weight": torch.ones(2, 5)}}
    path = saved(tmp_path, content)
    deeper = {"net": RIGHT | {"features.2.weight": torch.ones(4)}}
    with pytest.raises(InferenceError, match=r"it also has features\.2\.weight"):
        loaded(saved(tmp_path, deeper, "deeper.pth"), "net")
    with pytest.raises(InferenceError, match=r"has state_dict\.head\.weight, which may belong"):
        loaded(path)
    model, said = loaded(path, "state_dict.backbone")
    assert is_same(model, RIGHT)
    assert said.endswith("passed over: 1 of state_dict.head")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"fc.weight": None}, r"it lacks fc\.weight"),
        ({"features.0.weight": torch.ones(4, 3, 5, 5)}, r"does not fit the architecture's"),
        ({"features.2.weight": torch.ones(4)}, r"it also has features\.2\.weight"),
    ],
)
def test_a_tensor_that_is_missing_misshapen_or_left_over_is_an_error(tmp_path, change, says):
    state = {name: tensor for name, tensor in {**RIGHT, **change}.items() if tensor is not None}
    with pytest.raises(InferenceError, match=f"{says}.*; the file's keys: epoch, net"):
        loaded(saved(tmp_path, {"epoch": 3, "net": prefixed("module.", state)}))


@pytest.mark.parametrize(
    ("content", "keys"),
    [
        ({"epoch": 3, "arch": "x"}, "epoch, arch"),
        ({"epoch": 3, "generator": {"conv.weight": torch.ones(3)}}, r"generator \(tensors: 1\)"),
        ([1, 2], "none"),
    ],
)
def test_a_file_with_something_else_is_refused_by_naming_its_keys(tmp_path, content, keys):
    with pytest.raises(InferenceError, match=f"the file's keys: .*{keys}"):
        loaded(saved(tmp_path, content))


def test_other_names_are_matched_by_order_wherever_they_are(tmp_path):
    theirs = {f"x{name}": tensor for name, tensor in RIGHT.items()}
    content = {"net": prefixed("module.", theirs), "optimizer": OPTIMIZER}
    model, said = loaded(saved(tmp_path, content))
    assert is_same(model, {**RIGHT, "features.1.num_batches_tracked": torch.tensor(0)})
    assert said.startswith("the network is what is under 'net.module.'")
    others = {f"x{name}": tensor for name, tensor in OTHER.items()}
    with pytest.raises(InferenceError, match="2 networks that fit"):
        loaded(saved(tmp_path, {"net": theirs, "net_ema": others}))


def test_a_head_that_is_kept_apart_is_matched_by_order(tmp_path):
    """As OpenMMLab's tools and many Lightning modules keep it."""
    content = {name.replace("features.", "backbone.features."): t for name, t in RIGHT.items()}
    content = {name.replace("fc.", "head.fc."): tensor for name, tensor in content.items()}
    model, _ = loaded(saved(tmp_path, {"meta": {"epoch": 3}, "state_dict": content}))
    assert torch.equal(model.fc.weight, RIGHT["fc.weight"])


def test_a_part_is_named_after_a_number_sign():
    assert split_part("/runs/best.pth#model_ema") == ("/runs/best.pth", "model_ema")
    assert split_part("/runs/try#3/best.pth") == ("/runs/try#3/best.pth", "")
    assert split_part("package:weights#net") == ("package:weights", "net")
    assert split_part("pretrained") == ("pretrained", "")
