"""Run by test_distributed, alone and under torchrun: gradients of one detector step, in a file.

In double precision: in single precision batch norm alone makes a difference of one per cent.
"""

import sys
from pathlib import Path

import torch

from alpr_app.train.cli.detector import make_task
from alpr_app.train.cli.main import parse
from alpr_app.train.cli.run_options import run_options
from alpr_app.train.trainer.distributed import ranks_of_environment
from alpr_app.train.trainer.loop import Trainer

if __name__ == "__main__":
    data, output = sys.argv[1:]
    arguments = ["detector", "--dataset_path", data, "--output", str(Path(output).parent / "run"), "--no_amp"]
    arguments += ["--crop_size", "96", "--long_side", "160", "--batch_size", "8", "--num_workers", "0"]
    args = parse([*arguments, "--clip", "1e9", "--threads", "1"])
    torch.set_default_dtype(torch.float64)
    with ranks_of_environment("cpu") as ranks:
        torch.manual_seed(3)
        run = Trainer(make_task(args), run_options(args), ranks)
        run.train_step([next(run.batches())])
        if ranks.first:
            torch.save({name: parameter.grad for name, parameter in run.network.named_parameters()}, output)
        del run  # it would keep the process group
