import pytest
import torch

from alpr_app.networks.layers import fuse
from alpr_app.networks.reader.config import ReaderConfig
from alpr_app.networks.reader.network import Reader

SMALL = {"embed_dim": 32, "num_heads": 2, "num_encoder_layers": 1, "num_decoder_layers": 1}
VARIANTS = [
    {},
    {"stem_channels": (8, 16)},
    {"stem_channels": (), "patch_size": 6},
    {"stem_channels": (), "patch_size": 8, "overlap": 4},
    {"stem_channels": (8, 16), "overlap": 8},
    {"img_height": 32, "img_width": 128, "patch_size": 4, "max_length": 10, "alphabet": "0123456789"},
]


@pytest.mark.parametrize("changes", VARIANTS)
def test_every_option_gives_one_answer_a_query(changes):
    config = ReaderConfig(**{**SMALL, **changes})
    reader = Reader(config).eval()
    plates = torch.rand(3, 3, config.img_height, config.img_width)
    characters, colours = reader(plates)
    assert characters.shape == (3, config.max_length, len(config.alphabet) + 1)
    assert colours.shape == (3, len(config.colours))
    assert reader.encoder(plates).shape == (3, config.tokens, config.embed_dim)


@pytest.mark.parametrize("changes", VARIANTS)
def test_gradients_flow_to_every_parameter(changes):
    config = ReaderConfig(**{**SMALL, **changes})
    reader = Reader(config)
    sum(output.square().sum() for output in reader(torch.rand(2, 3, config.img_height, config.img_width))).backward()
    # A key's bias moves all of a query's attention logits alike, so the softmax takes it out again.
    without = {name for name, value in reader.named_parameters() if value.grad is None or not value.grad.any()}
    assert without == set()


def test_a_plate_reads_the_same_alone_and_in_a_batch():
    reader = Reader(ReaderConfig()).eval()
    plates = torch.rand(5, 3, 48, 192)
    with torch.inference_mode():
        together, alone = reader(plates)[0][2], reader(plates[2:3])[0][0]
    torch.testing.assert_close(together, alone, atol=1e-4, rtol=1e-4)


def test_fusing_changes_nothing_but_speed():
    torch.manual_seed(0)
    reader, plates = Reader(ReaderConfig(**SMALL, dropout=0.0)), torch.rand(4, 3, 48, 192)
    with torch.no_grad():
        for _ in range(3):
            reader(plates)
        before = reader.eval()(plates)
        fuse(reader)
        fuse(reader)  # twice does no harm
        after = reader(plates)
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in reader.modules())
    torch.testing.assert_close(before[0], after[0], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"patch_size": 7}, "patch_size"),
        ({"patch_size": 28}, "patch_size"),
        ({"overlap": 3, "stem_channels": ()}, "overlap"),
        ({"embed_dim": 100, "num_heads": 3}, "embed_dim"),
        ({"alphabet": "AAB"}, "twice"),
        ({"stem_channels": (8,)}, "stem_channels"),
        ({"img_height": 50}, "img_height"),
    ],
)
def test_a_config_that_cannot_work_is_refused(changes, said):
    with pytest.raises(ValueError, match=said):
        ReaderConfig(**changes)
