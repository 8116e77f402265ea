"""What is given damaged inputs: every reader of something from outside, through the functions that programs call.

A target makes a damaged input of a random generator and reads it. It returns whether the input got past the head, that
is past the first glance that refuses most damage; it raises AlprError for what it refuses, and nothing else.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import json
import random
import tarfile
import unicodedata
from collections.abc import Callable
from dataclasses import asdict
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import torch

from alpr_app.core.errors import AlprError, printable
from alpr_app.core.plate import ALPHABET
from alpr_app.data.bounded_parsing import ContentError, parse_json
from alpr_app.data.ccpd import format_name, parse_name
from alpr_app.data.frame import Frame, Limits
from alpr_app.data.images import check_header, decode_picture, quiet_opencv
from alpr_app.data.label_text import spelled
from alpr_app.data.labels import read_table
from alpr_app.data.network import file_name_for, is_address, secrets_in, without_secrets
from alpr_app.data.pages import picture_frames
from alpr_app.data.run_folder import command_of, read_about, read_curves, read_newest
from alpr_app.data.sources import frames, unpacked
from alpr_app.data.videos import video_frames
from alpr_app.networks.building import save_bundle
from alpr_app.networks.bundle import load_bundle
from alpr_app.networks.detector.config import DetectorConfig
from alpr_app.networks.detector.network import Detector
from alpr_app.networks.reader.config import ReaderConfig
from alpr_app.networks.reader.network import Reader
from alpr_app.synth.plates.plates_file import read_plates_file, shipped_plates
from alpr_app.train.cli.main import build_parser
from alpr_app.train.cli.parsers import CommandParser, config_arguments
from alpr_app.train.trainer.checkpoint import load_checkpoint, save_checkpoint
from alpr_app.viewer.app.settings import Settings, load_settings
from tests.fuzz.mutations import damage, damage_text
from tests.places import FIXTURES, ROOT

Target = Callable[[random.Random, Path], bool]
DATA = FIXTURES


@cache
def pictures() -> list[bytes]:
    """Small pictures in every format that OpenCV writes, and the odd ones among the tests' data."""
    quiet_opencv()
    coarse = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)
    colour = cv2.resize(coarse, (64, 48), interpolation=cv2.INTER_CUBIC)
    grey = colour[..., 0]
    alpha = np.dstack([colour, grey])
    kinds = [
        (".jpg", colour, []),
        (".jpg", colour, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]),
        (".jpg", colour, [cv2.IMWRITE_JPEG_RST_INTERVAL, 2]),
        (".jpg", grey, []),
        (".png", colour, []),
        (".png", alpha, []),
        (".png", colour.astype(np.uint16) * 257, []),
        (".webp", colour, []),
        (".webp", colour, [cv2.IMWRITE_WEBP_QUALITY, 101]),
        (".bmp", colour, []),
        (".bmp", alpha, []),
        (".tiff", colour, []),
        (".tiff", grey, [cv2.IMWRITE_TIFF_COMPRESSION, 5]),
        (".tiff", colour.astype(np.float32), []),
        (".gif", colour, []),
        (".avif", colour, []),
        (".jp2", colour, []),
        (".ppm", colour, []),
        (".pgm", grey, []),
        (".pbm", grey, []),
        (".pam", colour, []),
        (".pfm", colour.astype(np.float32), []),
        (".hdr", colour.astype(np.float32), []),
        (".ras", colour, []),
    ]
    made = []
    for suffix, image, options in kinds:
        try:
            done, data = cv2.imencode(suffix, image, options)
        except cv2.error:
            continue  # not every build of OpenCV has every format
        if done:
            made.append(data.tobytes())
    odd = [path for path in DATA.rglob("*") if path.is_file() and path.stat().st_size < 40_000]
    return made + [path.read_bytes() for path in sorted(odd) if path.suffix.lower() not in (".csv", ".json", ".toml")]


@cache
def pages() -> list[bytes]:
    """Pictures of several pages."""
    images = [np.full((24, 32, 3), 40 * number, np.uint8) for number in range(4)]
    made = []
    for suffix in (".tiff",):
        done, data = cv2.imencodemulti(suffix, images)
        if done:
            made.append(data.tobytes())
    animation = cv2.Animation()
    animation.frames, animation.durations = images, np.full(len(images), 40)
    for suffix in (".gif", ".png", ".webp", ".avif"):
        try:
            done, data = cv2.imencodeanimation(suffix, animation)
        except (cv2.error, AttributeError):
            continue
        if done:
            made.append(data.tobytes())
    return made


@cache
def videos(folder: Path) -> list[bytes]:
    """Videos of ten small frames."""
    made = []
    for suffix, codec in ((".avi", "MJPG"), (".mp4", "mp4v"), (".mkv", "VP80"), (".avi", "XVID")):
        path = folder / f"video{suffix}"
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*codec), 25, (64, 48))
        for number in range(10):
            writer.write(np.full((48, 64, 3), 20 * number, np.uint8))
        writer.release()
        if path.is_file() and path.stat().st_size:
            made.append(path.read_bytes())
    return made


