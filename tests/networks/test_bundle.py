from __future__ import annotations

import errno
import hashlib
import json
import shutil
import threading
from pathlib import Path

import pytest
import safetensors.torch
import torch

from alpr_app.data import assets
from alpr_app.networks.building import save_bundle
from alpr_app.networks.bundle import list_bundles, load_bundle, load_detector, load_reader
from alpr_app.networks.bundle_description import FORMAT, BundleError
from alpr_app.networks.layers import fuse


@pytest.fixture
def copy(detector_path: Path, tmp_path: Path) -> Path:
    """A detector bundle that a test may damage."""
    for suffix in (".safetensors", ".json"):
        shutil.copy(detector_path.with_suffix(suffix), tmp_path / f"copy{suffix}")
    return tmp_path / "copy.safetensors"


def change_json(path: Path, **changes: object) -> None:
    """Set fields of a bundle's JSON; None removes one."""
    described = path.with_suffix(".json")
    content = json.loads(described.read_text(encoding="utf-8")) | changes
    described.write_text(json.dumps({name: value for name, value in content.items() if value is not None}))


def change_weights(path: Path, change) -> None:
    """Replace the weights by `change(weights)`, the hash in the JSON with them."""
    data = safetensors.torch.save(change(safetensors.torch.load(path.read_bytes())))
    path.write_bytes(data)
    change_json(path, sha256=hashlib.sha256(data).hexdigest())


def without(weights: dict, name: str) -> dict:
    return {key: value for key, value in weights.items() if key != name}


def test_loading_gives_back_what_was_saved(reader_path, tmp_path):
    reader, info = load_reader(reader_path)
    again, again_info = load_reader(save_bundle(tmp_path / "again", reader, info.scores, info.command).weights)
    plates = torch.rand(2, 3, 48, 192)
    assert again.config == reader.config
    assert not again.training
    assert all(torch.equal(a, b) for a, b in zip(reader(plates), again(plates), strict=True))
    assert (again_info.scores, again_info.command) == ({"val": {"exact": 0.25}}, "train reader")
    assert again_info.sha256 == info.sha256
    assert info.parameters == sum(weights.numel() for weights in reader.parameters())


@pytest.mark.parametrize("suffix", [".safetensors", ".json", ""])
def test_a_bundle_is_found_by_either_of_its_files_and_by_its_name(copy, suffix):
    _, info = load_detector(copy.with_suffix(suffix))
    assert info.weights == copy


@pytest.mark.parametrize("path", ["", ".", "/"])
def test_a_path_without_a_name_is_refused(path):
    with pytest.raises(BundleError, match=r"this is not the name of a model; give a bundle, NAME\.safetensors"):
        load_detector(path)


def test_a_dot_in_the_name_is_no_suffix(detector_path, tmp_path):
    network, _ = load_detector(detector_path)
    save_bundle(tmp_path / "detector-1.5", network, {}, "")
    assert load_detector(tmp_path / "detector-1.5")[1].name == "detector-1.5"


def test_the_kind_may_be_left_to_the_bundle(reader_path):
    assert load_bundle(None, reader_path)[1].kind == "reader"


def test_the_readers_json_may_be_elsewhere(reader_path, tmp_path):
    alone = tmp_path / "alone.safetensors"
    shutil.copy(reader_path, alone)
    described = tmp_path / "somewhere else.json"
    shutil.copy(reader_path.with_suffix(".json"), described)
    assert load_reader(alone, described)[1].weights == alone
    with pytest.raises(BundleError, match=r"alone\.json: missing"):
        load_reader(alone)


