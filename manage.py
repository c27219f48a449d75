#!/usr/bin/env python
"""Django's command line, with the embedded servers around every command that needs them."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "annotation.settings")
    from annotation.serving.command_line import run
    from annotation.serving.output import make_output_last

    make_output_last()
    sys.exit(run(sys.argv))


if __name__ == "__main__":
    main()
