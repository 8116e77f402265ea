"""`alpr read` of object stores and web servers."""

from __future__ import annotations

import sys
import tarfile

import pytest
from reading import NAMES, lines
from servers import free_port
from stores import object_store, web_server

from alpr_app.cli.main import main
from alpr_app.data import object_store as module


@pytest.fixture(scope="module")
def client():
    with object_store() as client:
        yield client


@pytest.fixture
def bucket(client, folder):
    """The four pictures in a store, two of them in folders, with something that is none."""
    for page in client.get_paginator("list_objects_v2").paginate(Bucket="pictures"):
        for item in page.get("Contents", ()):
            client.delete_object(Bucket="pictures", Key=item["Key"])
    keys = ("day/a & b.png", "day/b2 c.png", "day/key=5/b10.png", "day/key=6/皖A12345.png")
    for name, key in zip(NAMES, keys, strict=True):
        client.put_object(Bucket="pictures", Key=key, Body=(folder / name).read_bytes())
    client.put_object(Bucket="pictures", Key="day/notes.txt", Body=b"no picture")
    return [f"s3://pictures/{key}" for key in keys]


def without_times(records: list[dict]) -> list[dict]:
    return [{key: value for key, value in record.items() if key not in ("ms", "file")} for record in records]


def read(tmp_path, models, *arguments: str, status: int = 0) -> list[dict]:
    out = tmp_path / "out.jsonl"
    assert main(["read", *arguments, "--out", str(out), *models]) == status
    return lines(out)


def test_a_prefix_is_read_like_the_folder(bucket, folder, models, tmp_path, capsys):
    found = read(tmp_path, models, "s3://pictures/day/", "--recursive")
    assert [record["file"] for record in found] == bucket
    assert capsys.readouterr().err.endswith("day/: 1 file is neither picture nor video and left out\n")
    assert without_times(found) == without_times(read(tmp_path, models, str(folder)))


def test_without_recursive_only_what_lies_directly_below_is_read(bucket, models, tmp_path):
    assert [record["file"] for record in read(tmp_path, models, "s3://pictures/day")] == bucket[:2]


