import pytest
import torch

from alpr_app.synth.plates.painters import PlatePainter


@pytest.fixture(autouse=True)
def _threads():
    """Restore the number of threads, which a run sets for the whole process."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def painter() -> PlatePainter:
    return PlatePainter()
