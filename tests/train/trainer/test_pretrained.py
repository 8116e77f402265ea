import pytest
import torch
from short_runs import DETECTOR, READER, SHORT

from alpr_app.core.plate import ALPHABET, MAXIMUM_LENGTH
from alpr_app.networks.building import save_bundle
from alpr_app.networks.bundle import load_detector, load_reader
from alpr_app.networks.reader.config import ReaderConfig
from alpr_app.networks.reader.network import Reader
from alpr_app.train.cli.main import main
from alpr_app.train.reader.task import ReaderWithCTC
from alpr_app.train.trainer.checkpoint import load_checkpoint
from alpr_app.train.trainer.pretrained import averaged_weights, with_classes_of


@pytest.mark.parametrize(("command", "options"), [("maskocr", READER), ("detector", DETECTOR)])
def test_a_run_begins_with_a_bundles_weights_and_shape(command, options, data_folder, tmp_path):
    arguments = [command, "--dataset_path", str(data_folder), *SHORT]
    load = load_reader if command == "maskocr" else load_detector
    assert main([*arguments, "--output", str(tmp_path / "first"), *options]) == 0
    assert main(["export", str(tmp_path / "first"), "--output", str(tmp_path / "bundle"), "--last"]) == 0
    begun = [*arguments, "--output", str(tmp_path / "second"), "--start_from", str(tmp_path / "bundle")]
    begun += ["--batch_size", "4", "--start_lr", "1e-9", "--min_lr", "1e-9"]
    if command == "detector":
        begun += ["--crop_size", "64", "128", "--long_side", "160"]
    assert main(begun) == 0
    assert main(["export", str(tmp_path / "second"), "--output", str(tmp_path / "again"), "--last"]) == 0
    (first, _), (second, _) = load(tmp_path / "bundle"), load(tmp_path / "again")
    assert first.config == second.config
    for (name, before), after in zip(first.named_parameters(), second.parameters(), strict=True):
        torch.testing.assert_close(before, after, atol=1e-5, rtol=1e-4, msg=name)


@pytest.mark.parametrize(
    ("command", "options", "other", "said"),
    [
        ("maskocr", READER, ["--embed_dim", "64"], "--embed_dim 64: first, which the run starts from, has 32"),
        ("maskocr", READER, ["--plain_strips"], "--plain_strips: first, which the run starts from, has a stem"),
        ("detector", DETECTOR, ["--stage_blocks", "3", "3", "3"], "--stage_blocks 3 3 3: first, which the run"),
    ],
)
def test_a_run_refuses_a_shape_that_its_beginning_has_not(
    command, options, other, said, data_folder, tmp_path, capsys, monkeypatch
):
    arguments = [command, "--dataset_path", str(data_folder), *SHORT]
    monkeypatch.chdir(tmp_path)
    assert main([*arguments, "--output", "first", *options]) == 0
    assert main([*arguments, "--output", "second", "--start_from", "first", *options]) == 0
    assert main([*arguments, "--output", "third", "--start_from", "first", *other]) == 1
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "options", "other", "anew", "kept"),
    [
        ("maskocr", READER, ["--num_encoder_layers", "2"], "reader.encoder.layers.1.", "reader.encoder.layers.0."),
        ("detector", DETECTOR, ["--stage_blocks", "0", "3", "1"], "backbone.stages.1.3.", "backbone.stages.1.1."),
    ],
)
def test_a_run_takes_over_what_fits_of_a_network_of_another_shape(
    command, options, other, anew, kept, data_folder, tmp_path, capsys
):
    first, second = tmp_path / "first", tmp_path / "second"
    arguments = [command, "--dataset_path", str(data_folder), *SHORT]
    assert main([*arguments, "--output", str(first), *options]) == 0
    begun = ["--start_from", str(first), "--reshape", "--start_lr", "1e-9", "--min_lr", "1e-9", "--seed", "5"]
    capsys.readouterr()
    assert main([*arguments, "--output", str(second), *options, *begun, *other]) == 0
    said = capsys.readouterr().err
    assert f"newly initialised: {anew}" in said and kept not in said
    before = averaged_weights(load_checkpoint(first / "best.pt"))
    after = load_checkpoint(second / "last.pt")["network"]
    taken = [name for name in after if name.startswith(kept) and name.endswith(("weight", "bias"))]
    assert taken and any(name.startswith(anew) for name in after.keys() - before.keys())
    for name in taken:
        torch.testing.assert_close(before[name], after[name], atol=1e-5, rtol=1e-4, msg=name)


def test_another_shape_needs_a_network_to_take_weights_from(data_folder, tmp_path, capsys):
    arguments = ["detector", "--dataset_path", str(data_folder), "--output", str(tmp_path / "x")]
    assert main([*arguments, "--reshape", "--neck_channels", "16"]) == 1
    assert "name it with --start_from" in capsys.readouterr().err


