"""Firefox and WebKit, driven in WebDriver's own words: over a socket, and over HTTP.

Firefox takes the commands itself (its protocol is called Marionette), so that it needs no driver
beside it. WebKit has one, and wants a display, which Xvfb is.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.studies.processes import free_port

# What each command is called in Firefox, and at what address WebKit's driver takes it.
COMMANDS = {
    "Navigate": "url",
    "ExecuteScript": "execute/sync",
    "FindElement": "element",
    "ElementClick": "element/{id}/click",
    "PerformActions": "actions",
}
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the key under which WebDriver names an element


class Driven:
    """A browser that somebody drives."""

    def ask(self, command: str, **parameters: Any) -> Any:
        """Give one of the COMMANDS. Raises RuntimeError with the browser's words."""
        raise NotImplementedError

    def go(self, address: str) -> None:
        self.ask("Navigate", url=address)

    def run(self, script: str) -> Any:
        """What a script `return`s on the page."""
        return self.ask("ExecuteScript", script=script, args=[])

    def click(self, selector: str) -> None:
        """Click the first element of a CSS selector, as a mouse would."""
        found = self.ask("FindElement", using="css selector", value=selector)
        self.ask("ElementClick", id=found[ELEMENT])

    def press(self, *keys: str) -> None:
        """Press keys one after the other where the focus is."""
        strokes = [{"type": way, "value": key} for key in keys for way in ("keyDown", "keyUp")]
        self.ask("PerformActions", actions=[{"type": "key", "id": "keys", "actions": strokes}])

    def until(self, script: str, seconds: float = 30) -> Any:
        """Wait until a script `return`s something true: that."""
        end = time.monotonic() + seconds
        while True:
            with contextlib.suppress(RuntimeError):  # a page that is just being left
                if found := self.run(script):
                    return found
            assert time.monotonic() < end, f"{script}: never in {seconds:.0f} s"
            time.sleep(0.1)


class Firefox(Driven):
    def __init__(self, port: int) -> None:
        self.line = _connected(port)
        self.file = self.line.makefile("rb")
        self.number = 0
        self._read()
        self.ask("NewSession")

    def _read(self) -> Any:
        size = b""
        while (digit := self.file.read(1)) != b":":
            size += digit
        return json.loads(self.file.read(int(size)))

    def ask(self, command: str, **parameters: Any) -> Any:
        self.number += 1
        message = json.dumps([0, self.number, f"WebDriver:{command}", parameters]).encode()
        self.line.sendall(b"%d:%s" % (len(message), message))
        _, _, error, value = self._read()
        if error:
            raise RuntimeError(f"{command}: {error['error']}: {error['message']}")
        return value.get("value", value) if isinstance(value, dict) else value


class WebKit(Driven):
    def __init__(self, port: int) -> None:
        _connected(port).close()
        self.address = f"http://127.0.0.1:{port}/session"
        options = {"binary": str(_mini_browser()), "args": ["--automation"]}
        wanted = {"alwaysMatch": {"webkitgtk:browserOptions": options}}
        self.address += "/" + self._post("", {"capabilities": wanted})["sessionId"]

    def _post(self, path: str, body: dict) -> Any:
        request = urllib.request.Request(f"{self.address}{path}", json.dumps(body).encode())
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            told = json.load(error)["value"]
            raise RuntimeError(f"{path}: {told['error']}: {told['message']}") from None

    def ask(self, command: str, **parameters: Any) -> Any:
        return self._post(f"/{COMMANDS[command].format(**parameters)}", parameters)


def _connected(port: int) -> socket.socket:
    """A connection to a browser that is starting."""
    end = time.monotonic() + 60
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), 120)
        except ConnectionRefusedError:
            assert time.monotonic() < end, "the browser does not listen"
            time.sleep(0.1)


def _mini_browser() -> Path | None:
    """WebKit's own small browser, which Debian keeps beside the library."""
    return next(Path("/usr/lib").glob("*/webkit2gtk-4.*/MiniBrowser"), None)


def missing(name: str) -> str:
    """What must be installed to drive `firefox` or `webkit`; "" if nothing."""
    if name == "firefox":
        return "" if shutil.which("firefox") else "firefox-esr"
    there = shutil.which("WebKitWebDriver") and _mini_browser()
    lacking = ["" if there else "webkit2gtk-driver", "" if shutil.which("Xvfb") else "xvfb"]
    return " ".join(filter(None, lacking))


@contextlib.contextmanager
def driven(name: str) -> Iterator[Driven]:
    """The browser `firefox` or `webkit`, started for the block with an empty profile."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        port = free_port()
        if name == "firefox":
            settings = (f'"marionette.port", {port}', '"datareporting.policy.firstRunURL", ""')
            prefs = "".join(f"user_pref({setting});\n" for setting in settings)
            Path(folder, "user.js").write_text(prefs)
            call = ["firefox", "--headless", "--no-remote", "--marionette", "--profile", folder]
            _start(stack, call, folder)
            yield Firefox(port)
            return
        display = f":{port}"
        _start(stack, ["Xvfb", display, "-screen", "0", "1440x900x24", "-nolisten", "tcp"], folder)
        end = time.monotonic() + 30
        while not Path(f"/tmp/.X11-unix/X{port}").exists():
            assert time.monotonic() < end, "Xvfb does not start"
            time.sleep(0.1)
        _start(stack, ["WebKitWebDriver", f"--port={port}"], folder, DISPLAY=display)
        yield WebKit(port)


def _start(stack: contextlib.ExitStack, call: list[str], home: str, **environment: str) -> None:
    process = subprocess.Popen(
        call,
        env=os.environ | {"HOME": home} | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )

    def end() -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    stack.callback(end)