def _picture(rng: random.Random, folder: Path) -> bool:
    data = damage(rng.choice(pictures()), pictures(), rng)
    check_header("x", data)
    try:
        image = decode_picture(data, "x", orient=rng.random() < 0.5)
    except AlprError:
        return True
    assert image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3 and image.size
    return True


def _pages(rng: random.Random, folder: Path) -> bool:
    path = folder / "pages"
    data = damage(rng.choice(pages()), pages(), rng)
    path.write_bytes(data)
    check_header("x", data)
    for frame in picture_frames(Frame(str(path), "pages")):
        _load(frame)
    return True


@cache
def archives() -> list[bytes]:
    """Tar files of pictures in the formats that tar programs write, plain and compressed."""
    made = []
    for kind in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w", format=kind) as tar:
            for number, content in enumerate(pictures()[:4]):
                header = tarfile.TarInfo(f"{'long name ' * 20 * (number % 2)}{number}.png")
                header.size = len(content)
                tar.addfile(header, io.BytesIO(content))
        made += [stream.getvalue(), gzip.compress(stream.getvalue()), bz2.compress(stream.getvalue())]
    return made


def _archive(rng: random.Random, folder: Path) -> bool:
    path = folder / "shard.tar"
    path.write_bytes(damage(rng.choice(archives()), archives(), rng))
    entries = list(unpacked([Frame(str(path), path.name)]))
    for frame in frames(entries):
        _load(frame)
    return len(entries) > 1


def _video(rng: random.Random, folder: Path) -> bool:
    seeds = videos(folder)
    path = folder / rng.choice(("film.avi", "film.mp4", "film.mkv", "video.bin"))
    path.write_bytes(damage(rng.choice(seeds), seeds, rng))
    read = last = 0
    for frame in video_frames(Frame(str(path), path.name), Limits(frames=30)):
        if frame.error is None:
            read += 1
            assert frame.time_ms >= last, "time goes back"
            last = frame.time_ms
    return read > 0


def _load(frame: Frame) -> None:
    try:
        frame.load()
    except AlprError:
        return


TABLE = """file,split,subset,text,colour,rows,box,corners
a/1.jpg,train,base,皖A12345,blue,1,410 602 560 650,410 602 560 602 560 650 410 650
2.jpg,val,,京AD12345,green,,,120 400 260 410 258 452 119 441
3.jpg,test,weather,,,,,
"4, 5.jpg",,,苏E7·2Q94,,2,10 10 90 50,
"""
CROPS = "file,text\n1.jpg,皖A12345\n2.jpg,粤B6E907\n"


def _table(rng: random.Random, folder: Path) -> bool:
    text = damage_text(rng.choice((TABLE, CROPS)), [TABLE, CROPS], rng)
    data = text.encode("utf-8", "surrogatepass")
    if rng.random() < 0.1:
        data = damage(data, [data], rng)
    path = folder / "alpr_dataset.csv"
    path.write_bytes(data)
    try:
        read_table(path)
    except AlprError as error:
        # A row is named: the file's first line was taken.
        return ", row " in str(error)
    return True


NAMES = (
    "025-95_113-154&383_386&473-386&473_177&454_154&383_363&402-0_0_22_27_27_33_16-37-15.jpg",
    "0076-88_90-285&648_434&695-433&690_285&695_285&652_434&648-1_0_3_29_26_25_32_30-123-39.jpg",
)
ADDRESSES = (
    "rtsp://user:pass@192.0.2.1:554/live?channel=1&user=admin&pwd=secret",
    "http://[2001:db8::1]:8080/video.mjpg?token=abc",
    "https://camera.example/snapshot.jpg#x",
)


def _name(rng: random.Random, folder: Path) -> bool:
    address = damage_text(rng.choice(ADDRESSES), list(ADDRESSES), rng)
    without_secrets(address), file_name_for(address), is_address(address), secrets_in(address)
    text = damage_text("皖A·12345 ａｄ０", ["京"], rng)
    assert not {unicodedata.category(character) for character in printable(text)} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    spelled(text, ALPHABET)
    name = damage_text(rng.choice(NAMES), list(NAMES), rng)
    try:
        annotation = parse_name(name)
    except AlprError as error:
        return "fields where" not in str(error)
    assert parse_name(format_name(annotation)).text == annotation.text
    return True


def _settings(rng: random.Random, folder: Path) -> bool:
    text = json.dumps(asdict(Settings()), default=str, indent=1)
    path = folder / "settings.json"
    path.write_bytes(damage_text(text, [text, "[[[[", '{"a": {"a": {}}}'], rng).encode("utf-8", "surrogatepass"))
    settings, _ = load_settings(path)
    assert isinstance(settings, Settings)
    return _is_json(path)


def _is_json(path: Path) -> bool:
    try:
        parse_json(path.read_text(encoding="utf-8"))
    except (ContentError, ValueError, OSError):
        return False
    return True


