"""Two processes, on one machine or two, train the same network as a single process."""

import os
import signal
import socket
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import pytest
import torch
from torch import distributed

from alpr_app.train.cli.main import main
from alpr_app.train.trainer.checkpoint import load_checkpoint
from alpr_app.train.trainer.distributed import BatchSharding, Ranks, SynchronisedBatchNorm2d, synchronise_batch_norms
from alpr_app.train.trainer.loop import Trainer
from tests.places import ROOT

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
    # Weights move by about 2 % of their norm in these steps; the difference is rounding, which Adam amplifies.
    assert (weights[0] - weights[1]).norm() < 1e-3 * weights[0].norm()


def run_on_two_machines(folders: list[Path], *arguments: list[str]) -> list[subprocess.CompletedProcess]:
    """Processes as if on two machines: each is started in its own folder, without a shared disk, with its own
    arguments."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        place = f"localhost:{free.getsockname()[1]}"
    started = []
    for number, folder in enumerate(folders):
        launcher = [sys.executable, "-m", "torch.distributed.run", "--nnodes", "2", "--node_rank", str(number)]
        launcher += ["--nproc_per_node", "1", "--rdzv_endpoint", place, "-m", "alpr_app.train"]
        started.append(
            subprocess.Popen(
                [*launcher, *arguments[number]],
                cwd=folder,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    try:
        outputs = [process.communicate(timeout=240) for process in started]
    finally:
        for process in started:
            process.kill()
    return [
        subprocess.CompletedProcess([], process.returncode, *output)
        for process, output in zip(started, outputs, strict=True)
    ]


def two_folders(tmp_path: Path) -> list[Path]:
    folders = [tmp_path / "first", tmp_path / "second"]
    for folder in folders:
        folder.mkdir()
    return folders


def test_a_run_is_gone_on_with_on_two_machines_of_which_one_has_never_seen_it(data_folder, tmp_path, monkeypatch):
    folders = two_folders(tmp_path)
    arguments = [*READER, "--dataset_path", str(data_folder), *SHARED]
    assert main([*arguments, "--output", str(tmp_path / "whole")]) == 0
    step = Trainer.train_step

    def stopped(self, parts):
        if self.step == 2:
            signal.raise_signal(signal.SIGINT)
        return step(self, parts)

    monkeypatch.setattr(Trainer, "train_step", stopped)
    assert main([*arguments, "--output", str(folders[0] / "run")]) == 130
    assert load_checkpoint(folders[0] / "run" / "last.pt")["step"] == 3
    resumed = [*arguments, "--output", "run", "--resume"]
    for done in run_on_two_machines(folders, resumed, resumed):
        assert done.returncode == 0, done.stderr[-2000:]
    assert not any(folders[1].iterdir())
    weights = []
    for run_folder in (tmp_path / "whole", folders[0] / "run"):
        state = load_checkpoint(run_folder / "last.pt")
        assert state["step"] == 6
        weights.append(torch.cat([value.flatten().float() for value in state["network"].values()]))
    assert (weights[0] - weights[1]).norm() < 1e-3 * weights[0].norm()


def test_machines_with_other_options_or_without_the_data_are_told_and_nobody_waits(data_folder, tmp_path):
    folders = two_folders(tmp_path)
    begun = [*READER, *SHARED, "--output", "run", "--dataset_path"]
    for wrong, said in (
        ([*begun, str(data_folder), "--ema", "0.9"], "process 1 has other options or data than the first one: ema"),
        ([*begun, "nowhere"], "nowhere: no such folder"),
    ):
        first, second = run_on_two_machines(folders, [*begun, str(data_folder)], wrong)
        assert first.returncode == second.returncode == 1
        assert f"alpr_app.train: {said}" in second.stderr
        assert "alpr_app.train: 1 of the 2 processes failed" in first.stderr


def test_two_processes_find_the_gradients_of_the_detector_that_one_would(data_folder, tmp_path):
    gradients = []
    for processes in (1, 2):
        output = tmp_path / f"{processes}.pt"
        run([str(ROOT / "tests" / "train" / "gradients.py"), str(data_folder), str(output)], processes)
        gradients.append(torch.load(output, weights_only=True))
    for name, one in gradients[0].items():
        assert (gradients[1][name] - one).norm() <= 1e-3 * one.norm() + 1e-9, name


def test_processes_and_parts_see_together_what_one_would():
    parts = [list(BatchSharding(8, 2, Ranks(rank, 2)).sampler(3, 5)) for rank in range(2)]
    assert parts == [[24, 25, 26, 27, 32, 33, 34, 35], [28, 29, 30, 31, 36, 37, 38, 39]]
    assert list(BatchSharding(8, 1, Ranks()).sampler(3, 5)) == list(range(24, 40))


def test_shared_batch_norms_keep_names_and_weights():
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 1), torch.nn.BatchNorm2d(4))
    before = network.state_dict()
    images = torch.rand(2, 3, 5, 5)
    expected = network(images)
    synchronise_batch_norms(network)
    assert isinstance(network[1], SynchronisedBatchNorm2d)
    assert network.state_dict().keys() == before.keys()
    torch.testing.assert_close(network(images), expected)


@pytest.fixture
def one_process():
    """A process group with this process only."""
    distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
    yield
    distributed.destroy_process_group()


def test_shared_batch_norms_do_what_torchs_own_do_in_bfloat16_too(one_process):
    images = torch.rand(4, 3, 6, 6, generator=torch.Generator().manual_seed(1))
    plain = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 1), torch.nn.BatchNorm2d(4))
    shared = deepcopy(plain)
    synchronise_batch_norms(shared)
    with torch.autocast("cpu", torch.bfloat16):
        wanted, found = plain(images), shared(images)
    assert found.dtype == wanted.dtype == torch.bfloat16
    torch.testing.assert_close(found, wanted, atol=0.05, rtol=0.05)
    torch.testing.assert_close(shared[1].running_var, plain[1].running_var, atol=1e-3, rtol=1e-2)
