"""The crowd of Amazon Mechanical Turk, over the API that boto3 ships; Amazon's own end is closed.

Needs nothing of anybody outside of this folder but its object `CROWD`.
"""

from typing import Any


def __getattr__(name: str) -> Any:
    # Django imports this package before any model may be: the crowd is made when it is asked for.
    if name == "CROWD":
        from tasks.crowds.mturk.crowd import CROWD

        return CROWD
    raise AttributeError(name)
