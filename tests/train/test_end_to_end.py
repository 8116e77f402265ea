"""From data to models that read: every step of docs/training.md, as small as possible."""

import json

from alpr_app.cli.main import main as alpr
from alpr_app.train.cli.main import main as train

QUICK = ["--num_workers", "0", "--threads", "1", "--validate_samples", "16", "--validate_most", "4"]
SMALL_READER = ["--embed_dim", "32", "--num_heads", "2", "--num_encoder_layers", "1", "--num_decoder_layers", "1"]
SMALL_READER += ["--batch_size", "8", "--samples", "32", *QUICK]
SMALL_DETECTOR = ["--crop_size", "160", "--long_side", "256", "--batch_size", "4", "--samples", "16", *QUICK]


def test_drawn_pictures_become_models_that_find_and_read(tmp_path, capsys):
    data, plates, runs, models = (tmp_path / name for name in ("CCPD2019", "plates", "runs", "models"))
    scenes = data / "ccpd_base"
    assert train(["draw", "scenes", "--output", str(scenes), "--count", "8", "--num_workers", "1"]) == 0
    assert train(["create_dataset", "--dataset_path", str(data)]) == 0
    assert train(["validate_dataset", "--dataset_path", str(data)]) == 0
    extract = ["extract_plates", "--ccpd_dir", str(data), "--output", str(plates), "--num_workers", "1"]
    assert train(extract) == 0
    reader = ["maskocr", "--dataset_path", str(plates)]
    assert train([*reader, "--phase", "masked", "--output", str(runs / "masked"), *SMALL_READER]) == 0
    begun = ["--start_from", str(runs / "masked"), *SMALL_READER]
    assert train([*reader, "--phase", "frozen", "--output", str(runs / "frozen"), *begun]) == 0
    begun = ["--start_from", str(runs / "frozen"), *SMALL_READER]
    assert train([*reader, "--output", str(runs / "maskocr"), *begun]) == 0
    assert train(["detector", "--dataset_path", str(data), "--output", str(runs / "detector"), *SMALL_DETECTOR]) == 0
    for name in ("detector", "maskocr"):
        assert train(["export", str(runs / name), "--output", str(models / name), "--last"]) == 0
    chosen = ["--detector_model", str(models / "detector"), "--ocr_model", str(models / "maskocr")]
    chosen += ["--backend", "torch"]
    figures = tmp_path / "figures.json"
    assert train(["test", str(data), "--split", "all", "--json", str(figures), *chosen]) == 0
    assert json.loads(figures.read_text())["figures"]["scenes"]["micro"]["plates"] >= 6
    capsys.readouterr()
    results = tmp_path / "plates.jsonl"
    assert alpr(["read", str(scenes), "--out", str(results), *chosen]) == 0
    lines = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
    assert len(lines) == 8 and all("plates" in line for line in lines)
