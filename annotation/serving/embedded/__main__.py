"""The keeper's process: python -m annotation.serving.embedded DATA_DIR [--not-durable]."""

from .keeper import main

main()
