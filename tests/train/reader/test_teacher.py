from dataclasses import replace

import pytest
import torch
from builders import TEXTS, toy_plate
from short_runs import READER, SHORT

from alpr_app.core.errors import UsageError
from alpr_app.networks.reader.config import ReaderConfig
from alpr_app.networks.reader.network import Reader
from alpr_app.train.cli.main import main
from alpr_app.train.reader.teacher import Teacher

LARGER = ReaderConfig(embed_dim=48, num_heads=3, num_encoder_layers=2, num_decoder_layers=2, dropout=0.0, max_length=8)
SMALLER = replace(LARGER, embed_dim=32, num_heads=2, num_encoder_layers=1, num_decoder_layers=1)


def plates() -> torch.Tensor:
    return torch.stack([torch.from_numpy(toy_plate(text)).permute(2, 0, 1) / 255 for text in TEXTS])


def opinionated(config: ReaderConfig, seed: int) -> Reader:
    """A reader that is surer than a new one."""
    torch.manual_seed(seed)
    network = Reader(config).eval()
    torch.nn.init.normal_(network.characters.weight, std=0.5)
    torch.nn.init.normal_(network.colour.weight, std=0.5)
    return network


def test_a_reader_that_says_the_same_has_nothing_to_learn():
    images, network = plates(), opinionated(LARGER, 1)
    with torch.inference_mode():
        same = network(images)
        other = opinionated(LARGER, 2)(images)
    teacher = Teacher(network, LARGER)
    for loss in teacher.losses(images, *same):
        assert loss.item() == pytest.approx(0, abs=1e-4)
    for loss in teacher.losses(images, *other):
        assert loss.item() > 0.1


def test_losses_by_hand():
    teacher = Teacher(opinionated(LARGER, 1), LARGER)
    # It takes two of the classes for equally likely; softened, the learner's chances are as 1 to 2.
    teacher.network.forward = lambda _: (torch.zeros(1, 1, 2), torch.zeros(1, 2))
    learner = torch.log(torch.tensor([1.0, 4.0]))
    characters, colours = teacher.losses(torch.zeros(1, 3, 48, 192), learner.view(1, 1, 2), learner.view(1, 2))
    by_hand = 4 * (0.5 * torch.log(torch.tensor(1.5)) + 0.5 * torch.log(torch.tensor(0.75)))
    assert characters.item() == colours.item() == pytest.approx(by_hand.item(), rel=1e-5)


def test_a_smaller_reader_comes_to_agree_with_its_teacher():
    images, teacher = plates(), Teacher(opinionated(LARGER, 1), LARGER)
    before = [weight.clone() for weight in teacher.network.parameters()]
    torch.manual_seed(3)
    learner = Reader(SMALLER)
    optimizer = torch.optim.AdamW(learner.parameters(), lr=3e-3)
    first = None
    for _ in range(40):
        loss = teacher.losses(images, *learner(images))[0]
        first = first or loss.item()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.2 * first
    assert all((weight == old).all() for weight, old in zip(teacher.network.parameters(), before, strict=True))


@pytest.mark.parametrize("other", [{"alphabet": "AB"}, {"max_length": 9}, {"colours": ("blue",)}])
def test_a_teacher_of_other_plates_is_refused(other):
    with pytest.raises(UsageError, match=f"--teacher: differs .* in {next(iter(other))}"):
        Teacher(Reader(LARGER), replace(SMALLER, **other))


def test_a_run_with_a_teacher_ends_elsewhere_and_resumes_with_this_one_only(data_folder, tmp_path, capsys):
    alone, taught = tmp_path / "alone", tmp_path / "taught"
    command = ["maskocr", "--dataset_path", str(data_folder), "--max_length", "8", *READER, *SHORT, "--output"]
    assert main([*command, str(alone)]) == 0
    assert main([*command, str(taught), "--teacher", str(alone)]) == 0
    assert (alone / "newest.safetensors").read_bytes() != (taught / "newest.safetensors").read_bytes()
    capsys.readouterr()
    assert main([*command, str(taught), "--resume"]) == 1
    assert "teacher" in capsys.readouterr().err
    assert main([*command, str(taught), "--resume", "--teacher", str(alone)]) == 0


def test_a_detector_and_an_encoder_alone_teach_nothing(data_folder, detector_path, tmp_path, capsys):
    command = ["maskocr", "--dataset_path", str(data_folder), *READER, *SHORT, "--output"]
    assert main([*command, str(tmp_path / "masked"), "--phase", "masked"]) == 0
    capsys.readouterr()
    for teacher in (detector_path, tmp_path / "masked"):
        assert main([*command, str(tmp_path / "run"), "--teacher", str(teacher)]) == 1
        assert capsys.readouterr().err.endswith(f"{teacher}: holds no reader to learn from\n")


def test_masked_pretraining_has_no_teacher(data_folder, reader_path, tmp_path, capsys):
    command = ["maskocr", "--dataset_path", str(data_folder), "--phase", "masked", "--teacher", str(reader_path)]
    assert main([*command, "--output", str(tmp_path / "run"), *READER, *SHORT]) == 1
    assert "--teacher: no texts are learned with --phase masked" in capsys.readouterr().err
