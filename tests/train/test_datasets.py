"""The commands around training: draw, create_dataset, extract_plates, validate_dataset, preview."""

import csv
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from alpr_app.data.images import read_picture
from alpr_app.data.label_csv import TABLE_NAME
from alpr_app.data.labels import LabelledPicture, LabelledPlate, read_data_folder
from alpr_app.train.cli.main import main
from alpr_app.train.datasets.extract_plates import CropOptions, extract_plates
from tests.builders import TEXTS, write_scene

PARTS = ("base", "blur", "np")


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / TABLE_NAME).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def ccpd(tmp_path_factory) -> Path:
    """Drawn pictures with CCPD's names, in folders like those of CCPD."""
    root = tmp_path_factory.mktemp("CCPD2019")
    for seed, name in enumerate(("base", "blur")):
        arguments = ["draw", "plates", "--output", str(root / f"ccpd_{name}"), "--count", "12", "--seed", str(seed)]
        assert main([*arguments, "--num_workers", "1"]) == 0
    (root / "ccpd_np").mkdir()
    (root / "ccpd_np" / "1.jpg").write_bytes(cv2.imencode(".jpg", np.full((60, 90, 3), 90, np.uint8))[1].tobytes())
    (root / "ccpd_base" / "holiday.jpg").write_bytes((root / "ccpd_np" / "1.jpg").read_bytes())
    return root


def test_drawn_pictures_carry_their_labels_twice(ccpd):
    table = rows(ccpd / "ccpd_blur")
    assert len(table) == 12 and {row["split"] for row in table} <= {"train", "val"}
    for picture in read_data_folder(ccpd / "ccpd_blur").pictures:
        assert picture.path.is_file() and len(picture.plates) == 1
    again = ccpd.parent / "again"
    assert main(["draw", "plates", "--output", str(again), "--count", "3", "--seed", "1", "--num_workers", "1"]) == 0
    assert [row["text"] for row in rows(again)] == [row["text"] for row in table[:3]]
    names = {row["file"] for row in rows(again)}
    assert all((again / name).read_bytes() == (ccpd / "ccpd_blur" / name).read_bytes() for name in names)


def test_drawn_scenes_hold_whole_cars(tmp_path):
    assert main(["draw", "scenes", "--output", str(tmp_path / "new"), "--count", "2", "--num_workers", "1"]) == 0
    pictures = read_data_folder(tmp_path / "new").pictures
    assert len(pictures) == 2 and all(picture.plates for picture in pictures)
    assert cv2.imread(str(pictures[0].path)).shape[:2] in ((1160, 720), (720, 1280))


def test_drawn_plates_of_two_rows_are_cut_out_twice_as_high(tmp_path):
    """Some of the British designs have two rows."""
    folder, cut = tmp_path / "ccpd_british", tmp_path / "cut"
    draw = ["draw", "plates", "--plates", "british", "--output", str(folder), "--count", "24"]
    assert main(draw) == 0
    drawn = {row["text"]: int(row["rows"]) for row in rows(folder)}
    assert set(drawn.values()) == {1, 2}
    assert main(["extract_plates", "--ccpd_dir", str(folder), "--output", str(cut), "--num_workers", "1"]) == 0
    crops = read_data_folder(cut / "plates_british_48").crops
    assert {crop.text: crop.rows for crop in crops} == drawn
    assert {crop.rows: read_picture(crop.path).shape[:2] for crop in crops} == {1: (48, 192), 2: (96, 192)}


def test_nothing_is_drawn_into_a_folder_that_holds_something(ccpd, capsys):
    assert main(["draw", "plates", "--output", str(ccpd / "ccpd_np")]) == 1
    assert "is not empty" in capsys.readouterr().err


def test_every_ccpd_folder_gets_its_table(ccpd, capsys):
    assert main(["create_dataset", "--dataset_path", str(ccpd)]) == 0
    said = capsys.readouterr()
    assert "holiday.jpg: not a CCPD name" in said.err
    base, blur, free = (rows(ccpd / f"ccpd_{name}") for name in PARTS)
    assert {row["split"] for row in base} <= {"train", "val"} and {row["split"] for row in blur} == {"test"}
    assert free == [
        {"file": "1.jpg", "split": "train", "subset": "ccpd_np", "text": "", "colour": "", "box": "", "corners": ""}
    ]
    assert not any(Path(row["file"]).is_absolute() for row in base)
    data = read_data_folder(ccpd)
    assert len(data.pictures) == len(base) + len(blur) and [picture.path.name for picture in data.negatives] == [
        "1.jpg"
    ]


