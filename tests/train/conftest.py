import pytest
import torch

from alpr_app.synth.plates.painters import PlatePainter


@pytest.fixture(autouse=True)
def _threads():
    """A run sets the number of threads for the whole process: each test begins with what was before."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def painter() -> PlatePainter:
    return PlatePainter()