def test_shipped_bundles_are_the_default(detector_path, monkeypatch, tmp_path):
    monkeypatch.setattr(assets, "MODELS", tmp_path)
    with pytest.raises(BundleError, match=r"detector\.safetensors: no such model"):
        load_detector()
    with pytest.raises(BundleError, match=r"maskocr\.safetensors: no such model"):
        load_reader()
    network, _ = load_detector(detector_path)
    save_bundle(tmp_path / "detector", network, {}, "")
    assert load_detector()[1].weights == tmp_path / "detector.safetensors"
    assert list_bundles() == [tmp_path / "detector.safetensors"]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"kind": "reader"}, r"copy\.json: describes a 'reader' where a detector is needed"),
        ({"kind": ["detector"]}, "where a detector is needed"),
        ({"format": FORMAT + 1, "extra": 1}, "update the program"),
        ({"format": 0}, "format 0 is unknown"),
        ({"extra": 1}, "'extra' is unknown"),
        ({"scores": None}, "'scores' is missing"),
        ({"scores": 3}, "'scores' must be an object"),
        ({"sha256": "0" * 64}, r"copy\.safetensors: not the weights that copy\.json describes"),
        ({"config": 7}, "'config' must be an object"),
    ],
)
def test_a_json_that_does_not_fit_is_refused(copy, changes, complaint):
    change_json(copy, **changes)
    with pytest.raises(BundleError, match=complaint):
        load_detector(copy)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"depth": 3}, "unknown 'depth'"),
        ({"neck_channels": None}, "lacks 'neck_channels'"),
        ({"neck_channels": "8"}, "'neck_channels' must be a int"),
        ({"neck_channels": True}, "'neck_channels' must be a int"),
        ({"stage_channels": [8, 8]}, "describes no network"),
        ({"stage_channels": 8}, "'stage_channels' must be a list"),
        ({"long_side": 100}, "long_side must be a multiple of 32"),
        ({"neck_channels": -1}, "describes no network"),
        ({"neck_channels": 2**40}, "'neck_channels' must be from 1 to 512, not 1099511627776"),
        ({"head_blocks": 10_000}, "'head_blocks' must be from 0 to 16, not 10000"),
        ({"long_side": 32_000_000}, "'long_side' must be from 32 to 2048"),
        ({"stage_blocks": [1, -1, 1]}, "'stage_blocks' must be from 0 to 32, not -1"),
        ({"stage_channels": [1024] * 3, "stage_blocks": [32] * 3}, "too large to be run"),
        ({"long_side": 2048, "stage_channels": [256] * 3, "stage_blocks": [9] * 3}, "too large to be run"),
    ],
)
def test_a_config_that_does_not_fit_is_refused(copy, changes, complaint):
    config = json.loads(copy.with_suffix(".json").read_text())["config"] | changes
    change_json(copy, config={name: value for name, value in config.items() if value is not None})
    with pytest.raises(BundleError, match=complaint):
        load_detector(copy)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda weights: without(weights, "head.output.bias"), r"'head\.output\.bias' are missing"),
        (lambda weights: weights | {"more": torch.zeros(1)}, "'more' are unknown"),
        (lambda weights: weights | {"head.output.bias": torch.zeros(3)}, r"'head\.output\.bias' is \(3,\)"),
        (lambda weights: weights | {"head.output.bias": torch.zeros(29).half()}, "F16"),
    ],
)
def test_weights_that_do_not_fit_are_refused(copy, change, complaint):
    change_weights(copy, change)
    with pytest.raises(BundleError, match=complaint):
        load_detector(copy)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"num_heads": 0}, "'num_heads' must be from 1 to 64, not 0"),
        ({"num_heads": -1}, "'num_heads' must be from 1 to 64, not -1"),
        ({"dropout": 1e30}, "'dropout' must be from 0.0 to 1.0"),
        ({"dropout": float("nan")}, "'dropout' must be a float"),
        ({"emb_dropout": float("-inf")}, "'emb_dropout' must be a float"),
        ({"num_encoder_layers": 10**9}, "'num_encoder_layers' must be"),
        ({"max_length": 2**70}, "'max_length' must be"),
        ({"patch_size": 0}, "'patch_size' must be"),
        ({"alphabet": ""}, "the alphabet holds 1 to"),
        ({"alphabet": "A\x1b"}, "not a character of a plate"),
        ({"alphabet": "".join(map(chr, range(0x4E00, 0x9000)))}, "the alphabet holds 1 to"),
        ({"colours": []}, "there are 1 to"),
        ({"colours": ["\x1b[2J"]}, "not the name of a colour"),
        ({"colours": ["x" * 100_000]}, "not the name of a colour"),
    ],
)
def test_a_readers_config_out_of_bounds_is_refused_in_one_short_line(reader_path, tmp_path, changes, complaint):
    for suffix in (".safetensors", ".json"):
        shutil.copy(reader_path.with_suffix(suffix), tmp_path / f"copy{suffix}")
    config = json.loads(reader_path.with_suffix(".json").read_text())["config"] | changes
    change_json(tmp_path / "copy.safetensors", config=config)
    with pytest.raises(BundleError, match=complaint) as raised:
        load_reader(tmp_path / "copy.safetensors")
    assert len(str(raised.value)) < 500 and str(raised.value).isprintable()


