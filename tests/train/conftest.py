import pytest

from alpr_app.train.draw.plates import PlatePainter


@pytest.fixture(scope="session")
def painter() -> PlatePainter:
    return PlatePainter()