def test_many_objects_come_page_by_page(bucket, models, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_PAGE", 1)
    found = read(tmp_path, models, "s3://pictures/day/", "--recursive")
    assert [record["file"] for record in found] == bucket


def test_single_objects_patterns_and_lists(bucket, models, tmp_path):
    chosen = tmp_path / "list.txt"
    chosen.write_text(bucket[3] + "\n" + bucket[0] + "\n", encoding="utf-8")
    found = read(tmp_path, models, bucket[2], "s3://pictures/day/*.png", "--list", str(chosen))
    assert [record["file"] for record in found] == [bucket[2], *bucket[:2], bucket[3], bucket[0]]


def test_a_key_with_brackets_is_no_pattern(client, bucket, folder, models, tmp_path):
    client.put_object(Bucket="pictures", Key="odd/a[1].png", Body=(folder / NAMES[0]).read_bytes())
    (found,) = read(tmp_path, models, "s3://pictures/odd/a[1].png")
    assert found["file"] == "s3://pictures/odd/a[1].png" and "error" not in found


def test_shards_of_a_store_are_disjoint_and_complete(bucket, models, tmp_path):
    found = [read(tmp_path, models, "s3://pictures/day/", "--recursive", "--shard", f"{n}/2") for n in range(2)]
    assert sorted(record["file"] for part in found for record in part) == sorted(bucket)


def test_tar_files_of_a_store_are_read_without_a_copy(client, bucket, folder, models, tmp_path):
    with tarfile.open(tmp_path / "shard.tar.gz", "w:gz") as tar:
        for name in NAMES:
            tar.add(folder / name, arcname=name)
    client.upload_file(str(tmp_path / "shard.tar.gz"), "pictures", "shards/0.tar.gz")
    before = sorted(tmp_path.iterdir())
    found = read(tmp_path, models, "s3://pictures/shards/*.tar.gz")
    assert [record["file"] for record in found] == [f"s3://pictures/shards/0.tar.gz/{name}" for name in NAMES]
    assert sorted(tmp_path.iterdir()) == sorted([*before, tmp_path / "out.jsonl"])


@pytest.mark.parametrize(
    ("address", "complaint"),
    [
        ("s3://pictures/none.jpg", "not found"),
        ("s3://nowhere/none.jpg", "not found"),
        ("s3://pictures/nothing/", "no pictures here"),
        ("s3://pictures/day/*.webp", "nothing matches it"),
        ("s3://pictures/none.tar", "not found"),
        ("s3://pictures/empty.jpg", "the file is empty"),
        ("s3://pictures/large.jpg", "too large for a stored picture"),
        ("s3://pictures/text.jpg", "not a picture"),
        ("s3://pictures/a::file:///etc/hostname", "an address with '::' cannot be read"),
    ],
)
def test_what_a_store_does_not_have_is_one_row_and_the_rest_is_read(
    client, bucket, models, tmp_path, capsys, monkeypatch, address, complaint
):
    monkeypatch.setattr(module, "MAXIMUM_BYTES", 100_000)
    client.put_object(Bucket="pictures", Key="empty.jpg", Body=b"")
    client.put_object(Bucket="pictures", Key="large.jpg", Body=bytes(200_000))
    client.put_object(Bucket="pictures", Key="text.jpg", Body=b"no picture" * 100)
    bad, good = read(tmp_path, models, address, bucket[0], status=1)
    assert complaint in bad["error"] and bad["file"] == address
    assert good["file"] == bucket[0] and "error" not in good
    assert capsys.readouterr().err == f"alpr: {bad['error']}\n"


def test_stored_pictures_of_a_web_server(folder, models, tmp_path):
    pytest.importorskip("aiohttp", reason="needs aiohttp, of the extra 'remote'")
    (folder / "inner").mkdir()
    (folder / NAMES[2]).rename(folder / "inner" / NAMES[2])
    with web_server(folder) as address:
        found = read(tmp_path, models, "--stored", f"{address}/", "--recursive")
        names = [record["file"].removeprefix(f"{address}/") for record in found]
        assert names == ["%E7%9A%96A12345.png", "a%20%26%20b.png", "b2%20c.png", "inner/b10.png"]
        assert [record["file"] for record in read(tmp_path, models, "--stored", f"{address}/inner/b10.png")] == [
            f"{address}/inner/b10.png"
        ]
        chosen = tmp_path / "list.txt"
        chosen.write_text(f"{address}/none.jpg?token=geheim\n{address}/inner/b10.png?token=geheim\n")
        bad, good = read(tmp_path, models, "--list", str(chosen), status=1)
        assert bad["error"] == f"{address}/none.jpg?token=***: not found; check the address"
        assert good["file"] == f"{address}/inner/b10.png?token=***" and "error" not in good


def test_tar_files_of_a_web_server_need_no_option(folder, models, tmp_path):
    pytest.importorskip("aiohttp", reason="needs aiohttp, of the extra 'remote'")
    with tarfile.open(folder / "shard.tar", "w") as tar:
        for name in NAMES:
            tar.add(folder / name, arcname=name)
    with web_server(folder) as address:
        found = read(tmp_path, models, f"{address}/shard.tar")
        assert [record["file"] for record in found] == [f"{address}/shard.tar/{name}" for name in NAMES]


def test_a_server_that_is_not_there_is_one_row(models, tmp_path, capsys):
    pytest.importorskip("aiohttp", reason="needs aiohttp, of the extra 'remote'")
    address = f"http://127.0.0.1:{free_port()}"
    (record,) = read(tmp_path, models, "--stored", f"{address}/a.jpg?password=geheim", status=1)
    assert record["error"].startswith(f"{address}/a.jpg?password=***: ") and "geheim" not in capsys.readouterr().err


@pytest.mark.parametrize("address", ["s3://pictures/a.jpg", "s3://pictures/", "https://example.invalid/shard.tar"])
def test_without_fsspec_one_line_says_what_to_install(models, tmp_path, monkeypatch, capsys, address):
    module._file_system.cache_clear()
    monkeypatch.setitem(sys.modules, "fsspec", None)
    assert main(["read", address, "--out", str(tmp_path / "out.jsonl"), *models]) == 2
    err = capsys.readouterr().err
    assert "pip install 'alpr-app[remote]'" in err and err.count("\n") == 1
