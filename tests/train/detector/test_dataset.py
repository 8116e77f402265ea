import pickle

import cv2
import numpy as np
import pytest

from alpr_app.core.geometry import corners_to_box, order_corners, rectify
from alpr_app.data.labels import read_data_folder
from alpr_app.train.detector.dataset import (
    MAXIMUM_IGNORED,
    MAXIMUM_PLATES,
    Scene,
    SceneDataset,
    foreshortening,
    load_scenes,
    transform_points,
)

PLATE = np.float32([[100, 80], [180, 84], [178, 108], [99, 104]])


@pytest.fixture
def marked() -> Scene:
    """A grey picture whose plate is red on its left and green on its right half."""
    image = np.full((200, 300, 3), 128, np.uint8)
    middle = [(PLATE[0] + PLATE[1]) / 2, (PLATE[3] + PLATE[2]) / 2]
    for colour, points in (
        ((255, 0, 0), [PLATE[0], *middle, PLATE[3]]),
        ((0, 255, 0), [middle[0], PLATE[1], PLATE[2], middle[1]]),
    ):
        cv2.fillPoly(image, [np.round(points).astype(np.int32)], colour)
    return Scene(image, PLATE[None])


def dataset(scenes, painter, **changes) -> SceneDataset:
    return SceneDataset(
        **{"scenes": scenes, "plate_free": [], "painter": painter, "size": (160, 160), "seed": 3, **changes}
    )


def test_a_picture_much_larger_than_the_view_is_averaged_not_sampled(painter):
    chequered = (np.indices((1280, 1280)).sum(axis=0) % 2 * 255).astype(np.uint8)
    data = dataset([Scene(np.dstack([chequered] * 3))], painter, drawn_share=0.0, strength=0.0, size=(96, 96))
    for index in range(20):
        assert np.ptp(data[index]["image"]) < 40


def test_corners_follow_the_plate_through_every_view(marked, painter):
    """Rotated, scaled, in mosaics and mirrored: corners stay on the plate and in order."""
    seen = mirrored = 0
    data = dataset([marked], painter, drawn_share=0.0, strength=0.0)
    for index in range(60):
        sample = data[index]
        for corners in sample["plates"][: sample["count"]]:
            np.testing.assert_array_equal(order_corners(corners), corners)
            # Parts outside the view are unknown.
            if corners.min() < 0 or corners.max() > 160 or np.ptp(corners[:, 0]) < 30:
                continue
            plate = rectify(sample["image"], corners).astype(int)
            left, right = plate[12:36, 20:76].mean(axis=(0, 1)), plate[12:36, 116:172].mean(axis=(0, 1))
            red, green = (left, right) if left[0] > right[0] else (right, left)
            mirrored += left[0] < right[0]
            assert red[0] > 180 > 90 > red[1] and green[1] > 180 > 90 > green[0]
            seen += 1
    assert seen > 30 and 5 < mirrored < seen - 5


def test_drawn_plates_are_added_and_labelled(marked, painter):
    data = dataset([marked], painter, drawn_share=1.0, strength=0.0)
    counts = [data[index]["count"] for index in range(30)]
    assert max(counts) >= 3


@pytest.mark.parametrize("share, lowest, highest", [(0.0, 1.0, 1.0), (1.0, 220 / 140, 480 / 440 * 220 / 140)])
def test_a_drawn_plate_of_two_rows_is_higher_than_the_plate_in_whose_place_it_is(
    marked, painter, monkeypatch, share, lowest, highest
):
    monkeypatch.setattr("alpr_app.train.detector.dataset.REPAINTED_TWO_ROWS", share)
    repainted = dataset([marked], painter)._repaint(marked, np.random.default_rng(0))
    before, after = corners_to_box(marked.plates[0]), corners_to_box(repainted.plates[0])
    wider, higher = (after[2:] - after[:2]) / (before[2:] - before[:2])
    assert wider == pytest.approx(1.02, rel=0.03)
    assert 0.93 * lowest < higher < 1.05 * highest
    np.testing.assert_allclose(after[2:] + after[:2], before[2:] + before[:2], rtol=1e-3)
    changed = np.abs(repainted.image.astype(int) - marked.image).max(axis=2) > 40
    rows = np.flatnonzero(changed.any(axis=1))
    assert after[1] - 2 <= rows.min() < before[1] + 8 and before[3] - 8 < rows.max() <= after[3] + 2


def test_plates_cut_by_the_edge_are_ignored_not_background(marked, painter):
    edge = Scene(marked.image[:, :150], marked.plates)  # half of the plate is gone
    data = dataset([edge], painter)
    clipped = data._clip(edge.image, edge.plates, np.zeros((0, 4), np.float32))
    assert len(clipped.plates) == 0
    np.testing.assert_allclose(clipped.ignored, [[99, 80, 150, 108]])


