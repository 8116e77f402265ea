import pickle
from dataclasses import replace

import cv2
import numpy as np
import pytest
from builders import TEXTS, toy_plate

from alpr_app.core.two_line import side_by_side
from alpr_app.data.labels import DataFolder, LabelError, LabelledPicture, read_data_folder
from alpr_app.networks.reader.config import ReaderConfig
from alpr_app.train.reader.dataset import (
    UNKNOWN_COLOUR,
    PlateDataset,
    PlateSource,
    load_plates,
    plate_sources,
    province_weights,
    rectified,
)
from alpr_app.train.reader.plates import prepare_plates

CONFIG = ReaderConfig()


@pytest.fixture
def samples(data_folder):
    return load_plates(plate_sources(read_data_folder(data_folder).of_split("train"), CONFIG.alphabet))


def test_real_plates_are_cut_out_with_their_corners(samples):
    scene = next(sample for sample in samples if sample.text == TEXTS[4])
    (plate,) = rectified([scene], 48, 192)
    assert np.abs(plate.astype(int) - toy_plate(TEXTS[4])).mean() < 25


def test_samples_are_plates_with_classes_and_colour(samples, painter, monkeypatch):
    monkeypatch.setattr("alpr_app.train.reader.dataset.NO_PLATE_SHARE", 0.0)
    dataset = PlateDataset(CONFIG, samples, [], painter, seed=1)
    for index in range(30):
        image, classes, colour = dataset[index]
        assert image.shape == (48, 192, 3) and image.dtype == np.uint8
        text = "".join(CONFIG.alphabet[value] for value in classes if value != CONFIG.blank)
        assert len(text) in (7, 8) and len(classes) == CONFIG.max_length
        assert (classes[len(text) :] == CONFIG.blank).all()
        assert UNKNOWN_COLOUR <= colour < len(CONFIG.colours)


def test_a_data_set_can_be_handed_to_workers_that_are_started_afresh(samples, painter, monkeypatch):
    """As on Windows and macOS, where their arguments are pickled."""
    dataset = PlateDataset(CONFIG, samples, [], painter, seed=1, drawn_share=1.0)
    again = pickle.loads(pickle.dumps(dataset))
    monkeypatch.setattr("alpr_app.train.reader.dataset.NO_PLATE_SHARE", 0.5)
    for index in range(6):
        np.testing.assert_array_equal(again[index][0], dataset[index][0])


@pytest.mark.parametrize("backgrounds", [[], [np.full((120, 160, 3), 90, np.uint8)]])
def test_where_there_is_no_plate_nothing_is_to_be_read(samples, painter, monkeypatch, backgrounds):
    monkeypatch.setattr("alpr_app.train.reader.dataset.NO_PLATE_SHARE", 1.0)
    dataset = PlateDataset(CONFIG, samples, backgrounds, painter, seed=2, drawn_share=1.0)
    for index in range(20):
        image, classes, colour = dataset[index]
        assert image.shape == (48, 192, 3) and colour == UNKNOWN_COLOUR
        assert (classes == CONFIG.blank).all() and dataset.text(classes) == ""


def test_drawn_plates_that_a_reader_is_judged_by_all_have_a_text(painter, monkeypatch):
    monkeypatch.setattr("alpr_app.train.reader.dataset.NO_PLATE_SHARE", 0.5)
    plates, texts = prepare_plates(CONFIG, DataFolder((), (), ()), painter, maximum=12).validation["drawn"]
    assert len(plates) == len(texts) == 12 and all(texts)


def test_a_sample_depends_on_seed_and_index_alone(samples, painter):
    first, second = (PlateDataset(CONFIG, samples, [], painter, seed=5) for _ in range(2))
    first[0]
    np.testing.assert_array_equal(first[17][0], second[17][0])
    assert (PlateDataset(CONFIG, samples, [], painter, seed=6)[17][0] != second[17][0]).any()