ABOUT = {
    "kind": "reader",
    "steps": 100,
    "batch_size": 8,
    "judged_by": "exact",
    "parameters": 1000,
    "options": {"samples": 800, "start_lr": 0.001},
    "config": {"embed_dim": 160},
    "data": {"labelled": 6},
    "arguments": ["maskocr", "--samples", "800"],
    "place": "/",
}
CURVES = "step,loss,exact\n10,1.5,0.1\n20,1.2,0.4\n30,nan,\n"


def _run(rng: random.Random, folder: Path) -> bool:
    about = json.dumps(ABOUT, indent=1)
    newest = json.dumps({"scores": {"training": {"samples_seen": 80, "exact": 0.5}}, "config": {}})
    for name, text in (("run.json", about), ("newest.json", newest), ("train.csv", CURVES), ("command.txt", "a b")):
        damaged = damage_text(text, [about, newest, CURVES], rng)
        (folder / name).write_bytes(damaged.encode("utf-8", "surrogatepass"))
    read_about(folder), read_newest(folder), command_of(folder)
    read_curves(folder / "train.csv")
    return _is_json(folder / "run.json")


CONFIG = "samples = 400\nbatch_size = 2\nstart_lr = 1e-3\nwide_stages = [true, false, true]\nno_amp = true\n"


@cache
def _options() -> CommandParser:
    return build_parser()[1].parsers["detector"]


@cache
def _plates() -> list[str]:
    folder = ROOT / "alpr_app" / "synth" / "plates" / "designs"
    return [(folder / f"{name}.toml").read_text(encoding="utf-8") for name in shipped_plates()]


def _toml(rng: random.Random, folder: Path) -> bool:
    path = folder / "file.toml"
    if rng.random() < 0.3:
        path.write_bytes(damage_text(CONFIG, [CONFIG], rng).encode("utf-8", "surrogatepass"))
        config_arguments(path, _options())
        return True
    path.write_bytes(damage_text(rng.choice(_plates()), _plates(), rng).encode("utf-8", "surrogatepass"))
    try:
        read_plates_file(path)
    except AlprError as error:
        return "not a TOML file" not in str(error)
    return True


@cache
def _bundles(folder: Path) -> list[tuple[str, bytes, str]]:
    """(kind, weights, JSON) of small models."""
    torch.manual_seed(0)
    detector = Detector(DetectorConfig(long_side=64, stem_channels=(4, 8), stage_channels=(8, 8, 8), neck_channels=8))
    reader = Reader(ReaderConfig(stem_channels=(4, 8), embed_dim=16, num_heads=2, num_encoder_layers=1))
    made = []
    for kind, network in (("detector", detector), ("reader", reader)):
        save_bundle(folder / kind, network, {"val": {"exact": 0.5}}, "train")
        texts = (folder / f"{kind}.json").read_text(encoding="utf-8")
        made.append((kind, (folder / f"{kind}.safetensors").read_bytes(), texts))
    return made


def _bundle(rng: random.Random, folder: Path) -> bool:
    kind, weights, described = rng.choice(_bundles(folder))
    if rng.random() < 0.6:
        # The hash is that of the damaged weights: somebody else's model, not a bad copy.
        head = 8 + int.from_bytes(weights[:8], "little")
        part = weights[: head + 200] if rng.random() < 0.8 else weights
        weights = damage(part, [weights], rng) + weights[len(part) :]
        content = json.loads(described) | {"sha256": hashlib.sha256(weights).hexdigest()}
        described = json.dumps(content)
    else:
        described = damage_text(described, [described], rng)
    (folder / "x.safetensors").write_bytes(weights)
    (folder / "x.json").write_bytes(described.encode("utf-8", "surrogatepass"))
    try:
        load_bundle(kind, folder / "x.safetensors")
    except AlprError as error:
        return "damaged" not in str(error) and "sha256" not in str(error)
    return True


@cache
def _checkpoint_bytes(folder: Path) -> bytes:
    description = {"kind": "line", "run": {"samples": 8}}
    state = {"network": {"weight": torch.zeros(3)}, "step": 3, "best": 0.5, "metrics": {}, "description": description}
    save_checkpoint(folder / "seed.pt", state)
    return (folder / "seed.pt").read_bytes()


def _checkpoint(rng: random.Random, folder: Path) -> bool:
    seed = _checkpoint_bytes(folder)
    path = folder / "last.pt"
    path.write_bytes(damage(seed, [seed], rng))
    try:
        load_checkpoint(path)
    except AlprError as error:
        return "damaged" not in str(error)
    return True


# With how many of a hundred inputs each has.
TARGETS: dict[str, tuple[Target, float]] = {
    "pictures": (_picture, 50),
    "pages": (_pages, 0.5),
    "archives": (_archive, 2),
    "videos": (_video, 0.3),
    "tables": (_table, 13),
    "names": (_name, 16),
    "settings": (_settings, 6),
    "runs": (_run, 5),
    "toml": (_toml, 5),
    "bundles": (_bundle, 2),
    "checkpoints": (_checkpoint, 1),
}
