"""Finds a network in a checkpoint, behind any keys and prefixes, beside whatever else it holds.

Training scripts save a network's tensors alone, under a key (`model_state_dict`, `net`, ...), with
a prefix (`module.`, `model.`, ...) or both, and beside them averaged copies, losses, metrics and
the optimizer's state. Here each tensor of a file has one name, its keys joined by dots, so that
keys and prefixes are the same: where the network is in the file.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models_inference.errors import InferenceError

if TYPE_CHECKING:
    from torch import Tensor

# Put around a network, or a part inside it, by DataParallel, torch.compile and FSDP.
WRAPPERS = {"module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"}
# No answer depends on these: counters of training, indices and masks that follow from the sizes,
# and heads used only in training (Inception, GoogLeNet).
UNUSED = re.compile(
    r"(.*\.)?(num_batches_tracked|relative_position_index|relative_coords_table|attn_mask"
    r"|attention_bias_idxs|total_ops|total_params)|(AuxLogits|aux[12])\..*"
)
# Words in the names of tensors that training needs and the network does not.
TRAINING_WORDS = """
    optimizer optimizers optim opt scheduler schedulers sched scaler amp rng callbacks loops
    hyper hparams history epoch epochs step steps iteration best loss losses criterion criteria
    metric metrics acc accuracy auc auroc f1 precision recall confmat confusion iou train val
    valid validation test ema swa averaged teacher
"""
TRAINING = set(TRAINING_WORDS.split())
TRAINING_NAMES = {"class_weight", "class_weights", "pos_weight", "n_averaged"}
TOP = "."  # names the part of a file that is under no key or prefix
MOST = 12  # keys of a file, in a message


@dataclass(frozen=True)
class Part:
    """Tensors of a checkpoint that may be a network's.

    prefix: what stands before their names in the file. state: the tensors by their names without
    it. passed_over: how many of the file's other tensors are under which key. doubtful: names of
    those that may belong to the network.
    """

    prefix: str
    state: dict[str, "Tensor"]
    passed_over: Counter[str] = field(default_factory=Counter)
    doubtful: list[str] = field(default_factory=list)

    def note(self) -> str:
        """What was taken off and what passed over, as a clause; "" if nothing was."""
        clauses = [f"the network is what is under {self.prefix!r}"] if self.prefix else []
        if self.passed_over:
            under = [f"{count:,} of {where}" for where, count in self.passed_over.items()]
            clauses.append(f"tensors passed over: {_first(under)}")
        return "; ".join(clauses)


class Checkpoint:
    """The tensors of a weights file. `part`: where the network is, if somebody has said so."""

    def __init__(self, path: Path, content: Any, part: str = "") -> None:
        self.path, self.part = path, part
        self.keys = list(map(str, content)) if isinstance(content, Mapping) else []
        tensors = tensors_in(content)
        self.originals = {without_wrappers(name): name for name in tensors}
        if len(self.originals) < len(tensors):  # some differ by wrappers alone
            self.originals = {name: name for name in tensors}
        self.tensors = dict(zip(self.originals, tensors.values(), strict=True))

    def part_named(self, own: Collection[str]) -> Part | None:
        """The network whose tensors have the names `own`; None if less than half are in one place.

        If no place has all of them, the one with most, for an error that names what it lacks.
        Raises InferenceError for two networks that differ.
        """
        plain = {without_wrappers(name): name for name in own}
        named = Counter(
            name[: len(name) - len(end)]
            for name in self.tensors
            for end in _ends(name)
            if end in plain
        )
        named = Counter({prefix: n for prefix, n in named.items() if self._is_meant(prefix)})
        complete = [prefix for prefix, count in named.items() if count == len(plain)]
        complete.sort(key=self._is_exact, reverse=True)
        if not complete:
            best, count = max(named.items(), key=lambda item: item[1], default=("", 0))
            half = 2 * count >= len(plain)
            return self._part(best, plain, [best]) if half else None
        others = [p for p in complete[1:] if not self._same(complete[0], p, plain)]
        if others and not self._is_exact(complete[0]):
            first = next(iter(plain))
            raise self.several([self._shown(prefix, first) for prefix in (complete[0], *others)])
        return self._part(complete[0], plain, complete)

    def parts_sized(self, size: int) -> list[Part]:
        """The places with about as many tensors as a network of `size`, whatever their names."""
        names: dict[str, set[str]] = {}
        for name in self.tensors:
            for end in _ends(name):
                prefix = name[: len(name) - len(end)]
                if self._is_meant(prefix) and not (UNUSED.fullmatch(end) or of_training(end)):
                    names.setdefault(prefix, set()).add(name)
        longest: dict[frozenset[str], str] = {}
        for prefix, under in sorted(names.items()):
            if 0.75 * size <= len(under) <= 1.34 * size:
                longest[frozenset(under)] = prefix
        return [self._part(prefix, {}, [prefix]) for prefix in longest.values()]

    def several(self, prefixes: Iterable[str]) -> InferenceError:
        """The error for a file with several networks: which they are, and how to choose."""
        choices = [prefix.rstrip(".") or TOP for prefix in prefixes]
        return InferenceError(
            f"Weights file {self.path} holds {len(choices)} networks that fit, with different"
            f" weights: {', '.join(choices)}. Say which one is meant by its name after a #:"
            f" {self.path}#{choices[-1]}"
        )

    def unfit(self, why: InferenceError | None) -> InferenceError:
        """The error for a file without a network that fits; `why` the likeliest does not."""
        text = str(why).removesuffix(".") if why else ""
        if not text:
            place = f" under {self.part}" if self.part else ""
            text = f"Weights file {self.path} does not hold a state_dict of tensors{place}"
        counts = Counter(name.partition(".")[0] for name in self.originals.values())
        keys = [f"{key} (tensors: {counts[key]:,})" if counts[key] else key for key in self.keys]
        return InferenceError(f"{text}; the file's keys: {_first(keys) or 'none'}.")

    def rows_of(self, layers: Iterable[str]) -> int | None:
        """The rows of the first tensor whose name ends with one of these layers'."""
        for layer in layers:
            for name, tensor in self.tensors.items():
                if f".{name}".endswith(f".{layer}.weight") and tensor.ndim:
                    return int(tensor.shape[0])
        return None

    def check_rest(self, part: Part) -> None:
        """Raise InferenceError for tensors elsewhere in the file that may belong to a network."""
        if part.doubtful:
            place = part.prefix.rstrip(".") or TOP
            more = f" and {len(part.doubtful) - 1} more" if len(part.doubtful) > 1 else ""
            raise InferenceError(
                f"Weights file {self.path}: beside the network under {place} it has"
                f" {part.doubtful[0]}{more}, which may belong to the network. If not, say so by"
                f" naming the place of the network after a #: {self.path}#{place}"
            )

    def _part(self, prefix: str, plain: Mapping[str, str], networks: list[str]) -> Part:
        """What is under a prefix, by the network's names if they are known (`plain` -> own).

        `networks`: the prefixes of all such networks, this one included.
        """
        state: dict[str, Any] = {}
        passed_over, doubtful, inner_names = Counter[str](), [], list(plain)
        for name, tensor in self.tensors.items():
            inner = name.removeprefix(prefix) if name.startswith(prefix) else None
            if inner is not None and inner in plain:
                state[plain[inner]] = tensor
            elif inner and UNUSED.fullmatch(inner):
                continue
            elif any(name.startswith(other) and name[len(other) :] in plain for other in networks):
                passed_over[self._key(name, prefix)] += 1
            elif inner is not None and not of_training(inner):
                state[inner] = tensor
                inner_names.append(inner)
            elif self.part or of_training(name) or not tensor.ndim:
                passed_over[self._key(name, prefix)] += 1
            else:
                doubtful.append(self.originals[name])
        return Part(self._shown(prefix, inner_names[0]), state, passed_over, doubtful)

    @property
    def _asked(self) -> str:
        """The prefix of the part that was asked for."""
        return f"{without_wrappers(self.part)}.".lstrip(".")

    def _is_meant(self, prefix: str) -> bool:
        """Whether a place is the part that was asked for, or inside it."""
        return self._is_exact(prefix) if self.part == TOP else prefix.startswith(self._asked)

    def _is_exact(self, prefix: str) -> bool:
        return bool(self.part) and prefix == self._asked

    def _same(self, one: str, other: str, names: Iterable[str]) -> bool:
        """Whether two places hold the same numbers."""
        pairs = ((self.tensors[one + name], self.tensors[other + name]) for name in names)
        return all(a.shape == b.shape and bool((a == b).all()) for a, b in pairs)

    def _shown(self, prefix: str, name: str) -> str:
        """A prefix as the file writes it before a name, with the wrappers."""
        original = self.originals.get(prefix + name, prefix)  # a network may lack the name
        return original.removesuffix(name) if original.endswith(name) else prefix

    def _key(self, name: str, prefix: str) -> str:
        """The key that a tensor beside the network is under."""
        keys = name.split(".")
        above = prefix.split(".")
        depth = next((at for at, key in enumerate(keys) if key != above[at]), 0)
        return ".".join(keys[: depth + 1])


