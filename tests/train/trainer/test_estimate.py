import pytest

from alpr_app.train.cli.main import main
from alpr_app.train.trainer.checkpoint import CheckpointError
from alpr_app.train.trainer.estimate import estimate


def test_time_follows_from_the_measured_speed(tmp_path):
    (tmp_path / "train.csv").write_text(
        "step,samples_per_s,waiting_share,memory_gb\n50,30,0.1,1.0\n100,50,0.3,2.5\n150,40,0.2,2.0\n"
    )
    found = estimate(tmp_path, pictures=200_000, epochs=3, picture_bytes=1024**2)
    assert found.samples == 600_000 and found.samples_per_s == 40
    assert found.hours == pytest.approx(600_000 / 40 / 3600)
    assert found.waiting_share == 0.2 and found.memory_gb == 2.5
    assert found.decoded_gb == pytest.approx(200_000 / 1024)


def test_a_run_without_figures_says_so(tmp_path):
    with pytest.raises(CheckpointError, match="let the run continue"):
        estimate(tmp_path, 1, 1, 1)


def test_the_command_prints_time_and_memory(data_folder, tmp_path, capsys):
    (tmp_path / "train.csv").write_text("step,samples_per_s,waiting_share\n50,20,0.5\n")
    arguments = ["estimate", str(tmp_path), "--dataset_path", str(data_folder), "--pictures", "7200", "--epochs", "10"]
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert "1.0 h at 20 samples/s" in said and "50 %" in said and "cache" in said
