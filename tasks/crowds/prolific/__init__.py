"""The crowd of Prolific's participants, over its REST API and by its external studies.

The engine uses only its object `CROWD`.
"""

from typing import Any


def __getattr__(name: str) -> Any:
    # Django imports this package before it allows models, so the crowd is made on first use.
    if name == "CROWD":
        from tasks.crowds.prolific.crowd import CROWD

        return CROWD
    raise AttributeError(name)