def tensors_in(content: Any) -> dict[str, "Tensor"]:
    """Every tensor in nested mappings and lists, by its keys joined by dots."""
    import torch

    tensors: dict[str, torch.Tensor] = {}
    seen = set()  # a pickle may hold itself
    left: list[tuple[str, Any]] = [("", content)]
    while left:
        name, value = left.pop()
        if isinstance(value, torch.Tensor):
            tensors[name[1:]] = value
        elif isinstance(value, Mapping | list | tuple) and id(value) not in seen:
            seen.add(id(value))
            items = value.items() if isinstance(value, Mapping) else enumerate(value)
            left += reversed([(f"{name}.{key}", inner) for key, inner in items])
    return tensors


def without_wrappers(name: str) -> str:
    """A tensor's name without what DataParallel, torch.compile and FSDP put into it."""
    return ".".join(part for part in name.split(".") if part not in WRAPPERS)


def of_training(name: str) -> bool:
    """Whether a tensor's name says that only training needs it: a loss's, a metric's, ..."""
    for part in name.split("."):
        words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", part).lower().split("_")
        if part in TRAINING_NAMES or any(
            word in TRAINING or word.rstrip("0123456789") in TRAINING for word in words
        ):
            return True
    return False


def _ends(name: str) -> Iterable[str]:
    """A name, and what is left of it after each of its dots."""
    yield name
    while "." in name:
        name = name.partition(".")[2]
        yield name


def _first(texts: list[str]) -> str:
    more = f" and {len(texts) - MOST} more" if len(texts) > MOST else ""
    return ", ".join(texts[:MOST]) + more
