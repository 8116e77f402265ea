"""Two processes on one machine train the same network as one process alone."""

import os
import subprocess
import sys
from pathlib import Path

import torch

from alpr_app.train.checkpoint import load_checkpoint
from alpr_app.train.distributed import Ranks, SharedBatchNorm2d, share_batch_norms
from alpr_app.train.shares import Shares

ROOT = Path(__file__).resolve().parents[2]
SHARED = ["--samples", "48", "--batch_size", "8", "--num_workers", "0", "--threads", "1", "--seed", "3"]
SHARED += ["--validate_samples", "48", "--start_lr", "1e-3", "--no_amp"]
READER = ["maskocr", "--embed_dim", "32", "--num_heads", "2", "--num_encoder_layers", "1", "--num_decoder_layers", "1"]
READER += ["--dropout", "0"]
TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]


def run(arguments: list[str], processes: int) -> None:
    launcher = [sys.executable, *TORCHRUN] if processes == 2 else [sys.executable]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*launcher, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_two_processes_train_the_reader_that_one_would(data_folder, tmp_path):
    weights = []
    for processes in (1, 2):
        folder = tmp_path / str(processes)
        arguments = ["-m", "alpr_app.train", *READER, "--dataset_path", str(data_folder), *SHARED]
        run([*arguments, "--output", str(folder)], processes)
        assert len((folder / "val.csv").read_text().splitlines()) == 2  # one process writes, not two
        state = load_checkpoint(folder / "last.pt")
        assert state["step"] == 6
        weights.append(torch.cat([value.flatten().float() for value in state["network"].values()]))
    # Weights move by some 2 % of their norm in these steps; what differs is rounding, which Adam makes larger.
    assert (weights[0] - weights[1]).norm() < 1e-3 * weights[0].norm()


def test_two_processes_find_the_gradients_of_the_detector_that_one_would(data_folder, tmp_path):
    gradients = []
    for processes in (1, 2):
        output = tmp_path / f"{processes}.pt"
        run([str(Path(__file__).with_name("gradients.py")), str(data_folder), str(output)], processes)
        gradients.append(torch.load(output, weights_only=True))
    for name, one in gradients[0].items():
        assert (gradients[1][name] - one).norm() <= 1e-3 * one.norm() + 1e-9, name


def test_processes_and_parts_see_together_what_one_would():
    parts = [list(Shares(8, 2, Ranks(rank, 2)).indices(3, 5)) for rank in range(2)]
    assert parts == [[24, 25, 26, 27, 32, 33, 34, 35], [28, 29, 30, 31, 36, 37, 38, 39]]
    assert list(Shares(8, 1, Ranks()).indices(3, 5)) == list(range(24, 40))


def test_shared_batch_norms_keep_names_and_weights():
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 1), torch.nn.BatchNorm2d(4))
    before = network.state_dict()
    images = torch.rand(2, 3, 5, 5)
    expected = network(images)
    share_batch_norms(network)
    assert isinstance(network[1], SharedBatchNorm2d)
    assert network.state_dict().keys() == before.keys()
    torch.testing.assert_close(network(images), expected)
