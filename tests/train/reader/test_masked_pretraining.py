import numpy as np
import torch
from builders import TEXTS, toy_plate

from alpr_app.networks.layers import from_pixels
from alpr_app.networks.reader.config import ReaderConfig
from alpr_app.train.reader.masked_pretraining import MaskedStrips, normalised_strips, painting_error, random_hidden

SMALL = ReaderConfig(
    stem_channels=(8, 16), embed_dim=48, num_heads=3, num_encoder_layers=2, num_decoder_layers=1, dropout=0.0
)


def test_seven_in_ten_strips_are_hidden_in_every_plate():
    hidden = random_hidden(50, 24)
    assert hidden.sum(dim=1).tolist() == [17] * 50
    assert hidden.any(dim=0).all() and not hidden.all(dim=0).any()


def test_strips_are_cut_from_left_to_right_and_normalised():
    plates = torch.rand(2, 3, 48, 192)
    strips = normalised_strips(plates, 24)
    assert strips.shape == (2, 24, 3 * 48 * 8)
    torch.testing.assert_close(strips.mean(dim=2), torch.zeros(2, 24), atol=1e-5, rtol=0)
    third = plates[1, :, :, 24 * 1 : 32].flatten()
    torch.testing.assert_close(strips[1, 3], (third - third.mean()) / third.std(correction=0), atol=1e-3, rtol=1e-3)


def test_the_error_counts_hidden_strips_only():
    painted, strips = torch.zeros(1, 3, 2), torch.tensor([[[1.0, 1.0], [2.0, 2.0], [9.0, 9.0]]])
    assert painting_error(painted, strips, torch.tensor([[True, True, False]])).item() == 2.5


def test_hidden_pixels_are_never_seen():
    torch.manual_seed(0)
    network = MaskedStrips(SMALL).eval()
    hidden = random_hidden(1, 24)
    plates = torch.rand(1, 3, 48, 192)
    others = torch.where(hidden.repeat_interleave(8, dim=1)[:, None, None], torch.rand_like(plates), plates)
    with torch.inference_mode():
        torch.testing.assert_close(network(plates, hidden), network(others, hidden))


def test_it_learns_to_paint_eight_plates_and_every_parameter_takes_part():
    torch.manual_seed(0)
    images = from_pixels(torch.from_numpy(np.stack([toy_plate(text) for text in TEXTS])))
    network = MaskedStrips(SMALL)
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3)
    generator = torch.Generator().manual_seed(1)
    errors = []
    for _ in range(60):
        hidden = random_hidden(8, 24, generator)
        error = painting_error(network(images, hidden), normalised_strips(images, 24), hidden)
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
        errors.append(error.item())
    assert np.mean(errors[-5:]) < 0.8 * np.mean(errors[:5])
    assert all(value.grad is not None and value.grad.abs().sum() > 0 for value in network.parameters())
