"""Small models and pictures that many tests share. The models are untrained, but the detector always finds plates and
the reader is sure of what it reads."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from alpr_app.core.native_libraries import explain
from tests.places import ROOT

try:
    import cv2  # noqa: F401
except ImportError as error:
    sys.exit(f"no test can run: {explain(error) or error}")

from builders import LACKING, write_data
from reading import NAMES

from alpr_app.data.images import write_picture
from alpr_app.networks.building import save_bundle
from alpr_app.networks.detector.config import DetectorConfig
from alpr_app.networks.detector.network import Detector
from alpr_app.networks.reader.config import ReaderConfig
from alpr_app.networks.reader.network import Reader
from alpr_app.pipeline.alpr import ALPR
from alpr_app.runtime.system_info import cores

# ONNX Runtime asks for it when it is imported, by tests as well; it would leave a file in the home folder.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

if "PYTEST_XDIST_WORKER" in os.environ:
    # As many workers as cores: more than one thread in each would only wait for the others.
    torch.set_num_threads(1)
    os.environ["OMP_NUM_THREADS"] = "1"

SMALL_DETECTOR = DetectorConfig(
    long_side=64, stem_channels=(4, 8), stage_channels=(8, 8, 8), neck_channels=8, box_bins=5
)
SMALL_READER = ReaderConfig(
    stem_channels=(4, 8), embed_dim=16, num_heads=2, num_encoder_layers=1, num_decoder_layers=1, feedforward_ratio=2
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", type=float, metavar="MINUTES", help="use the window for so long, see tests/soak.py")


def finds_plates_everywhere(detector: Detector) -> Detector:
    """Its last layer ignores the picture: at every position a sure plate of 8 x 4 strides."""
    bins = detector.config.box_bins
    with torch.no_grad():
        detector.head.output.weight.zero_()
        bias = detector.head.output.bias.zero_()
        bias[0] = 9.0
        boxes = bias[1 : 1 + 4 * bins].view(4, bins)
        for side, distance in enumerate((4, 2, 4, 2)):
            boxes[side, distance] = 30.0
        bias[1 + 4 * bins :] = torch.tensor([-4.0, -2, 4, -2, 4, 2, -4, 2])
    return detector


def reads_surely(reader: Reader) -> Reader:
    """What it says is still by chance, but its confidence is that of a trained one."""
    with torch.no_grad():
        reader.characters.weight.mul_(30)
        reader.characters.bias.mul_(30)
    return reader


# A worker takes half a gigabyte.
MOST_WORKERS = 8


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Run on all cores, if pytest-xdist is installed and nothing else was asked for. A file's tests stay together: many
    share what is slow to make."""
    known = config.pluginmanager.hasplugin("xdist") and "PYTEST_XDIST_WORKER" not in os.environ
    # pytest-cov has to know beforehand: with --cov, all cores are used only by `-n auto --dist loadfile`.
    known = known and not getattr(config.option, "cov_source", None)
    if known and config.option.numprocesses is None and not config.option.usepdb:
        config.option.numprocesses = min(MOST_WORKERS, cores())
        config.option.dist = "loadfile"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A run that is green but for what it skipped has to say so where it is read."""
    skipped = [report.longrepr[2].partition(LACKING) for report in terminalreporter.stats.get("skipped", [])]
    reasons = [reason for _, lacking, reason in skipped if lacking]
    if reasons:
        said = f"The window was not tested in full, {len(reasons)} of its tests were skipped: "
        terminalreporter.write_line(said + "; ".join(sorted(set(reasons))), yellow=True, bold=True)


@pytest.fixture(autouse=True)
def same_random_numbers_in_every_order() -> None:
    """Untrained networks have the same weights whichever tests ran before in this process."""
    torch.manual_seed(0)


@pytest.fixture(scope="session", autouse=True)
def cache_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """ONNX files are made in a folder of this run, in this process and in those that tests start."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield folder


@pytest.fixture(scope="session")
def detector_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A detector bundle."""
    torch.manual_seed(1)
    detector = finds_plates_everywhere(Detector(SMALL_DETECTOR))
    path = tmp_path_factory.mktemp("models") / "small-detector.safetensors"
    save_bundle(path, detector, {"val": {"recall": 0.5}}, "train detector")
    return path


@pytest.fixture(scope="session")
def reader_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reader bundle."""
    torch.manual_seed(2)
    path = tmp_path_factory.mktemp("models") / "small-reader.safetensors"
    save_bundle(path, reads_surely(Reader(SMALL_READER)), {"val": {"exact": 0.25}}, "train reader")
    return path


@pytest.fixture(scope="session")
def small_alpr(detector_path: Path, reader_path: Path) -> ALPR:
    """The pipeline with both small models, run by torch."""
    return ALPR(detector_path, reader_path, device="cpu", backend="torch")


@pytest.fixture(scope="session")
def picture() -> Callable[..., np.ndarray]:
    """Makes pictures: smooth, colourful, the same for the same seed; H x W x 3 uint8 RGB."""

    def make(height: int = 48, width: int = 64, seed: int = 0) -> np.ndarray:
        import cv2

        coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
        return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)

    return make


@pytest.fixture(scope="session")
def alpr_command(cache_of_its_own: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs `python -m alpr_app` in a process of its own, as a user does."""

    def run(*arguments: object, stdin: bytes | None = None, cwd: Path | None = None):
        environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PYTHONUTF8": "1"}
        done = subprocess.run(
            [sys.executable, "-m", "alpr_app", *map(str, arguments)],
            input=stdin,
            capture_output=True,
            cwd=cwd,
            env=environment,
            timeout=120,
            check=False,
        )
        return subprocess.CompletedProcess(
            done.args, done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        )

    return run


@pytest.fixture
def data_folder(tmp_path: Path) -> Path:
    """A small labelled data folder, see builders.write_data."""
    return write_data(tmp_path / "data")


@pytest.fixture
def folder(tmp_path, picture):
    """Four good pictures of different sizes."""
    root = tmp_path / "in put & 图"
    root.mkdir()
    for number, name in enumerate(NAMES):
        write_picture(root / name, picture(48 + number, 64, number))
    return root


@pytest.fixture
def models(detector_path, reader_path):
    """The options that choose the small models and the backend that starts fastest."""
    return ["--detector_model", str(detector_path), "--ocr_model", str(reader_path), "--backend", "torch"]
