"""What a command prints cannot make it fail: a character, or a reader who has gone."""

import subprocess
import sys
from pathlib import Path

import pytest
from rich.table import Table

from imagesets.terminal import drawn

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = """
from annotation.serving.output import make_output_last
make_output_last()
print("猫 ü")
for number in range(100_000):
    print(number)
open("done", "w").close()  # the work goes on
"""


def shell(script: str, folder: Path, encoding: str) -> subprocess.CompletedProcess[str]:
    """Run the script as `command` of a line for the shell."""
    (folder / "script.py").write_text(SCRIPT)
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; command() {{ {sys.executable} script.py; }}; {script}"],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": encoding, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("script", "encoding", "printed"),
    [
        ("command | head -n 1", "ascii", "\\u732b \\xfc\n"),
        ("command | head -n 1", "utf-8", "猫 ü\n"),
        ("command | tail -n 1", "cp1252", "99999\n"),
        ("command >&-", "utf-8", ""),
    ],
)
def test_the_work_is_done_and_the_exit_code_0(tmp_path, script, encoding, printed):
    done = shell(script, tmp_path, encoding)
    assert (done.returncode, done.stdout, done.stderr) == (0, printed, "")
    assert (tmp_path / "done").exists()


def test_every_command_prints_so():
    assert "make_output_last()" in (ROOT / "manage.py").read_text()


@pytest.mark.parametrize(("encoding", "line"), [("ascii", "+---+"), ("utf-8", "┏━━━┓")])
def test_a_table_is_drawn_with_what_the_terminal_has(monkeypatch, encoding, line):
    class Terminal:
        pass

    terminal = Terminal()
    terminal.encoding = encoding
    table = Table()
    table.add_column("a")
    monkeypatch.setattr("imagesets.terminal.sys.stdout", terminal)
    assert drawn(table).startswith(line)
