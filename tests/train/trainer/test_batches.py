import signal

import torch
from torch.utils.data import Dataset

from alpr_app.train.trainer.batches import batches


class AnswersToCtrlC(Dataset):
    def __getitem__(self, index: int) -> int:
        return int(signal.getsignal(signal.SIGINT) != signal.SIG_IGN)


def test_ctrl_c_in_a_terminal_does_not_end_the_makers_of_samples():
    (batch,) = batches(AnswersToCtrlC(), [0, 1], 2, 1, torch.device("cpu"))
    assert batch.tolist() == [0, 0]