@pytest.mark.parametrize("field", ["config", "scores", "command", "format", "kind", "sha256"])
@pytest.mark.parametrize("value", [None, -1, 1e400, [[[]]], {"a": {}}, "x" * 10_000, True], ids=str)
def test_any_other_value_in_any_field_is_refused_or_of_no_harm(copy, field, value):
    described = copy.with_suffix(".json")
    described.write_text(json.dumps(json.loads(described.read_text(encoding="utf-8")) | {field: value}))
    try:
        load_detector(copy)
    except BundleError as error:
        assert len(str(error)) < 1000
    else:
        assert field in ("scores", "command", "format")


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_weights_that_are_no_numbers_are_refused(copy, number):
    change_weights(copy, lambda weights: weights | {"head.output.bias": torch.full((29,), number)})
    with pytest.raises(
        BundleError, match=r"copy\.safetensors: the weights 'head\.output\.bias' contain NaN or infinity"
    ):
        load_detector(copy)


def test_a_file_of_another_size_is_refused_before_it_is_read(copy, monkeypatch):
    with copy.open("ab") as file:
        # Takes no room on the disk, but would in memory.
        file.truncate(2**42)
    monkeypatch.setattr(Path, "read_bytes", lambda self: pytest.fail("read whole"))
    with pytest.raises(BundleError, match=r"4,398,046,511,104 bytes, expected at most [\d,]+"):
        load_detector(copy)


@pytest.mark.parametrize(
    "head",
    [
        b"\xff" * 8,
        (2**60).to_bytes(8, "little") + b"{}",
        (2).to_bytes(8, "little") + b"[]",
        (3).to_bytes(8, "little") + b"{",
        (100_000).to_bytes(8, "little") + b"[" * 100_000,
        (9).to_bytes(8, "little") + b'{"a": 1} ',
        (30).to_bytes(8, "little") + b'{"a": {"dtype":[],"shape":[]}}',
        b"",
    ],
    ids=range(8),
)
def test_a_damaged_head_of_the_weights_is_refused(copy, head):
    copy.write_bytes(head)
    change_json(copy, sha256=hashlib.sha256(head).hexdigest())
    with pytest.raises(BundleError, match="not a safetensors file"):
        load_detector(copy)


def test_figures_that_are_no_numbers_are_saved_as_unknown(detector_path, tmp_path):
    network, _ = load_detector(detector_path)
    save_bundle(tmp_path / "again", network, {"val": {"exact": float("nan"), "found": 0.5}}, "")
    assert "NaN" not in (tmp_path / "again.json").read_text()
    assert load_detector(tmp_path / "again")[1].scores == {"val": {"exact": None, "found": 0.5}}


def test_damaged_weights_are_refused(copy):
    data = bytearray(copy.read_bytes())
    data[-1] ^= 1
    copy.write_bytes(bytes(data))
    with pytest.raises(BundleError, match="damaged or swapped"):
        load_detector(copy)