def test_a_plate_larger_than_what_is_cut_out_is_averaged_not_sampled(painter, tmp_path):
    stripes = np.zeros((76, 256, 3), np.uint8)
    stripes[:, ::2] = 255
    cv2.imwrite(str(tmp_path / "stripes.png"), stripes)
    source = PlateSource(tmp_path / "stripes.png", np.float32([[8, 8], [248, 8], [248, 68], [8, 68]]), TEXTS[0])
    small = ReaderConfig(img_height=16, img_width=64)
    dataset = PlateDataset(small, load_plates([source]), [], painter, 0, drawn_share=0.0, strength=0.0)
    assert np.ptp(dataset[0][0]) < 60


def test_without_strength_a_real_plate_stays_as_it_is(samples, painter):
    dataset = PlateDataset(CONFIG, load_plates(samples.sources[:1]), [], painter, 0, drawn_share=0.0, strength=0.0)
    (plain,) = rectified([samples[0]], 48, 192)
    assert np.abs(dataset[3][0].astype(int) - plain).mean() < 4


def test_plates_that_photos_are_checked_by_are_not_trained_on(data_folder, painter, tmp_path):
    data = read_data_folder(data_folder)
    before = prepare_plates(CONFIG, data, painter)
    text = next(source.text for source in plate_sources(data.of_split("train"), CONFIG.alphabet))
    photo = LabelledPicture(tmp_path / "photo.jpg", stated=text, split="val")
    after = prepare_plates(CONFIG, replace(data, pictures=(*data.pictures, photo)), painter)
    assert before.description["kept_apart"] == 0 and after.description["kept_apart"] >= 1
    assert after.description["real_plates"] == before.description["real_plates"] - after.description["kept_apart"]


def test_a_labelled_plate_of_two_rows_is_shown_with_its_rows_side_by_side(tmp_path, painter):
    rng = np.random.default_rng(0)
    image = cv2.GaussianBlur(rng.integers(0, 256, (140, 240, 3), np.uint8), (0, 0), 4)
    cv2.imwrite(str(tmp_path / "lorry.png"), image[..., ::-1])
    (tmp_path / "alpr_dataset.csv").write_text(
        "file,text,rows,corners\nlorry.png,皖A12345,2,20 20 220 20 220 120 20 120\n", encoding="utf-8"
    )
    sources = plate_sources(read_data_folder(tmp_path), CONFIG.alphabet)
    corners = np.float32([[20, 20], [220, 20], [220, 120], [20, 120]])
    shown = side_by_side(image, corners, 48, 192)
    (plate,) = rectified(load_plates(sources), 48, 192)
    np.testing.assert_array_equal(plate, shown)
    dataset = PlateDataset(CONFIG, load_plates(sources), [], painter, 0, drawn_share=0.0, strength=0.0)
    assert np.abs(dataset[0][0].astype(int) - shown).mean() < 4
    # Readers of other plates get such a plate unchanged.
    (source,) = plate_sources(read_data_folder(tmp_path), "皖A12345")
    assert not source.double


def test_rare_provinces_are_drawn_more_often_than_their_share():
    weights = province_weights(["皖A12345"] * 9 + ["藏A12345"])
    assert weights.sum() == pytest.approx(1)
    assert weights[9] == pytest.approx(3 * weights[0])


def test_a_text_the_alphabet_cannot_spell_names_the_file(data_folder):
    with pytest.raises(LabelError, match=r"train\.png.*皖"):
        plate_sources(read_data_folder(data_folder).of_split("train"), CONFIG.alphabet.replace("皖", ""))


def test_a_plate_outside_its_picture_is_named(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((50, 80, 3), np.uint8))
    source = PlateSource(tmp_path / "a.png", np.float32([[200, 10], [260, 10], [260, 30], [200, 30]]), "皖A12345")
    with pytest.raises(LabelError, match=r"a.png: the plate 皖A12345 lies outside the picture"):
        load_plates([source])
