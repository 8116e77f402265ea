"""`alpr read --engine ray` on a real cluster of two nodes on this computer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
from reading import lines

from alpr_app.cli.main import main
from alpr_app.data.images import write_picture
from tests.places import FIXTURES, ROOT

# Limit for a run on a very busy computer; usually it takes a twentieth.
SECONDS = 400
# Nothing is asked of the network or written to the home folder, and logs stay short.
ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AUTH_MODE": "disabled",
    # Ray would put the computer's own address in place of the loopback one.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "OMP_NUM_THREADS": "1",
    "PYTHONPATH": str(ROOT),
}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two nodes with a core each."""
    pytest.importorskip("ray.data", reason="needs ray, of the extra 'ray'")
    if not Path("/proc/self/stat").exists():
        pytest.skip("needs processes as Linux shows them")
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": 100 * 2**20, "node_ip_address": "127.0.0.1"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        cluster = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
        try:
            cluster.add_node(**node)
            yield cluster
        finally:
            cluster.shutdown()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory, picture) -> Path:
    """Pictures of which each takes a while to decode, a broken one, a video and a tar file in folders."""
    root = tmp_path_factory.mktemp("pictures")
    for number in range(4):
        write_picture(root / f"{number}.png", picture(1500, 2000, number))
    for number in range(4, 36):
        os.link(root / f"{number % 4}.png", root / f"{number}.png")
    (root / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 cut")
    (root / "film.mp4").write_bytes((FIXTURES / "films" / "film.mp4").read_bytes())
    return root


@pytest.fixture(scope="module")
def shard(pictures, tmp_path_factory) -> Path:
    """A tar file with three of the pictures, cut short."""
    path = tmp_path_factory.mktemp("shards") / "shard.tar"
    with tarfile.open(path, "w") as tar:
        for number in range(4):
            tar.add(pictures / f"{number}.png", arcname=f"{number}.png")
    path.write_bytes(path.read_bytes()[:-20_000])
    return path


@contextmanager
def started(cluster: Any, *arguments: object, cwd: Path) -> Iterator[subprocess.Popen[str]]:
    """The command, reading on the cluster."""
    command = [sys.executable, "-m", "alpr_app", "read", *map(str, arguments), "--engine", "ray"]
    command += ["--address", cluster.address]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=cwd)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def finished(cluster: Any, *arguments: object, cwd: Path) -> str:
    """What the command reports of a run in which something could not be read."""
    with started(cluster, *arguments, cwd=cwd) as process:
        _, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 1, err
    return err


def wait_for_rows(process: subprocess.Popen[str], part: Path) -> None:
    """Wait until the first rows are written, while the run goes on."""
    deadline = monotonic() + SECONDS
    while not (part.exists() and part.stat().st_size) and monotonic() < deadline:
        assert process.poll() is None, process.communicate()[1]
        sleep(0.01)


def readers(cluster: Any) -> list[int]:
    """The processes of this cluster that hold a pipeline."""
    nodes = {
        int(process.process.pid)
        for node in cluster.list_all_nodes()
        for process in node.all_processes.get("raylet", ())
    }
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            title = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if parent in nodes and title.startswith(b"ray::MapWorker") and b"Reader" in title:
            found.append(int(folder.name))
    return found


def rows(records: list[dict]) -> list[str]:
    """Everything but durations, comparable."""
    return sorted(repr([(key, value) for key, value in record.items() if key != "ms"]) for record in records)


def test_a_run_whose_reader_is_killed_has_the_rows_of_one_machine(cluster, pictures, shard, models, tmp_path):
    alone, out = tmp_path / "alone.jsonl", tmp_path / "out.jsonl"
    # Relative paths mean the same on every node.
    os.symlink(pictures, tmp_path / "relative")
    command = ["relative", str(shard), str(tmp_path / "none.jpg"), *models, "--out"]
    done = subprocess.run([sys.executable, "-m", "alpr_app", "read", *command, str(alone)], cwd=tmp_path, check=False)
    assert done.returncode == 1
    part = tmp_path / "out.jsonl.part"
    with started(cluster, *command, out, cwd=tmp_path) as process:
        wait_for_rows(process, part)
        killed = readers(cluster)[:1]
        for reader in killed:
            os.kill(reader, signal.SIGKILL)
        assert process.poll() is None, "the run was over before a reader was killed"
        _, err = process.communicate(timeout=SECONDS)
    assert killed and process.returncode == 1, err
    assert rows(lines(out)) == rows(lines(alone))
    assert not part.exists()
    assert "pictures/s" in err and "plates/s" in err and "3 not read" in err


