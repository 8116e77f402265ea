import pytest
import torch
from small_runs import options

from alpr_app.train.trainer.optimisation import computes_in_bf16

CPU = torch.device("cpu")


@pytest.mark.parametrize("fast", [False, True])
def test_auto_is_bf16_where_the_processor_computes_in_it(tmp_path, monkeypatch, fast):
    monkeypatch.delenv("ALPR_PRECISION", raising=False)
    monkeypatch.setattr("alpr_app.train.trainer.optimisation.bf16_is_fast", lambda device: fast)
    assert computes_in_bf16(options(tmp_path, precision="auto"), CPU) is fast
    assert computes_in_bf16(options(tmp_path, precision="bf16"), CPU)
    assert not computes_in_bf16(options(tmp_path, precision="fp32"), CPU)


@pytest.mark.parametrize(("meant", "computed"), [("fp32", False), ("bf16", True)])
def test_what_auto_means_can_be_said_once_for_all_runs(tmp_path, monkeypatch, meant, computed):
    monkeypatch.setenv("ALPR_PRECISION", meant)
    monkeypatch.setattr("alpr_app.train.trainer.optimisation.bf16_is_fast", lambda device: not computed)
    assert computes_in_bf16(options(tmp_path, precision="auto"), CPU) is computed
    other = {"fp32": "bf16", "bf16": "fp32"}[meant]
    assert computes_in_bf16(options(tmp_path, precision=other), CPU) is not computed


def test_an_unknown_meaning_of_auto_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("ALPR_PRECISION", "half")
    with pytest.raises(ValueError, match="ALPR_PRECISION must be one of auto, fp32, bf16, not 'half'"):
        computes_in_bf16(options(tmp_path, precision="auto"), CPU)


def test_an_unknown_precision_names_its_option(tmp_path):
    with pytest.raises(ValueError, match="--precision must be one of auto, fp32, bf16, not 'fp16'"):
        options(tmp_path, precision="fp16")
