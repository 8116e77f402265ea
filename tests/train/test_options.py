from dataclasses import replace

import torch

from alpr_app.train.options import RunOptions, threads_for


def test_the_network_gets_the_processors_that_workers_leave(tmp_path, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("alpr_app.train.options.cores", lambda: 4)
    options = RunOptions(tmp_path, samples=8, batch_size=4, start_lr=1e-3, num_workers=1)
    assert threads_for(options) == 3
    assert threads_for(replace(options, num_workers=8)) == 1
    assert threads_for(replace(options, threads=2)) == 2
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert threads_for(options) == torch.get_num_threads()
