"""Checks a network that is a program (TorchScript, torch.export) before torch loads it.

What torch's loaders would run, and what the checks refuse:

- Torch's C++ reader reads a TorchScript archive; it makes tensors and its own classes and never
  imports Python. The archive's code runs in torch's interpreter, some of it during loading. The
  interpreter's operators are tensor functions, except `save` and `from_file`: the checks refuse
  those, and operators and classes of other libraries, under every name that code could use.
- A torch.export archive is a graph in JSON beside raw tensors. torch.export.load would unpickle
  what the file says is pickled, evaluate its symbolic sizes as Python, look up its operators
  anywhere below `torch` and load compiled libraries: so tensors must be raw, sizes arithmetic,
  operators torch's `aten`, names plain names, and the archive must hold nothing else.
"""

import ast
import io
import json
import pickletools
import re
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from models_inference.errors import InferenceError

MOST_TEXT = 200_000_000  # bytes of one graph or code file

SCRIPT_FILES = re.compile(r"\d+|\.data/\S+|\.format_version|\.storage_alignment|byteorder|version")
WRITES = re.compile(r"\b(save|from_file|_save|pickle|load)\b")
# The root `ops`, not an attribute or module of that name; it must not be assigned to a name either.
NAMESPACE = re.compile(r"(?<![\w.])ops\b(?!\s*(?:\.\s*(?:prim|aten)\b|:))(?:\.\w+)?")
CUSTOM_CLASS = re.compile(r"(?<!\bself)\.\s*classes\b")
GETATTR = re.compile(r"\bgetattr\s*\(([^()\"']*),\s*\"(\w+)\"\s*\)")

EXPORT_FILES = re.compile(
    r"data/(weights|constants)/[A-Za-z]*_?\d+|data/(weights|constants)/model_\w+_config\.json"
    r"|models/model\.json|data/sample_inputs/model\.pt|archive_format|archive_version|byteorder"
    r"|\.data/\w+|\.format_version|\.storage_alignment|version|extra/[\w.-]+"
)
OPERATOR = re.compile(
    r"torch\.ops\.aten\.\w+\.\w+|torch\.sym_\w+|math\.(ceil|floor|trunc|sqrt)"
    r"|_operator\.(getitem|add|sub|mul|neg|floordiv|truediv|mod|pow|eq|ne|lt|le|gt|ge|and_|or_|not_)"
)
PLAIN = re.compile(r"[\w.:/+\- ]*")
TREE = re.compile(r"[\w.\s:,\[\]{}\"\\-]*")
FREE = {"stack_trace", "nn_module_stack", "torch_fn", "source_fn_stack", "custom", "from_node"}
SYMBOL = re.compile(r"[su]\d+")
ARITHMETIC = {
    *("Symbol", "Integer", "Rational", "Add", "Mul", "Pow", "Max", "Min", "Mod", "PythonMod"),
    *("FloorDiv", "CleanDiv", "CeilToInt", "FloorToInt", "Eq", "Ne", "Lt", "Le", "Gt", "Ge"),
    *("StrictLessThan", "StrictGreaterThan", "LessThan", "GreaterThan", "Equality", "Unequality"),
    *("true", "false", "oo"),
}


class Unsafe(ValueError):
    """Loading or running the file could do more than compute; the text names the cause."""


def check_torchscript(path: Path) -> None:
    """Raise InferenceError unless a file is a TorchScript archive that can only compute."""
    _checked(path, "TorchScript", _torchscript)


def check_exported(path: Path) -> None:
    """Raise InferenceError unless a file is a torch.export archive that can only compute."""
    _checked(path, "torch.export", _exported)


def _checked(path: Path, kind: str, check) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            members: dict[str, str] = {}
            seen = set()
            for name in archive.namelist():
                _, _, inner = name.partition("/")
                # Torch's reader ignores case in the names of members.
                if ".." in PurePosixPath(name).parts or inner.lower() in seen:
                    raise Unsafe(f"its member {name!r}")
                seen.add(inner.lower())
                members[inner] = name
            check(archive, members)
    except Unsafe as unsafe:
        raise InferenceError(
            f"Weights file {path} is refused: {unsafe} could run code or touch other files when it"
            f" is loaded or used. A {kind} file may hold a network's tensors and torch's own"
            " operators only."
        ) from None
    except (zipfile.BadZipFile, OSError, ValueError, KeyError, RecursionError) as error:
        why = "" if isinstance(error, zipfile.BadZipFile) else f": {error}"
        raise InferenceError(f"Weights file {path} is not a {kind} archive{why}.") from None


def _text(archive: zipfile.ZipFile, name: str) -> str:
    if archive.getinfo(name).file_size > MOST_TEXT:
        raise Unsafe(f"the size of its member {name!r}")
    return archive.read(name).decode()


