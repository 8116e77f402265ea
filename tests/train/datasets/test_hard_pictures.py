import csv
from pathlib import Path

import pytest

from alpr_app.data.ccpd import Annotation, format_name, parse_name
from alpr_app.train.cli.main import main
from alpr_app.train.datasets.hard_pictures import STRATA, choose_hard_texts

BOX, CORNERS = (10, 10, 100, 40), ((10, 10), (100, 10), (100, 40), (10, 40))
HARD = {
    "blurred": {"blurriness": 4},
    "dark": {"brightness": 39},
    "bright": {"brightness": 201},
    "tilted": {"tilt": (90, 106)},
    "other provinces": {},
}


def label(number: int, stratum: str | None = None) -> Annotation:
    fields = {"tilt": (90, 90), "brightness": 100, "blurriness": 50} | HARD.get(stratum, {})
    text = f"{'沪' if stratum == 'other provinces' else '皖'}A{number:05d}"
    return Annotation(text, BOX, CORNERS, **fields)


LABELS = [label(100 * index + number, stratum) for index, stratum in enumerate(HARD) for number in range(9)]
EASY = [label(9000 + number) for number in range(20)]


@pytest.mark.parametrize("stratum", HARD)
def test_each_measure_alone_makes_a_picture_hard(stratum):
    assert [name for name, belongs in STRATA.items() if belongs(label(1, stratum))] == [stratum]


def test_plates_are_chosen_evenly_from_the_strata_and_never_from_easy_pictures():
    chosen = choose_hard_texts([*LABELS, *EASY], 20)
    counts = {name: sum(each.text in chosen for each in LABELS if belongs(each)) for name, belongs in STRATA.items()}
    assert len(chosen) == 20 and set(counts.values()) == {4}
    assert not chosen & {each.text for each in EASY}


def test_scarce_strata_leave_their_places_to_the_others():
    few = [each for each in LABELS if not STRATA["dark"](each)] + [label(777, "dark")]
    chosen = choose_hard_texts(few, 21)
    assert len(chosen) == 21 and label(777).text in chosen
    assert choose_hard_texts(few, 1000) == {each.text for each in few}


def test_the_choice_does_not_depend_on_the_order():
    assert choose_hard_texts(LABELS, 12) == choose_hard_texts(reversed(LABELS), 12)


def test_plates_kept_apart_are_not_trained_on_in_any_picture(tmp_path: Path):
    folder = tmp_path / "ccpd_base"
    folder.mkdir()
    easy_twins = [Annotation(each.text, BOX, CORNERS, area="7", brightness=100, blurriness=50) for each in LABELS]
    for each in [*LABELS, *EASY, *easy_twins]:
        (folder / format_name(each)).touch()
    arguments = ["create_dataset", "--dataset_path", str(tmp_path), "--split", "train", "--val_hard", "10"]
    assert main(arguments) == 0
    with (folder / "alpr_dataset.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    kept = {row["text"] for row in rows if row["split"] == "val"}
    assert len(kept) == 10 and kept.isdisjoint(row["text"] for row in rows if row["split"] == "train")
    hard = [row for row in rows if row["subset"] == "val_hard"]
    assert {row["text"] for row in hard} == kept
    assert all(any(belongs(parse_name(row["file"])) for belongs in STRATA.values()) for row in hard)
