"""A stand-in for Prolific on this machine."""

from tests.studies.prolific_stand_in import (  # noqa: F401 - fixtures
    api,
    market,
    no_waiting,
    open_for_prolific,
    prolific,
)