def test_ccpds_own_lists_say_the_split(ccpd, tmp_path):
    names = [row["file"] for row in rows(ccpd / "ccpd_base")]
    (tmp_path / "train.txt").write_text("".join(f"ccpd_base/{name}\n" for name in names[:4]))
    (tmp_path / "val.txt").write_text("".join(f"ccpd_base/{name}\n" for name in names[4:]))
    assert main(["create_dataset", "--dataset_path", str(ccpd), "--split_lists", str(tmp_path)]) == 0
    splits = {row["file"]: row["split"] for row in rows(ccpd / "ccpd_base")}
    assert [splits[name] for name in names] == ["train"] * 4 + ["val"] * (len(names) - 4)


def test_the_green_folders_of_2020_are_its_splits(ccpd, tmp_path):
    for name in ("train", "val", "test"):
        folder = tmp_path / "ccpd_green" / name
        assert main(["draw", "plates", "--output", str(folder), "--count", "2", "--num_workers", "1"]) == 0
        (folder / TABLE_NAME).unlink()
    assert main(["create_dataset", "--dataset_path", str(tmp_path)]) == 0
    assert {(Path(row["file"]).parent.name, row["split"]) for row in rows(tmp_path / "ccpd_green")} == {
        (name, name) for name in ("train", "val", "test")
    }


def test_a_folder_without_ccpd_in_it_says_so(tmp_path, capsys):
    assert main(["create_dataset", "--dataset_path", str(tmp_path)]) == 1
    assert "holds no ccpd_* folder" in capsys.readouterr().err


def test_a_plate_of_two_rows_is_cut_out_at_its_own_shape_and_stays_one(tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (140, 240, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "lorry.png"), image)
    plate = LabelledPlate(np.float32([[20, 20], [220, 20], [220, 120], [20, 120]]), "皖A12345", "yellow", rows=2)
    picture = LabelledPicture(tmp_path / "lorry.png", (plate,))
    assert extract_plates([picture], tmp_path / "cut") == (1, [])
    (crop,) = read_data_folder(tmp_path / "cut").crops
    assert (crop.text, crop.rows) == ("皖A12345", 2)
    assert read_picture(crop.path).shape == (96, 192, 3)


def test_a_crop_has_the_name_that_an_extraction_begun_with_an_earlier_version_gave_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cv2.imwrite("lorry.png", np.zeros((140, 240, 3), np.uint8))
    plate = LabelledPlate(np.float32([[20, 20], [220.5, 20], [220, 120], [20, 120]]), "皖A12345")
    extract_plates([LabelledPicture(Path("lorry.png"), (plate,))], Path("cut"), CropOptions(margin=0.3, seed=2))
    assert [path.name for path in Path("cut").glob("*.png")] == ["lorry_1e621796_0.png"]


def test_plates_of_pictures_with_one_name_and_of_other_cuts_are_kept_apart(tmp_path):
    plate = np.float32([[20, 20], [120, 20], [120, 50], [20, 50]])
    pictures = []
    for folder, text in (("gate", "皖A11111"), ("yard", "皖A22222")):
        (tmp_path / folder).mkdir()
        image = np.full((80, 160, 3), 90 if folder == "gate" else 180, np.uint8)
        cv2.imwrite(str(tmp_path / folder / "0001.png"), image)
        pictures.append(LabelledPicture(tmp_path / folder / "0001.png", (LabelledPlate(plate, text),)))
    assert extract_plates(pictures, tmp_path / "cut") == (2, [])
    means = {crop.text: read_picture(crop.path).mean() for crop in read_data_folder(tmp_path / "cut").crops}
    assert means == {"皖A11111": 90, "皖A22222": 180}
    before = {path.name for path in (tmp_path / "cut").glob("*.png")}
    assert extract_plates(pictures, tmp_path / "cut", CropOptions(margin=0.3)) == (2, [])
    cut = read_data_folder(tmp_path / "cut").pictures
    assert len(cut) == 2 and not before & {picture.path.name for picture in cut}


