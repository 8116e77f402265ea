import numpy as np
import pytest
import torch
from torch import nn

from alpr_app.data.labels import DataFolder, LabelError, read_data_folder
from alpr_app.networks.reader.config import ReaderConfig
from alpr_app.networks.reader.network import Reader
from alpr_app.train.trainer.export import calibrate, fit_temperature

CONFIG = ReaderConfig()
TEXTS = ["皖A12345", "京B67890"]


class Certain(nn.Module):
    """Reads every plate as the first of `TEXTS`, with logits of `sharpness`."""

    config = CONFIG

    def __init__(self, sharpness: float) -> None:
        super().__init__()
        self.sharpness = sharpness

    def forward(self, plates: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        logits = torch.zeros(len(plates), CONFIG.max_length, len(CONFIG.alphabet) + 1)
        indices = [CONFIG.alphabet.index(character) for character in TEXTS[0]]
        indices += [CONFIG.blank] * (CONFIG.max_length - len(indices))
        logits[:, torch.arange(CONFIG.max_length), indices] = self.sharpness
        return logits, torch.zeros(len(plates), len(CONFIG.colours))


def confidence(sharpness: float) -> float:
    return float(np.exp(sharpness) / (np.exp(sharpness) + len(CONFIG.alphabet)))


@pytest.mark.parametrize("right", [60, 90])
def test_after_it_readings_are_as_sure_as_they_are_right(right):
    """All readings have the same confidence; its likelihood is highest at the share of them that is right."""
    plates = np.zeros((100, 48, 192, 3), np.uint8)
    texts = [TEXTS[0]] * right + [TEXTS[1]] * (100 - right)
    sharpness = 9.0
    temperature = fit_temperature(Certain(sharpness), plates, texts)
    assert temperature > 1
    assert confidence(sharpness / temperature) == pytest.approx(right / 100, abs=0.03)


def test_the_temperature_becomes_part_of_the_weights(data_folder):
    torch.manual_seed(0)
    reader = Reader(ReaderConfig(embed_dim=16, num_heads=2, num_encoder_layers=1, num_decoder_layers=1)).eval()
    plates = torch.rand(2, 3, 48, 192)
    with torch.no_grad():
        before, colours = reader(plates)
        temperature = calibrate(reader, read_data_folder(data_folder))
        after, same = reader(plates)
    assert temperature != 1
    torch.testing.assert_close(after, before / temperature, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(same, colours)


def test_nothing_labelled_is_an_error():
    with pytest.raises(LabelError, match="to calibrate on"):
        calibrate(Reader(ReaderConfig(embed_dim=16, num_heads=2)), DataFolder((), (), ()))
