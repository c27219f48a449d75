"""The stand-in for MTurk, for attacks in its frame."""

from tests.studies.mturk_stand_in import market, open_for_mturk, server  # noqa: F401 - fixtures