def test_corrections_in_the_table_of_crops_outlast_another_extraction(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.full((80, 320, 3), 90, np.uint8))
    places = [np.float32([[x, 20], [x + 100, 20], [x + 100, 50], [x, 50]]) for x in (20, 160)]
    plates = tuple(LabelledPlate(place, f"皖A1234{index}") for index, place in enumerate(places))
    extract_plates([LabelledPicture(tmp_path / "a.png", plates)], tmp_path / "cut")
    table = tmp_path / "cut" / TABLE_NAME
    header, first, second = table.read_text(encoding="utf-8").splitlines()
    corrected = first.replace("皖A12340", "京A12340")
    lines = [f"{header},note,state", f"{corrected},typed,checked", f"{second},blurred,"]
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    extract_plates([LabelledPicture(tmp_path / "a.png", plates)], tmp_path / "cut")
    found = [(row["text"], row["note"], row["state"]) for row in rows(tmp_path / "cut")]
    assert found == [("京A12340", "typed", "checked"), ("皖A12341", "blurred", "")]


@pytest.mark.parametrize("options", [[], ["--box", "--margin", "0.1"], ["--jitter", "0.05"]])
def test_plates_are_cut_out_and_can_be_trained_on(ccpd, tmp_path, options):
    arguments = ["extract_plates", "--ccpd_dir", str(ccpd), "--categories", "base", "--output", str(tmp_path)]
    assert main([*arguments, "--num_workers", "1", *options]) == 0
    folder = tmp_path / "plates_base_48"
    data = read_data_folder(folder)
    paths = [item.path for item in (*data.crops, *data.pictures)]
    assert len(paths) == len(rows(ccpd / "ccpd_base"))
    # Plates of two rows are twice as high.
    assert {cv2.imread(str(path)).shape for path in paths} <= {(48, 192, 3), (96, 192, 3)}
    for picture in data.pictures:  # with a margin the plate does not fill its picture, and the table has its corners
        left, top, right, bottom = picture.plates[0].box
        height = cv2.imread(str(picture.path)).shape[0]
        assert 0 < left < 20 < 172 < right < 192 and 0 < top < 10 and height - 10 < bottom < height
    first = paths[0]
    first.unlink()
    before = {path: path.stat().st_mtime_ns for path in folder.glob("*.png")}
    assert main([*arguments, "--num_workers", "1", *options]) == 0  # continues where it was stopped
    assert first.is_file() and all(path.stat().st_mtime_ns == time for path, time in before.items())


def test_a_category_that_is_not_there_is_named(ccpd, capsys):
    assert main(["extract_plates", "--ccpd_dir", str(ccpd), "--categories", "fog"]) == 1
    assert "holds no ccpd_fog; it holds base, blur, np" in capsys.readouterr().err


def test_good_data_has_no_faults_and_is_counted(ccpd, tmp_path, capsys):
    pytest.importorskip("matplotlib", reason="needs the optional package matplotlib")
    (ccpd / "ccpd_base" / "holiday.jpg").unlink(missing_ok=True)
    plot = tmp_path / "counts.png"
    arguments = ["validate_dataset", "--dataset_path", str(ccpd / "ccpd_blur"), "--plot", str(plot)]
    assert main(arguments) == 0
    counted = sum(map(int, re.findall(r"(\d+) pictures +\d+ plates", capsys.readouterr().out)))
    assert counted == len(rows(ccpd / "ccpd_blur")) > 0
    assert cv2.imread(str(plot)).std() > 5


