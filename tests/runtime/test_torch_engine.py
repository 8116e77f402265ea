from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from alpr_app.networks.bundle import load_bundle
from alpr_app.runtime.torch_engine import TorchEngine


@pytest.fixture(params=["detector_path", "reader_path"])
def bundle_path(request):
    return request.getfixturevalue(request.param)


def images_for(network, picture) -> np.ndarray:
    size = (64, 96) if hasattr(network.config, "long_side") else (48, 192)
    return np.stack([picture(*size, seed) for seed in (1, 2)])


def outputs_of(network, images) -> tuple[torch.Tensor, ...]:
    with torch.inference_mode():
        outputs = network(torch.from_numpy(images).permute(0, 3, 1, 2) / 255)
    return outputs if isinstance(outputs, tuple) else (outputs,)


def test_results_are_those_of_the_network(bundle_path, picture):
    network, _ = load_bundle(None, bundle_path)
    images = images_for(network, picture)
    expected = outputs_of(network, images)
    outputs = TorchEngine(load_bundle(None, bundle_path)[0], torch.device("cpu"))(images)
    assert len(outputs) == len(expected)
    for output, wanted in zip(outputs, expected, strict=True):
        assert output.dtype == np.float32
        np.testing.assert_allclose(output, wanted.numpy(), atol=1e-4)


@pytest.mark.parametrize(("count", "size"), [(1, (64, 96)), (3, (96, 64)), (1, (160, 32)), (5, (64, 64))])
def test_pictures_of_any_size_and_number_are_those_of_the_network(detector_path, reader_path, picture, count, size):
    """The engine records the networks with other pictures than these."""
    for path, shape in ((detector_path, size), (reader_path, (48, 192))):
        images = np.stack([picture(*shape, seed) for seed in range(count)])
        network, _ = load_bundle(None, path)
        expected = outputs_of(network, images)
        engine = TorchEngine(load_bundle(None, path)[0], torch.device("cpu"))
        for _ in range(3):
            for output, wanted in zip(engine(images), expected, strict=True):
                np.testing.assert_allclose(output, wanted.numpy(), atol=1e-4)


def test_loading_warns_of_nothing(detector_path, recwarn):
    TorchEngine(load_bundle(None, detector_path)[0], torch.device("cpu"))
    assert not recwarn.list


def test_threads_may_call_at_once_and_pictures_are_left_alone(bundle_path, picture):
    network, _ = load_bundle(None, bundle_path)
    batches = [images_for(network, picture) // (index + 1) for index in range(4)]
    untouched = [batch.copy() for batch in batches]
    engine = TorchEngine(network, torch.device("cpu"))
    alone = [engine(batch) for batch in batches]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(engine, batches * 3))
    for index, outputs in enumerate(together):
        for output, wanted in zip(outputs, alone[index % 4], strict=True):
            np.testing.assert_array_equal(output, wanted)
    np.testing.assert_array_equal(batches, untouched)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_cuda_gives_the_same(bundle_path, picture):
    network, _ = load_bundle(None, bundle_path)
    images = images_for(network, picture)
    wanted = TorchEngine(load_bundle(None, bundle_path)[0], torch.device("cpu"))(images)
    for output, expected in zip(TorchEngine(network, torch.device("cuda"))(images), wanted, strict=True):
        np.testing.assert_allclose(output, expected, atol=2e-2)
