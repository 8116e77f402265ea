from __future__ import annotations

import errno
from datetime import datetime
from threading import Event
from time import sleep

import numpy as np

from alpr_app.data.images import read_picture
from alpr_app.data.result_writers import OutputError
from alpr_app.viewer.workers.export import ExportWorker, export_name


def test_pictures_are_written_with_names_that_tell_what_they_are(tmp_path, picture, until):
    export_worker = ExportWorker(folder=tmp_path / "kept")
    export_worker.save_image("camera 0", "crop", picture(48, 192))
    assert export_worker.close(5)
    (file,) = (tmp_path / "kept").iterdir()
    assert file.name.endswith("-camera 0-crop.png")
    assert np.array_equal(read_picture(file), picture(48, 192))
    ((text, bad),) = export_worker.take_messages()
    assert str(file) in text
    assert not bad


def test_names_hold_nothing_a_file_system_minds():
    when = datetime(2026, 1, 31, 10, 15, 0, 123_000)
    assert export_name("rtsp://host/a?b", "x", when) == "20260131-101500-123-rtsp_host_a_b-x.png"
    assert export_name("皖A12345", "x", when) == "20260131-101500-123-皖A12345-x.png"
    assert export_name("..", "x", when) == "20260131-101500-123-picture-x.png"


def test_a_folder_that_cannot_be_created_is_a_message(tmp_path, picture):
    (tmp_path / "file").write_text("")
    export_worker = ExportWorker(folder=tmp_path / "file" / "kept")
    export_worker.save_image("x", "crop", picture())
    assert export_worker.close(5)
    ((text, bad),) = export_worker.take_messages()
    assert bad
    assert "cannot be created" in text


def test_slow_files_are_written_completely_when_the_program_is_closed(program, tmp_path, capsys):
    viewer = program()
    viewer.export_worker = ExportWorker(folder=tmp_path / "kept")
    began, target = Event(), []

    def slow(path):
        began.set()
        sleep(1.5)
        path.write_text("whole")
        target.append(path)

    viewer.export_worker.save("first", "results", ".csv", slow)
    viewer.export_worker.save("second", "results", ".csv", slow)
    assert began.wait(5)
    assert viewer.close(0.2)
    assert [path.read_text() for path in target] == ["whole"] * 2
    said = capsys.readouterr().err
    assert said == f"alpr_viewer: 2 files are still being written to {tmp_path / 'kept'}; then the program ends\n"


def test_files_that_cannot_be_written_at_the_end_are_reported_on_the_terminal(program, tmp_path, capsys):
    viewer = program()
    viewer.export_worker = ExportWorker(folder=tmp_path)

    def full(path):
        raise OutputError(f"{path}: cannot be written: No space left on device")

    def bug(path):
        raise KeyError("x")

    for write in (full, bug):
        viewer.export_worker.save("x", "results", ".csv", write)
    assert viewer.close(5)
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("alpr_viewer: ") and first.endswith("No space left on device")
    assert "was not written: KeyError: 'x'" in second


def test_a_fault_in_one_file_does_not_keep_the_next_from_being_written(tmp_path, picture):
    export_worker = ExportWorker(folder=tmp_path)
    export_worker.save("x", "results", ".csv", lambda path: 1 / 0)
    export_worker.save_image("y", "crop", picture())
    assert export_worker.close(5) and not export_worker.busy
    (first, bad), (_, good) = export_worker.take_messages()
    assert bad and not good and "ZeroDivisionError" in first
    assert len(list(tmp_path.iterdir())) == 1


def test_settings_on_a_full_disk_are_reported_on_the_terminal(program, tmp_path, capsys, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    viewer = program(settings_file=tmp_path / "viewer.json")
    monkeypatch.setattr("os.fsync", full)
    assert viewer.close(5)
    assert "settings cannot be saved" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_nothing_is_overwritten_when_the_clock_is_set_back(tmp_path, picture, monkeypatch):
    name = "20260131-101500-123-x-crop.png"
    monkeypatch.setattr("alpr_app.viewer.workers.export.export_name", lambda *given, **more: name)
    export_worker = ExportWorker(folder=tmp_path)
    for seed in range(3):
        export_worker.save_image("x", "crop", picture(seed=seed))
    assert export_worker.close(5)
    for seed, name in enumerate(("crop", "crop 2", "crop 3")):
        assert np.array_equal(read_picture(tmp_path / f"20260131-101500-123-x-{name}.png"), picture(seed=seed))
    assert [text[-6:] for text, _ in export_worker.take_messages()] == ["op.png", " 2.png", " 3.png"]
