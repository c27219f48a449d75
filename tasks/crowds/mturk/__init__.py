"""The crowd of Amazon Mechanical Turk, over the API that boto3 ships.

The engine uses only its object `CROWD`.
"""

from typing import Any


def __getattr__(name: str) -> Any:
    # Django imports this package before it allows models, so the crowd is made on first use.
    if name == "CROWD":
        from tasks.crowds.mturk.crowd import CROWD

        return CROWD
    raise AttributeError(name)
