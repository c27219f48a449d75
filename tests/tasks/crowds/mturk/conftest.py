"""A marketplace on this machine, and campaigns with one HIT on offer there."""

from tests.studies.mturk_stand_in import (  # noqa: F401 - fixtures
    campaign,
    contains,
    market,
    open_for_mturk,
    server,
)
