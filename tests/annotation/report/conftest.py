"""Made-up studies, picture by picture and as arrays."""

import pytest

from annotation.report.arrays import Study
from tests.studies.made_up_studies import Picture, pictures, study_of


@pytest.fixture(scope="session")
def studies() -> list[tuple[list[Picture], Study]]:
    made = [pictures(seed) for seed in range(12)]
    return [(each, study_of(each)) for each in made]