def test_dropout_may_change_where_a_run_goes_on_from_another(data_folder, tmp_path):
    arguments = ["maskocr", "--dataset_path", str(data_folder), *SHORT]
    assert main([*arguments, "--output", str(tmp_path / "first"), *READER]) == 0
    begun = ["--start_from", str(tmp_path / "first"), "--dropout", "0.25"]
    assert main([*arguments, "--output", str(tmp_path / "second"), *begun]) == 0
    assert load_checkpoint(tmp_path / "second" / "best.pt")["description"]["config"]["dropout"] == 0.25


def test_a_reader_is_trained_in_three_phases_each_from_the_one_before(data_folder, tmp_path):
    shared = ["maskocr", "--dataset_path", str(data_folder), "--batch_size", "4", *SHORT]
    folders = [tmp_path / name for name in ("masked", "frozen", "all")]
    assert main([*shared, "--phase", "masked", "--output", str(folders[0]), *READER]) == 0
    for phase, before, folder in zip(("frozen", "all"), folders, folders[1:], strict=False):
        assert main([*shared, "--phase", phase, "--start_from", str(before), "--output", str(folder)]) == 0
    encoders = []
    for folder in folders:
        weights = load_checkpoint(folder / "best.pt")["network"]
        prefix = "encoder." if folder.name == "masked" else "reader.encoder."
        encoders.append({name.removeprefix(prefix): w for name, w in weights.items() if name.startswith(prefix)})
    assert encoders[0].keys() == encoders[1].keys() == encoders[2].keys()
    for name, value in encoders[0].items():
        torch.testing.assert_close(value, encoders[1][name], rtol=0, atol=0, msg=name)
    assert any((encoders[1][name] != value).any() for name, value in encoders[2].items())
    assert main(["export", str(folders[2]), "--output", str(tmp_path / "model")]) == 0
    assert load_reader(tmp_path / "model")[0].config.embed_dim == 32


def test_a_frozen_encoder_must_have_been_trained(data_folder, tmp_path, capsys):
    arguments = ["maskocr", "--phase", "frozen", "--dataset_path", str(data_folder), "--output", str(tmp_path / "run")]
    assert main([*arguments, *READER, *SHORT]) == 1
    assert "name its run with --start_from" in capsys.readouterr().err


def test_a_reader_of_fewer_characters_keeps_the_classes_it_has_when_it_learns_more():
    shape = {"embed_dim": 16, "num_heads": 2, "num_encoder_layers": 1, "num_decoder_layers": 1}
    old = ReaderWithCTC(ReaderConfig(**shape, alphabet="皖沪A1", max_length=3, colours=("blue", "green")))
    new = ReaderWithCTC(ReaderConfig(**shape, alphabet="A军皖1沪", max_length=5, colours=("green", "white", "blue")))
    adapted = with_classes_of(new, old)
    for head in ("reader.characters.weight", "reader.characters.bias", "columns.weight", "columns.bias"):
        before, after = old.state_dict()[head], adapted.state_dict()[head]
        # 皖 沪 A 1 and 'no character', which is last.
        assert (after[[2, 4, 0, 3, 5]] == before).all()
    assert (adapted.reader.colour.weight[[2, 0]] == old.reader.colour.weight).all()
    assert (adapted.reader.queries[:, :3] == old.reader.queries).all()
    assert (adapted.reader.queries[:, 3:] == old.reader.queries[:, 2:]).all()
    assert (adapted.reader.encoder.places == old.reader.encoder.places).all()


def test_a_bundle_of_an_earlier_alphabet_learns_todays_by_reshape(data_folder, tmp_path, capsys):
    early = ReaderConfig(
        embed_dim=16, num_heads=2, num_encoder_layers=1, num_decoder_layers=1, alphabet=ALPHABET[:73], max_length=8
    )
    save_bundle(tmp_path / "early", Reader(early), {}, "trained")
    arguments = ["maskocr", "--dataset_path", str(data_folder), *SHORT, "--start_from", str(tmp_path / "early")]
    assert main([*arguments, "--output", str(tmp_path / "same")]) == 0
    assert f"cannot spell {ALPHABET[73:]}" in capsys.readouterr().err
    assert main([*arguments, "--output", str(tmp_path / "more"), "--reshape"]) == 0
    assert f"learns the characters {ALPHABET[73:]}" in capsys.readouterr().err
    for run, alphabet, length in (("same", ALPHABET[:73], 8), ("more", ALPHABET, MAXIMUM_LENGTH)):
        config = load_reader(tmp_path / run / "newest")[0].config
        assert (config.alphabet, config.max_length) == (alphabet, length)