def test_weights_that_are_no_safetensors_are_refused(copy):
    copy.write_bytes(b"something else")
    change_json(copy, sha256=hashlib.sha256(b"something else").hexdigest())
    with pytest.raises(BundleError, match="not a safetensors file"):
        load_detector(copy)


@pytest.mark.parametrize(
    "content",
    [b"{", b"\xff\xfe\x00", b"[1]", b"", b"[" * 100_000, b'{"a":' * 100_000, b" " * 5_000_000, b"1" * 5000],
    ids=range(8),
)
def test_a_damaged_json_is_refused(copy, content):
    copy.with_suffix(".json").write_bytes(content)
    with pytest.raises(BundleError, match=r"copy\.json: damaged"):
        load_detector(copy)


def test_missing_files_are_named(copy):
    with pytest.raises(BundleError, match=r"nothing\.safetensors: no such model"):
        load_detector(copy.with_name("nothing"))
    copy.with_suffix(".json").unlink()
    with pytest.raises(BundleError, match=r"copy\.json: missing"):
        load_detector(copy)


def test_pickles_are_refused_by_name_and_by_content(copy):
    network, _ = load_detector(copy)
    pickled = copy.with_name("model.pth")
    torch.save(network.state_dict(), pickled)
    with pytest.raises(BundleError, match=r"model\.pth: a pickle"):
        load_detector(pickled)
    shutil.copy(pickled, copy)
    with pytest.raises(BundleError, match=r"copy\.safetensors: a pickle"):
        load_detector(copy)


def test_a_fused_network_is_not_saved(detector_path, tmp_path):
    network, _ = load_detector(detector_path)
    fuse(network)
    with pytest.raises(BundleError, match="before it is fused"):
        save_bundle(tmp_path / "fused", network, {}, "")
    assert not list(tmp_path.iterdir())


def test_only_detectors_and_readers_are_saved(tmp_path):
    with pytest.raises(BundleError, match="a Linear is neither"):
        save_bundle(tmp_path / "linear", torch.nn.Linear(1, 1), {}, "")


def test_a_full_disk_leaves_the_earlier_bundle(copy, monkeypatch):
    network, info = load_detector(copy)
    before = {path.name: path.read_bytes() for path in copy.parent.iterdir()}

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(BundleError, match="not saved: No space left on device"):
        save_bundle(copy, network, {"new": 1}, "")
    assert {path.name: path.read_bytes() for path in copy.parent.iterdir()} == before
    assert load_detector(copy)[1] == info


@pytest.mark.parametrize(
    "figures",
    [
        7,
        [],
        {"scenes": 1},
        {"scenes": {}},
        {"scenes": {"micro": {}}},
        {"scenes": {"micro": {"plates": None}}},
        {"scenes": {"all": {"plates": 1}}},
        {"scenes": {"micro": {"plates": 1, "a": 2}, "b": {"plates": 1}}},
        {"confidence": {"0.5": {"readings": 1}}},
        {"crops": {"all": {"exact": "1"}}},
    ],
    ids=str,
)
def test_figures_that_no_table_can_be_made_of_are_refused(copy, figures):
    change_json(copy, scores={"evaluation": {"figures": figures}})
    with pytest.raises(BundleError, match=r"copy\.json: damaged scores, "):
        load_detector(copy)


def test_a_bundle_that_is_replaced_meanwhile_is_read_as_one_of_the_two(detector_path, tmp_path):
    path, networks = tmp_path / "newest", [load_detector(detector_path)[0], load_detector(detector_path)[0]]
    with torch.no_grad():
        next(networks[1].parameters()).add_(1)
    saved = [save_bundle(path, network, {}, "").sha256 for network in networks]
    over = threading.Event()

    def replace() -> None:
        while not over.is_set():
            for network in networks:
                save_bundle(path, network, {}, "")
                over.wait(0.005)

    writer = threading.Thread(target=replace)
    writer.start()
    try:
        seen = {load_detector(path)[1].sha256 for _ in range(40)}
    finally:
        over.set()
        writer.join()
    assert seen <= set(saved)