def test_what_counts_as_train_because_no_split_is_stated_is_said(tmp_path, capsys):
    for seed, name in enumerate(("ccpd_db", "ccpd_challenge")):
        write_scene(tmp_path / name, TEXTS[seed], seed)
    assert main(["validate_dataset", "--dataset_path", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "note: no split is stated for ccpd_challenge (1), ccpd_db (1), so that it counts as train" in said
    assert "'create_dataset'" in said and "no plate has the split val" in said
    assert main(["create_dataset", "--dataset_path", str(tmp_path)]) == 0
    assert main(["validate_dataset", "--dataset_path", str(tmp_path)]) == 0
    assert "no split is stated" not in capsys.readouterr().out


def test_own_pictures_without_the_column_split_are_said_to_be_trained_on(tmp_path, capsys):
    for name in ("a.png", "b.png"):
        cv2.imwrite(str(tmp_path / name), np.zeros((48, 192, 3), np.uint8))
    (tmp_path / TABLE_NAME).write_text("file,text,split\na.png,皖A12345,\nb.png,皖A12346,val\n", encoding="utf-8")
    assert main(["validate_dataset", "--dataset_path", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert f"no split is stated for {tmp_path.name} (1), so that it counts as train; the column 'split'" in said
    assert "no plate has the split val" not in said


def test_each_kind_of_fault_is_found_and_named(tmp_path, capsys):
    picture = cv2.imencode(".png", np.full((100, 200, 3), 90, np.uint8))[1].tobytes()
    for name in ("good.png", "twice.png"):
        (tmp_path / name).write_bytes(picture)
    (tmp_path / "broken.png").write_bytes(b"nothing")
    lines = [
        "file,split,text,corners",
        "good.png,train,皖A12345,10 10 90 10 90 40 10 40",
        "good.png,train,皖A12345678,150 50 250 50 250 80 150 80",
        "good.png,train,皖a12345,90 40 10 40 10 10 90 10",
        "good.png,train,皖A99999,10 10 60 30 90 10 60 40",
        "twice.png,val,皖A12345,10 10 90 10 90 40 10 40",
        "broken.png,train,皖A55555,10 10 90 10 90 40 10 40",
    ]
    (tmp_path / TABLE_NAME).write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert main(["validate_dataset", "--dataset_path", str(tmp_path)]) == 1
    said = capsys.readouterr().out
    expected = (
        "1 pictures that cannot",
        "1 plates that reach",
        "1 corners whose edges cross",
        "1 texts with a character",
    )
    for text in (*expected, "1 texts longer", "1 texts in more than one split", "2 corners not in the order"):
        assert text in said, text


def test_a_text_too_long_for_the_reader_is_found_before_it_is_trained(tmp_path, capsys):
    pytest.importorskip("matplotlib", reason="needs the optional package matplotlib")
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((48, 192, 3), np.uint8))
    (tmp_path / TABLE_NAME).write_text("file,text\na.png,皖A12345678\n", encoding="utf-8")
    assert main(["validate_dataset", "--dataset_path", str(tmp_path)]) == 1
    assert "1 texts longer" in capsys.readouterr().out


@pytest.mark.parametrize("network", ["detector", "maskocr"])
def test_samples_are_shown_on_a_sheet(ccpd, tmp_path, network):
    sheet = tmp_path / "sheet.png"
    arguments = ["preview", network, "--dataset_path", str(ccpd), "--output", str(sheet)]
    assert main([*arguments, "--count", "7", "--crop_size", "96", "128"]) == 0
    picture = cv2.imread(str(sheet))
    assert picture.shape == ((2 * 96, 4 * 128, 3) if network == "detector" else (2 * 70, 6 * 192, 3))
    assert picture.std() > 20


def test_plates_of_other_countries_are_drawn_cut_out_and_shown(tmp_path, capsys):
    folder, cut, sheet = tmp_path / "ccpd_european", tmp_path / "cut", tmp_path / "sheet.png"
    draw = ["draw", "plates", "--plates", "european", "--output", str(folder), "--count", "8", "--num_workers", "1"]
    assert main(draw) == 0
    texts = {row["text"] for row in rows(folder)}
    assert len(texts) == 8 and all(text.isascii() for text in texts)
    assert main(["extract_plates", "--ccpd_dir", str(folder), "--output", str(cut), "--num_workers", "1"]) == 0
    assert {crop.text for crop in read_data_folder(cut / "plates_european_48").crops} == texts
    assert main(["preview", "maskocr", "--plates", "european", "--output", str(sheet), "--count", "6"]) == 0
    assert cv2.imread(str(sheet)).shape == (70, 6 * 192, 3)
    assert main(["preview", "detector", "--output", str(sheet)]) == 1
    assert "--dataset_path is missing" in capsys.readouterr().err


def test_unreadable_plates_are_counted_apart_and_only_their_positions_checked(tmp_path, capsys):
    cv2.imwrite(str(tmp_path / "a.png"), np.full((80, 320, 3), 90, np.uint8))
    lines = ["file,split,text,box,state", "a.png,val,皖A12345,20 20 120 50,", "a.png,val,?,150 20 250 50,unreadable"]
    (tmp_path / TABLE_NAME).write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert main(["validate_dataset", "--dataset_path", str(tmp_path)]) == 0
    output = capsys.readouterr().out
    assert "1 plates are marked as unreadable" in output and "1 pictures        1 plates" in output
    (tmp_path / TABLE_NAME).write_text("\n".join(lines).replace("250", "950") + "\n", encoding="utf-8")
    assert main(["validate_dataset", "--dataset_path", str(tmp_path)]) == 1
    assert "1 plates that reach outside their picture" in capsys.readouterr().out
