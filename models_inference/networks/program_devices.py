"""Replaces the device that a program's file names, in a copy, by the one it is to run on.

TorchScript code and exported graphs hold devices as constants, and torch's loaders fail if the
machine has no such device. The copy is in memory; a file that names no other device is used as is.
"""

import io
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

CODE = re.compile(r"(?:.*/)?code/.*\.py")
DEVICE = re.compile(r'torch\.device\("[^"]*"\)')
GRAPH = re.compile(r"(?:.*/)?(?:models/model|data/\w+/model_\w+_config)\.json")
EXAMPLE = re.compile(r"(?:.*/)?data/sample_inputs/model\.pt")


def script_for(path: Path, device: str) -> BinaryIO:
    """A TorchScript archive whose code names only this device."""
    named = f'torch.device("{device}")'

    def change(name: str, content: bytes) -> bytes:
        if not CODE.fullmatch(name):
            return content
        return DEVICE.sub(named, content.decode()).encode()

    return changed(path, change)


def export_for_cpu(path: Path) -> BinaryIO:
    """A torch.export archive moved to the CPU, without its example, which is a pickle."""

    def change(name: str, content: bytes) -> bytes:
        if EXAMPLE.fullmatch(name):
            return b""
        if not GRAPH.fullmatch(name):
            return content
        graph = json.loads(content)
        return json.dumps(graph).encode() if move_to_cpu(graph) else content

    return changed(path, change)


def move_to_cpu(value: Any) -> bool:
    """Replace every device in a JSON value by the CPU; return whether any was another."""
    if isinstance(value, dict) and value.keys() == {"type", "index"}:
        if isinstance(value["type"], str) and value["type"] != "cpu":
            value.update(type="cpu", index=None)
            return True
        return False
    moved = False
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            moved |= move_to_cpu(inner)
    return moved


def changed(path: Path, change: Callable[[str, bytes], bytes]) -> BinaryIO:
    """A copy of an archive with members changed by a function; the file itself if none changes."""
    small = re.compile(f"{CODE.pattern}|{GRAPH.pattern}|{EXAMPLE.pattern}")
    with zipfile.ZipFile(path) as archive:
        new = {
            name: content
            for name in archive.namelist()
            if small.fullmatch(name) and (content := change(name, old := archive.read(name))) != old
        }
        if not new:
            return path.open("rb")
        copy = io.BytesIO()
        with zipfile.ZipFile(copy, "w", zipfile.ZIP_STORED) as target:
            for name in archive.namelist():
                target.writestr(name, new[name] if name in new else archive.read(name))
    copy.seek(0)
    return copy
