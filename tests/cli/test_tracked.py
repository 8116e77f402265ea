"""`alpr read --track` on small videos, with a pipeline that says what it is told."""

from __future__ import annotations

import csv
import json

import cv2
import numpy as np
import pytest

from alpr_app.cli.main import main
from alpr_app.core.plate import ALPHABET, Plate
from alpr_app.core.plate_kinds import check_format
from alpr_app.core.result import Result, Timings
from alpr_app.data.images import write_picture

RATE = 5
# What is read in each frame: a car with one misread character, nothing, then another car at the same place.
TEXTS = ["皖A12345", "皖A12B45", "皖A12345", "皖A12345", None, "京B67890", "京B67890", "京B67890"]


class Scripted:
    """Reads a frame's text out of its brightness."""

    def __init__(self, texts: list[str | None]) -> None:
        self.texts = texts

    def analyse_batch(self, images: list[np.ndarray]) -> list[Result]:
        return [self._analyse(image) for image in images]

    def _analyse(self, image: np.ndarray) -> Result:
        number = round(float(image.mean()) / 20)
        text = self.texts[number]
        if text is None:
            return Result([], Timings())
        sure = 0.6 if "B45" in text else 0.9 + number / 100
        box = (10.0 + number, 20.0, 50.0 + number, 32.0)
        corners = ((box[0], box[1]), (box[2], box[1]), (box[2], box[3]), (box[0], box[3]))
        crop = np.zeros((48, 192, 3), np.uint8)
        characters, alternatives = (sure,) * len(text), (("", 0.01),) * len(text)
        fits = check_format(text, "blue", ALPHABET)
        return Result([Plate(text, sure, characters, alternatives, "blue", 0.9, box, corners, crop, fits)], Timings())


@pytest.fixture
def read(monkeypatch, tmp_path):
    """Runs `alpr read --track` on frames that read so; returns the status and the path written to."""

    def run(*paths, texts=TEXTS, out="out.jsonl"):
        monkeypatch.setattr("alpr_app.cli.read.make_alpr", lambda args, threads: Scripted(texts))
        target = tmp_path / out
        return main(["read", *map(str, paths), "--track", "--out", str(target)]), target

    return run


@pytest.fixture
def video(tmp_path):
    def make(name="clip.avi", count=8):
        path = tmp_path / name
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), RATE, (64, 48))
        for number in range(count):
            writer.write(np.full((48, 64, 3), 20 * number, np.uint8))
        writer.release()
        return path

    return make


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_every_car_of_a_video_is_one_line_with_its_best_frame_and_its_time(read, video):
    status, out = read(video())
    first, second = lines(out)
    assert status == 0
    assert [(line["track"], line["seen"], line["frame"]) for line in (first, second)] == [(1, 4, 3), (2, 3, 7)]
    assert [plate["text"] for line in (first, second) for plate in line["plates"]] == ["皖A12345", "京B67890"]
    assert first["time_ms"] == first["last_ms"] < second["first_ms"] < second["last_ms"] == second["time_ms"]
    assert (first["width"], first["height"]) == (64, 48)


def test_csv_says_which_car_and_when(read, video):
    _, out = read(video(), out="out.csv")
    with out.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    said = [(row["track"], row["seen"], row["text"]) for row in rows]
    assert said == [("1", "4", "皖A12345"), ("2", "3", "京B67890")]
    assert float(rows[0]["last_ms"]) < float(rows[1]["first_ms"])


def test_the_vote_keeps_whether_a_reading_fits_a_format(read, video):
    texts = ["皖A1234", "皖A12B4", "皖A1234", "皖A1234", None, *TEXTS[5:]]
    _, out = read(video(), texts=texts)
    voted = [(line["plates"][0]["text"], line["plates"][0]["fits_format"]) for line in lines(out)]
    assert voted == [("皖A1234", False), ("京B67890", True)]
    _, out = read(video(), texts=texts, out="out.csv")
    with out.open(encoding="utf-8-sig", newline="") as file:
        assert [row["fits_format"] for row in csv.DictReader(file)] == ["False", "True"]


def test_videos_and_pictures_are_counted_each_for_itself_and_stay_in_order(read, video, tmp_path):
    write_picture(tmp_path / "still.png", np.full((48, 64, 3), 40, np.uint8))
    status, out = read(
        video("a.avi"), tmp_path / "still.png", tmp_path / "none.png", video("b.avi", 3), video("b.avi", 3)
    )
    found = lines(out)
    assert status == 1
    names = [line["file"].rpartition("/")[2].rpartition("\\")[2] for line in found]
    assert names == ["a.avi", "a.avi", "still.png", "none.png", "b.avi", "b.avi"]
    assert [line.get("track") for line in found] == [1, 2, None, None, 1, 1]
    assert "frame" not in found[2] and "error" in found[3]


def test_a_video_without_cars_is_one_line_without_plates(read, video):
    status, out = read(video(), texts=[None] * len(TEXTS))
    (line,) = lines(out)
    assert (status, line["plates"]) == (0, [])
    assert "track" not in line and "frame" not in line


def test_the_table_says_from_when_to_when(monkeypatch, video, capsys):
    monkeypatch.setattr("alpr_app.cli.read.make_alpr", lambda args, threads: Scripted(TEXTS))
    assert main(["read", str(video()), "--track"]) == 0
    _, first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("皖A12345") and first.endswith("clip.avi 0.0 to 0.6 s, 4 times")
    assert second.startswith("京B67890") and second.endswith("3 times")


def test_the_table_marks_what_fits_no_format_and_says_so_below(monkeypatch, video, capsys):
    texts = ["", "皖A12345", "皖A1234", None]
    monkeypatch.setattr("alpr_app.cli.read.make_alpr", lambda args, threads: Scripted(texts))
    assert main(["read", str(video(count=4))]) == 0
    _, *rows, legend = capsys.readouterr().out.splitlines()
    assert [row.split("%")[0].rsplit(maxsplit=1)[0] for row in rows[:3]] == ["?", "皖A12345", "皖A1234 ?"]
    assert "not issued with such a text" in legend
    assert len({row.index("blue") + row.count("皖") for row in rows[:3]}) == 1
    assert main(["read", str(video(count=2))]) == 0
    assert "not issued" not in capsys.readouterr().out