def test_samples_have_one_shape_whatever_is_in_them(data_folder, painter):
    scenes = load_scenes(list(read_data_folder(data_folder).pictures))
    data = dataset(scenes, painter, plate_free=[Scene(np.zeros((90, 120, 3), np.uint8))])
    for index in range(20):
        sample = data[index]
        assert sample["image"].shape == (160, 160, 3) and sample["image"].dtype == np.uint8
        assert sample["plates"].shape == (MAXIMUM_PLATES, 4, 2) and sample["ignored"].shape == (MAXIMUM_IGNORED, 4)
        boxes = corners_to_box(sample["plates"][: sample["count"]])
        assert (boxes[:, 2:] > boxes[:, :2]).all()


def test_views_need_not_be_square_and_plates_stay_inside_them(marked, painter):
    data = dataset([marked], painter, size=(96, 192), drawn_share=1.0, strength=0.0)
    widths = []
    for index in range(80):
        sample = data[index]
        assert sample["image"].shape == (96, 192, 3)
        for corners in sample["plates"][: sample["count"]]:
            left, top, right, bottom = corners_to_box(corners)
            # Up to 15 % of a real plate may be cut off.
            assert left > -40 and right < 192 + 40 and top > -20 and bottom < 96 + 20
            widths.append(right - left)
    assert max(widths) > 96


def test_a_sample_depends_on_seed_and_index_alone(marked, painter):
    first, second = dataset([marked], painter), dataset([marked], painter)
    first[0]
    np.testing.assert_array_equal(first[9]["image"], second[9]["image"])
    np.testing.assert_array_equal(first[9]["plates"], second[9]["plates"])


def test_a_data_set_can_be_handed_to_workers_that_are_started_afresh(marked, painter, monkeypatch):
    """As on Windows and macOS, where their arguments are pickled."""
    data = dataset([marked], painter, drawn_share=1.0)
    again = pickle.loads(pickle.dumps(data))
    monkeypatch.setattr("alpr_app.train.detector.dataset.SIGN_SHARE", 1.0)
    for index in range(4):
        np.testing.assert_array_equal(again[index]["image"], data[index]["image"])


def test_large_pictures_are_kept_small_with_their_labels(tmp_path):
    from builders import TEXTS, write_scene

    from alpr_app.data.labels import ccpd_picture
    from alpr_app.train.detector.dataset import load_scene

    picture = ccpd_picture(write_scene(tmp_path, TEXTS[0], 1, size=(1000, 1600)))
    scene = load_scene(picture)
    assert scene.image.shape == (500, 800, 3)
    np.testing.assert_allclose(scene.plates[0] * 2, picture.plates[0].corners, atol=0.01)


def test_nothing_labelled_is_an_error(painter):
    with pytest.raises(ValueError, match="no labelled pictures"):
        dataset([], painter)


def test_a_car_whose_plate_is_painted_out_has_none(marked, painter, monkeypatch):
    data = dataset([marked], painter, drawn_share=1.0)
    monkeypatch.setattr("alpr_app.train.detector.dataset.BARE_SHARE", 1.0)
    for seed in range(10):
        view = data._view(np.random.default_rng(seed), 160, 160)
        assert len(view.plates) == 0 and len(view.ignored) == 0
        assert np.ptp(view.image.astype(int), axis=2).max() < 30  # neither red nor green


def test_foreshortened_views_keep_their_centre_and_all_of_the_picture_in_front():
    size = np.array([480.0, 320.0])
    outline = np.array([[-2000, -900], [3000, -900], [3000, 1500], [-2000, 1500]], float)
    for seed in range(20):
        homography = foreshortening(size, outline, np.random.default_rng(seed))
        np.testing.assert_allclose(transform_points(homography, size / 2), size / 2, atol=1e-3)
        depths = outline @ homography[2, :2] + homography[2, 2]
        assert (depths > 0.29).all()


def test_an_unreadable_plate_is_ignored_and_no_plate(tmp_path):
    from alpr_app.data.label_csv import TABLE_NAME
    from alpr_app.train.detector.dataset import load_scene

    cv2.imwrite(str(tmp_path / "a.png"), np.full((100, 200, 3), 90, np.uint8))
    rows = "a.png,皖A12345,10 20 60 36,\na.png,,110 20 160 36,unreadable\n"
    (tmp_path / TABLE_NAME).write_text("file,text,box,state\n" + rows, encoding="utf-8")
    (picture,) = read_data_folder(tmp_path).pictures
    scene = load_scene(picture)
    assert scene.plates.shape == (1, 4, 2) and scene.ignored.tolist() == [[110, 20, 160, 36]]
