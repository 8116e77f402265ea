import sys
from pathlib import Path

import pytest

from alpr_app.train.draw.plates import PlatePainter

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def painter() -> PlatePainter:
    return PlatePainter()


@pytest.fixture
def data_folder(tmp_path) -> Path:
    from builders import write_data

    return write_data(tmp_path / "data")
