from dataclasses import replace

import pytest
import torch

from alpr_app.train.trainer.options import RunOptions, threads_for


def test_the_network_gets_the_processors_that_workers_leave(tmp_path, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("alpr_app.train.trainer.options.cores", lambda: 4)
    options = RunOptions(tmp_path, samples=8, batch_size=4, start_lr=1e-3, num_workers=1)
    assert threads_for(options) == 3
    assert threads_for(replace(options, num_workers=8)) == 1
    assert threads_for(replace(options, threads=2)) == 2
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert threads_for(options) == torch.get_num_threads()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"threads": 0}, "--threads must be 1 or more, not 0"),
        ({"seed": -1}, "--seed must be 0 or more, not -1"),
        ({"num_workers": -1}, "--num_workers must be 0 or more"),
        ({"samples": 0}, "--samples must be 1 or more"),
    ],
)
def test_a_number_that_cannot_be_names_its_option(changes, said, tmp_path):
    with pytest.raises(ValueError, match=said):
        RunOptions(**{"output": tmp_path, "samples": 8, "batch_size": 4, "start_lr": 1e-3, **changes})
