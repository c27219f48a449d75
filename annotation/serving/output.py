"""Standard output that neither a text nor its reader can make fail: a command's work goes on.

A character that the terminal's encoding lacks is written as its escape, \\u732b. When the reader
has gone (`| head`), the rest goes nowhere.
"""

import io
import os
import sys


class LastingOutput(io.TextIOWrapper):
    """Text on a stream of bytes whose reader may go."""

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except BrokenPipeError:
            self._lose_reader()
            return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except BrokenPipeError:
            self._lose_reader()

    def _lose_reader(self) -> None:
        """Send nowhere what is kept for the reader too, or each flush would try it again."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.fileno())
        os.close(nowhere)


def make_output_last() -> None:
    """Let this process's standard output and error last."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by the shell
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 - for as long as it runs
        elif isinstance(stream, io.TextIOWrapper):
            lasting = LastingOutput(
                stream.buffer,
                encoding=stream.encoding,
                errors="backslashreplace",
                line_buffering=stream.line_buffering,
                write_through=stream.write_through,
            )
            setattr(sys, name, lasting)