def _torchscript(archive: zipfile.ZipFile, members: dict[str, str]) -> None:
    code = [n for i, n in members.items() if re.fullmatch(r"code/.*\.py", i, re.IGNORECASE)]
    if not code or "constants.pkl" not in members:
        raise zipfile.BadZipFile
    for name in code:
        text = _without_getattr(_text(archive, name))
        for kind in (WRITES, NAMESPACE, CUSTOM_CLASS):
            if match := kind.search(text):
                raise Unsafe(f"{match[0]!r} in its {name}")
        if "getattr" in text:
            raise Unsafe(f"'getattr' of a computed name in its {name}")
    for inner, name in members.items():
        if inner.lower().endswith(".pkl"):
            _check_classes(archive.read(name), name)


def _without_getattr(text: str) -> str:
    """The code with `getattr(x, "name")` written as `x.name`, so that the checks see the name."""
    while (plainer := GETATTR.sub(r"\1.\2", text)) != text:
        text = plainer
    return text


def _check_classes(content: bytes, name: str) -> None:
    for opcode, argument, _ in pickletools.genops(content):
        if opcode.name == "GLOBAL" and "classes" in re.split(r"[. ]", str(argument)):
            raise Unsafe(f"{argument!r} in its {name}")


def _exported(archive: zipfile.ZipFile, members: dict[str, str]) -> None:
    if "models/model.json" not in members or "archive_format" not in members:
        raise zipfile.BadZipFile
    for inner, name in members.items():
        if not EXPORT_FILES.fullmatch(inner):
            raise Unsafe(f"its member {name!r}")
        if re.fullmatch(r"data/\w+/model_\w+_config\.json", inner):
            _check_payloads(json.loads(_text(archive, name)), name)
    if sample := members.get("data/sample_inputs/model.pt"):
        _check_pickle(archive.read(sample), sample)
    _check_graph(json.loads(_text(archive, members["models/model.json"])))


def _check_payloads(config: Any, name: str) -> None:
    for tensor, payload in config["config"].items():
        if payload.get("use_pickle") or not re.fullmatch(
            r"(weight|tensor)_\d+", payload["path_name"]
        ):
            raise Unsafe(f"{tensor!r}, which its {name} says is not a raw tensor,")


def _check_pickle(content: bytes, name: str) -> None:
    import torch

    if not content:
        return
    try:
        with warnings.catch_warnings(action="ignore"):
            torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception:  # torch's, pickle's and zipfile's own
        raise Unsafe(f"its member {name!r}, a pickle of more than tensors,") from None


def _check_graph(program: Any) -> None:
    """Check every text in the graph that torch would turn into Python in some way."""
    for node in program["graph_module"]["graph"]["nodes"]:
        if not OPERATOR.fullmatch(node["target"]):
            raise Unsafe(f"its operator {node['target']!r}")
    for path, text in _texts(program, ()):
        name = path[-1] if path else ""
        if "metadata" in path[:-1] and name in FREE:
            continue  # notes on where a node came from: stay text
        if "guards_code" in path:
            continue  # never evaluated: see programs.load_exported
        if name == "expr_str":
            _check_arithmetic(text)
        elif name in ("in_spec", "out_spec"):
            if not TREE.fullmatch(text):
                raise Unsafe(f"its {name} {text[:80]!r}")
        elif not PLAIN.fullmatch(text):
            raise Unsafe(f"the {'.'.join(path[-2:])} {text[:80]!r}")


def _texts(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Each text in a JSON value, with the keys that lead to it; keys count as texts too."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield (*path, "key"), key
            yield from _texts(inner, (*path, key))
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, path)
    elif isinstance(value, str):
        yield path, value


def _check_arithmetic(text: str) -> None:
    """Check that a symbolic size is numbers, symbols s0, s1, ... and arithmetic: sympy runs it."""
    unsafe = Unsafe(f"its size {text[:80]!r}")
    try:
        tree = ast.parse(text, mode="eval")
    except (SyntaxError, ValueError):
        raise unsafe from None
    for node in ast.walk(tree):
        fine = isinstance(
            node,
            ast.Expression
            | ast.BinOp
            | ast.UnaryOp
            | ast.BoolOp
            | ast.Compare
            | ast.operator
            | ast.unaryop
            | ast.boolop
            | ast.cmpop
            | ast.keyword
            | ast.Load,
        )
        if isinstance(node, ast.Constant):
            fine = isinstance(node.value, int | float) or (
                isinstance(node.value, str) and SYMBOL.fullmatch(node.value) is not None
            )
        elif isinstance(node, ast.Name):
            fine = node.id in ARITHMETIC or SYMBOL.fullmatch(node.id) is not None
        elif isinstance(node, ast.Call):
            fine = isinstance(node.func, ast.Name) and node.func.id in ARITHMETIC
        if not fine:
            raise unsafe
