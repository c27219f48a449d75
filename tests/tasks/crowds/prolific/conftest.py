"""A stand-in for Prolific on this machine."""

from tests.studies.prolific_stand_in import api, market, prolific  # noqa: F401 - fixtures