def test_parquet_is_written_by_the_workers_and_continued_by_what_is_there(
    cluster, pictures, shard, models, tmp_path, picture
):
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs pyarrow, of the extra 'ray'")
    folder = tmp_path / "few"
    folder.mkdir()
    for number in range(3):
        write_picture(folder / f"{number}.png", picture(60, 80, number))
    alone, out = tmp_path / "alone.parquet", tmp_path / "out.parquet"
    command = [str(folder), str(shard), *models, "--out"]
    finished(cluster, *command, out, cwd=tmp_path)
    first = sorted(out.iterdir())
    for name in ("1a.png", "2a.png"):
        write_picture(folder / name, picture(60, 80, 9))
    # The tar file is still damaged, and its members are not read again.
    assert "2 pictures, " in finished(cluster, *command, out, "--resume", cwd=tmp_path)
    assert set(first) < set(out.iterdir())
    assert main(["read", *command, str(alone)]) == 1
    assert rows(parquet.read_table(out).to_pylist()) == rows(parquet.read_table(alone).to_pylist())


def test_a_node_that_is_lost_takes_no_picture_with_it(cluster, pictures, models, tmp_path):
    alone, out = tmp_path / "alone.jsonl", tmp_path / "out.jsonl"
    assert main(["read", str(pictures), *models, "--out", str(alone)]) == 1
    with started(cluster, pictures, *models, "--out", out, cwd=tmp_path) as process:
        wait_for_rows(process, tmp_path / "out.jsonl.part")
        cluster.remove_node(next(iter(cluster.worker_nodes)), allow_graceful=False)
        assert process.poll() is None, "the run was over before the node was lost"
        _, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 1, err
    assert rows(lines(out)) == rows(lines(alone))


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--out", "out.jsonl", "--annotate", "found"], "cannot be combined with --annotate"),
        (["--out", "out.jsonl", "--track"], "cannot be combined with --track"),
        ([], "--engine ray needs --out"),
    ],
)
def test_what_a_cluster_cannot_do_is_one_line(folder, models, tmp_path, monkeypatch, capsys, options, complaint):
    monkeypatch.chdir(tmp_path)
    assert main(["read", str(folder), "--engine", "ray", *models, *options]) == 2
    out, err = capsys.readouterr()
    assert complaint in err and (out, err.count("\n")) == ("", 1)


def test_usage_statistics_are_off_and_a_cluster_that_is_not_there_is_one_line(
    folder, models, tmp_path, monkeypatch, capsys
):
    ray = pytest.importorskip("ray", reason="needs ray, of the extra 'ray'")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "1")
    asked = []

    def init(**options: object) -> None:
        asked.append((options["address"], os.environ["RAY_USAGE_STATS_ENABLED"]))
        raise ConnectionError("nobody there\nand more")

    monkeypatch.setattr(ray, "init", init)
    command = ["read", str(folder), "--engine", "ray", "--address", "127.0.0.1:9", "--out", str(tmp_path / "out.jsonl")]
    assert main([*command, *models]) == 2
    err = capsys.readouterr().err
    assert asked == [("127.0.0.1:9", "0")]
    assert err.startswith("alpr: 127.0.0.1:9: no Ray cluster answers") and err.count("\n") == 1


def test_without_ray_one_line_says_what_to_install(folder, models, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ray", None)
    assert main(["read", str(folder), "--engine", "ray", "--out", str(tmp_path / "out.jsonl"), *models]) == 2
    assert "pip install 'alpr-app[ray]'" in capsys.readouterr().err
