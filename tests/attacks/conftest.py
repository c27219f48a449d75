from tests.studies.mturk_stand_in import market, open_for_mturk, server  # noqa: F401 - fixtures
