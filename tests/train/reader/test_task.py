import numpy as np
import pytest
import torch
from builders import TEXTS, toy_plate

from alpr_app.networks.reader.config import ReaderConfig
from alpr_app.train.reader.dataset import UNKNOWN_COLOUR
from alpr_app.train.reader.task import ReaderWithCTC, read_plates, reader_losses

SMALL = ReaderConfig(
    stem_channels=(8, 16),
    embed_dim=48,
    num_heads=3,
    num_encoder_layers=2,
    num_decoder_layers=1,
    dropout=0.0,
    max_length=8,
)


def targets() -> torch.Tensor:
    classes = [[SMALL.alphabet.index(character) for character in text] for text in TEXTS]
    return torch.tensor([known + [SMALL.blank] * (SMALL.max_length - len(known)) for known in classes])


def test_losses_by_hand():
    blank, classes = 3, torch.tensor([[0, 1, 3]])
    characters = torch.log(torch.tensor([[[0.7, 0.1, 0.1, 0.1], [0.2, 0.5, 0.2, 0.1], [0.1, 0.1, 0.2, 0.6]]]))
    colours = torch.log(torch.tensor([[0.25, 0.75]]))
    # Two columns, two characters: there is a single path.
    columns = torch.log(torch.tensor([[[0.8, 0.1, 0.05, 0.05], [0.1, 0.6, 0.1, 0.2]]]))
    losses = reader_losses(characters, colours, columns, classes, torch.tensor([1]), blank)
    assert losses["query"].item() == pytest.approx(-np.log([0.7, 0.5, 0.6]).mean(), rel=1e-5)
    assert losses["column"].item() == pytest.approx(-np.log([0.8, 0.6]).sum() / 2, rel=1e-5)
    assert losses["colour"].item() == pytest.approx(-np.log(0.75), rel=1e-5)
    expected = losses["query"] + 0.3 * losses["column"] + 0.1 * losses["colour"]
    torch.testing.assert_close(losses["loss"], expected)


def test_an_unknown_colour_teaches_nothing():
    network = ReaderWithCTC(SMALL)
    outputs = network(torch.rand(8, 3, 48, 192))
    losses = reader_losses(*outputs, targets(), torch.full((8,), UNKNOWN_COLOUR), SMALL.blank)
    assert losses["colour"].item() == 0
    losses["loss"].backward()
    assert all(value.grad is not None for value in network.parameters())
    assert network.reader.colour.weight.grad.abs().sum() == 0


def test_it_learns_eight_plates_by_heart():
    torch.manual_seed(0)
    plates = np.stack([toy_plate(text) for text in TEXTS])
    images = torch.from_numpy(plates).permute(0, 3, 1, 2).float() / 255
    network = ReaderWithCTC(SMALL)
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
    for _ in range(300):
        losses = reader_losses(*network(images), targets(), torch.zeros(8, dtype=torch.long), SMALL.blank)
        optimizer.zero_grad()
        losses["loss"].backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
        if losses["query"].item() < 0.01:
            break
    with torch.inference_mode():
        assert read_plates(network.reader.eval(), plates, batch_size=3) == list(TEXTS)


def test_bfloat16_gives_about_the_same_losses():
    torch.manual_seed(0)
    network, plates = ReaderWithCTC(SMALL), torch.rand(8, 3, 48, 192)
    colours = torch.zeros(8, dtype=torch.long)
    full = reader_losses(*network(plates), targets(), colours, SMALL.blank)
    with torch.autocast("cpu", torch.bfloat16):
        half = reader_losses(*network(plates), targets(), colours, SMALL.blank)
    half["loss"].backward()
    assert half["loss"].dtype == torch.float32
    torch.testing.assert_close(full["loss"], half["loss"], rtol=0.03, atol=0.03)
