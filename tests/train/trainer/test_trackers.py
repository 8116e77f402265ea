import sys
import types

import pytest
from small_runs import Line, options, stopped

from alpr_app.train.trainer.batches import TrainingError
from alpr_app.train.trainer.loop import Trainer


def test_figures_go_to_tensorboard_on_demand(tmp_path):
    pytest.importorskip("tensorboard", reason="needs the optional package tensorboard")
    Trainer(Line(), options(tmp_path, tensorboard=True)).train()
    assert any(path.stat().st_size > 0 for path in (tmp_path / "tensorboard").iterdir())


def test_wandb_gets_the_figures_and_a_resumed_run_goes_on_there(tmp_path, monkeypatch):
    pytest.importorskip("wandb", reason="needs the optional package wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    monkeypatch.setenv("WANDB_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    run = tmp_path / "run"
    assert not Trainer(stopped(Line(), 52), options(run, wandb=True)).train()
    known = (run / "wandb_id.txt").read_text().strip()
    resumed = Trainer(Line(), options(run, wandb=True))
    resumed.resume()
    resumed.train()
    files = sorted(run.glob(f"wandb/offline-run-*/run-{known}.wandb"))
    assert files and (run / "wandb_id.txt").read_text().strip() == known
    written = b"".join(path.read_bytes() for path in files)
    assert all(name in written for name in (b"train/loss", b"train/samples_per_s", b"val/closeness"))
    assert not any((tmp_path / "elsewhere").iterdir())


class FakeWandb(types.ModuleType):
    """Stands in for the package and records its calls."""

    def __init__(self, error: str = "") -> None:
        super().__init__("wandb")
        self.errors = types.SimpleNamespace(Error=RuntimeError)
        self.error, self.begun, self.logged, self.ended = error, [], {}, []

    def init(self, **options):
        if self.error:
            raise RuntimeError(self.error)
        self.begun.append(options)
        return types.SimpleNamespace(id=options["id"] or "abc", log=self.log, finish=self.finish)

    def log(self, figures, step):
        self.logged.setdefault(step, {}).update(figures)

    def finish(self, exit_code):
        self.ended.append(exit_code)


def test_wandb_is_told_every_row_and_which_run_it_was(tmp_path, monkeypatch):
    fake = FakeWandb()
    monkeypatch.setitem(sys.modules, "wandb", fake)
    Trainer(stopped(Line(), 22), options(tmp_path, wandb=True)).train()
    resumed = Trainer(Line(), options(tmp_path, wandb=True))
    resumed.resume()
    resumed.train()
    assert [(begun["id"], begun["resume"]) for begun in fake.begun] == [(None, None), ("abc", "allow")]
    assert {begun["dir"] for begun in fake.begun} == {str(tmp_path.resolve())} and fake.ended == [0, 0]
    assert list(fake.logged) == [20, 40, 50, 60]
    assert fake.logged[60]["val/closeness"] == resumed.metrics["closeness"] and "train/loss" in fake.logged[50]


def test_where_nobody_is_logged_in_to_wandb_the_run_is_kept_to_be_sent_later(tmp_path, monkeypatch, capsys):
    class LoggedOut(FakeWandb):
        def init(self, mode=None, **options):
            if mode != "offline":
                raise RuntimeError("No API key configured.\nMore about it.")
            return super().init(**options)

    fake = LoggedOut()
    monkeypatch.setitem(sys.modules, "wandb", fake)
    assert Trainer(Line(), options(tmp_path, wandb=True)).train()
    said = [line for line in capsys.readouterr().err.splitlines() if "--wandb" in line]
    assert len(said) == 1 and "No API key configured; the run is kept in" in said[0] and "wandb sync" in said[0]
    assert "train/loss" in fake.logged[50]


def test_what_wandb_refuses_is_one_line_with_the_remedy(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", FakeWandb("The disk is full.\nMore about it."))
    with pytest.raises(TrainingError, match=r"The disk is full; leave --wandb out"):
        Trainer(Line(), options(tmp_path, wandb=True)).train()


@pytest.mark.parametrize("package", ["tensorboard", "wandb"])
def test_a_run_goes_on_without_a_missing_tracker_and_names_the_package(tmp_path, monkeypatch, capsys, package):
    for name in ("tensorboard", "torch.utils.tensorboard", "wandb"):
        monkeypatch.setitem(sys.modules, name, None)
    assert Trainer(Line(), options(tmp_path, **{package: True})).train()
    said = [line for line in capsys.readouterr().err.splitlines() if "not installed" in line]
    assert len(said) == 1 and said[0].endswith(f"pip install {package}")
    assert (tmp_path / "val.csv").is_file()
