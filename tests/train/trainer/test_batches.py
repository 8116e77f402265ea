import signal
from collections.abc import Iterator

import pytest
import torch
from torch.utils.data import Dataset

from alpr_app.train.trainer import batches as module
from alpr_app.train.trainer.batches import TrainingError, batches

CPU = torch.device("cpu")


class AnswersToCtrlC(Dataset):
    def __getitem__(self, index: int) -> int:
        return int(signal.getsignal(signal.SIGINT) != signal.SIG_IGN)


class OnBrokenStorage(Dataset):
    def __getitem__(self, index: int) -> int:
        raise ConnectionResetError("the storage hung up")


def test_ctrl_c_in_a_terminal_does_not_end_the_makers_of_samples():
    (batch,) = batches(AnswersToCtrlC(), [0, 1], 2, 1, CPU)
    assert batch.tolist() == [0, 0]


@pytest.mark.parametrize("broken", [ConnectionResetError(104, "Connection reset by peer"), EOFError()])
def test_a_process_that_dies_while_it_sends_a_batch_is_an_error_that_names_the_way_on(monkeypatch, broken):
    def loader(*_: object, **__: object) -> Iterator[object]:
        yield 1
        raise broken

    monkeypatch.setattr(module, "DataLoader", loader)
    received = batches(AnswersToCtrlC(), [0, 1], 1, 1, CPU)
    assert next(received) == 1
    with pytest.raises(TrainingError, match=r"makes samples was killed.*--resume"):
        next(received)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_connection_that_breaks_while_a_sample_is_made_is_no_dead_process(workers):
    with pytest.raises(ConnectionResetError, match="the storage hung up"):
        next(batches(OnBrokenStorage(), [0], 1, workers, CPU))
