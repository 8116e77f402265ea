import cv2
import numpy as np
import pytest

from alpr_app.core.geometry import corners_to_box, rectify
from alpr_app.data.images import read_picture
from alpr_app.data.labels import read_data_folder
from alpr_app.train.cli.main import main
from alpr_app.train.datasets.robustness_set import ALL_KINDS, FAR_PLATE_WIDTH, FAR_SIZE, KINDS


@pytest.fixture
def picture(data_folder):
    picture = next(picture for picture in read_data_folder(data_folder).pictures if picture.split == "val")
    return read_picture(picture.path), np.float32([plate.corners for plate in picture.plates])


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"beside", "near", "annotated"}))
def test_the_plate_is_where_the_label_says_and_harder_to_read(picture, kind):
    image, plates = picture
    before = image.copy()
    made, corners = KINDS[kind](image, plates, np.random.default_rng(0))
    np.testing.assert_array_equal(image, before)
    assert made.dtype == np.uint8 and made.shape[2] == 3 and corners.shape == plates.shape
    plain, hard = (rectify(*pair, ordered=True).astype(float) for pair in ((image, plates[0]), (made, corners[0])))
    assert np.abs(plain - hard).mean() > 3
    blue = (plain[..., 2] - plain[..., 0]).ravel()
    seen = (hard[..., 2] - hard[..., 0]).ravel()
    assert np.corrcoef(blue, seen)[0, 1] > 0.4  # the plate's own pattern, not its surroundings


def test_near_plates_nearly_fill_the_picture_unchanged(picture):
    image, plates = picture
    made, corners = KINDS["near"](image, plates, np.random.default_rng(2))
    left, _, right, _ = corners_to_box(corners[0])
    assert 0.6 < (right - left) / made.shape[1] < 1
    np.testing.assert_allclose(rectify(made, corners[0], ordered=True), rectify(image, plates[0], ordered=True), atol=1)


def test_dark_and_overexposed_plates_have_few_levels_left(picture):
    image, plates = picture
    left, top, right, bottom = corners_to_box(plates[0]).astype(int)
    dark, _ = KINDS["dark"](image, plates, np.random.default_rng(0))
    bright, _ = KINDS["overexposed"](image, plates, np.random.default_rng(0))
    assert 8 < dark[top:bottom, left:right].mean() < 32
    assert bright[top:bottom, left:right].mean() > 180 and (bright == 255).mean() > (image == 255).mean()


def test_annotated_plates_are_unchanged_inside_a_drawn_box(picture):
    image, plates = picture
    drawn, corners = KINDS["annotated"](image, plates, np.random.default_rng(3))
    left, top, right, bottom = corners_to_box(plates[0]).round().astype(int)
    np.testing.assert_array_equal(corners, plates)
    np.testing.assert_array_equal(
        drawn[top + 5 : bottom - 5, left + 5 : right - 5], image[top + 5 : bottom - 5, left + 5 : right - 5]
    )
    assert (drawn[top, left:right] != image[top, left:right]).any(axis=1).mean() > 0.9


def test_far_plates_are_60_pixels_wide_in_a_picture_of_the_usual_size(picture):
    image, plates = picture
    made, corners = KINDS["far"](image, plates, np.random.default_rng(1))
    left, _, right, _ = corners_to_box(corners[0])
    assert right - left == pytest.approx(FAR_PLATE_WIDTH, abs=1) and made.shape[1::-1] == FAR_SIZE


def test_beside_a_plate_lies_a_small_one_and_both_are_labelled(data_folder, tmp_path):
    arguments = ["hard_copies", "--dataset_path", str(data_folder), "--output", str(tmp_path / "hard")]
    assert main([*arguments, "--kinds", "beside"]) == 0
    originals = [picture for picture in read_data_folder(data_folder).pictures if picture.split == "val"]
    copies = read_data_folder(tmp_path / "hard").pictures
    for original, copy in zip(originals, sorted(copies, key=lambda copy: copy.path.name), strict=True):
        (plate,) = original.plates
        large, small = sorted(copy.plates, key=lambda plate: plate.box[0])
        assert large.text == small.text == plate.text
        np.testing.assert_allclose(large.corners, plate.corners, atol=0.1)
        image = read_picture(copy.path)
        seen, again = (rectify(image, corners).astype(float).ravel() for corners in (large.corners, small.corners))
        assert np.ptp(small.corners[:, 0]) == pytest.approx(FAR_PLATE_WIDTH, abs=1)
        assert np.corrcoef(seen, again)[0, 1] > 0.5


def test_copies_are_written_with_labels_that_can_be_measured(data_folder, tmp_path, capsys):
    arguments = ["hard_copies", "--dataset_path", str(data_folder), "--output", str(tmp_path / "hard")]
    assert main([*arguments, "--kinds", "night", "jpeg"]) == 0
    pictures = read_data_folder(tmp_path / "hard").pictures
    assert {picture.subset for picture in pictures} == {"night", "jpeg"} and len(pictures) == 4
    assert {picture.split for picture in pictures} == {"val"}
    assert cv2.imread(str(pictures[0].path)) is not None
    assert main([*arguments, "--kinds", "night"]) == 1
    assert "is not empty" in capsys.readouterr().err


def test_small_copies_are_plates_cut_out_at_94_by_24(data_folder, tmp_path):
    arguments = ["hard_copies", "--dataset_path", str(data_folder), "--output", str(tmp_path / "hard")]
    assert main([*arguments, "--kinds", "small"]) == 0
    copies = read_data_folder(tmp_path / "hard")
    assert not copies.pictures and len(copies.crops) == 2
    originals = [picture for picture in read_data_folder(data_folder).pictures if picture.split == "val"]
    assert sorted(crop.text for crop in copies.crops) == sorted(picture.plates[0].text for picture in originals)
    assert all(read_picture(crop.path).shape == (24, 94, 3) for crop in copies.crops)


def test_bare_copies_are_measured_as_pictures_without_plates(data_folder, tmp_path):
    arguments = ["hard_copies", "--dataset_path", str(data_folder), "--output", str(tmp_path / "hard")]
    assert main([*arguments, "--kinds", "bare"]) == 0
    copies = read_data_folder(tmp_path / "hard")
    assert not copies.pictures and not copies.crops and len(copies.negatives) == 2
    originals = [picture for picture in read_data_folder(data_folder).pictures if picture.split == "val"]
    paths = sorted(picture.path for picture in copies.negatives)
    for path, original in zip(paths, originals, strict=True):
        plate = original.plates[0].corners
        bare, whole = (rectify(read_picture(file), plate).astype(float) for file in (path, original.path))
        assert bare.std() < 0.5 * whole.std()


@pytest.mark.parametrize(("kind", "slenderness"), [("one_row", 440 / 140), ("two_rows", 440 / 220)])
def test_drawn_plates_stand_where_the_own_ones_were_as_wide_and_as_high_as_they_are(
    data_folder, tmp_path, kind, slenderness
):
    command = [
        "robustness_set",
        "--dataset_path",
        str(data_folder),
        "--output",
        str(tmp_path / "hard"),
        "--kinds",
        kind,
    ]
    assert main(command) == 0
    before = [picture for picture in read_data_folder(data_folder).pictures if picture.split == "val"]
    after = read_data_folder(tmp_path / "hard").pictures
    assert len(after) == len(before) > 0
    shapes = []
    for own, drawn in zip(before, after, strict=True):
        assert len(drawn.plates) == len(own.plates)
        for old, new in zip(own.plates, drawn.plates, strict=True):
            assert new.text and new.rows == (2 if kind == "two_rows" else 1)
            np.testing.assert_allclose(new.corners.mean(axis=0), old.corners.mean(axis=0), atol=1)
            shown = rectify(read_picture(drawn.path), new.corners, ordered=True).astype(int)
            assert np.ptp(shown.mean(axis=2)) > 40
            before_height, height = (np.linalg.norm(plate.corners[0] - plate.corners[3]) for plate in (old, new))
            # As wide as the own plate, which is 440 x 140 millimetres.
            shapes.append(float(before_height / height) * 440 / 140)
    assert np.median(shapes) == pytest.approx(slenderness, rel=0.12)


@pytest.mark.parametrize(("size", "width"), [((1080, 1920), 50), ((3000, 4000), 120), ((1080, 1920), 300)])
def test_far_plates_lie_in_the_picture_whatever_its_size(size, width):
    image = np.zeros((*size, 3), np.uint8)
    left, top = 0.8 * size[1] - width, 0.8 * size[0]
    plate = np.float32([[left, top], [left + width, top], [left + width, top + width / 3], [left, top + width / 3]])
    cv2.fillPoly(image, [np.int32(plate)], (255, 0, 0))
    made, (corners,) = KINDS["far"](image, plate[None], np.random.default_rng(0))
    assert (corners >= 0).all() and (corners <= FAR_SIZE).all()
    assert rectify(made, corners, ordered=True)[..., 0].mean() > 200


def test_a_mosaic_holds_each_picture_once_with_plates_60_pixels_wide(data_folder, tmp_path, monkeypatch):
    monkeypatch.setattr("alpr_app.train.datasets.mosaic.MOSAIC_SIZE", (1300, 900))
    monkeypatch.setattr("alpr_app.train.datasets.mosaic.MOSAIC_GRID", (2, 2))
    out = tmp_path / "hard"
    arguments = ["robustness_set", "--dataset_path", str(data_folder), "--output", str(out), "--split", "train"]
    assert main([*arguments, "--kinds", "mosaic"]) == 0
    originals = {
        plate.text: (picture, plate)
        for picture in read_data_folder(data_folder).pictures
        if picture.split == "train"
        for plate in picture.plates
        if plate.text
    }
    mosaics = read_data_folder(out).pictures
    texts = [plate.text for mosaic in mosaics for plate in mosaic.plates]
    assert len(mosaics) == -(-len(originals) // 4)
    assert sorted(texts) == sorted(originals)
    for mosaic in mosaics:
        image = read_picture(mosaic.path)
        assert image.shape == (900, 1300, 3)
        for plate in mosaic.plates:
            assert np.ptp(plate.corners[:, 0]) == pytest.approx(60, abs=1)
            picture, original = originals[plate.text]
            plain = rectify(read_picture(picture.path), original.corners, ordered=True).astype(float)
            small = rectify(image, plate.corners, ordered=True).astype(float)
            assert np.corrcoef(plain.ravel(), small.ravel())[0, 1] > 0.6


def test_mosaics_are_made_only_when_asked_for(data_folder, tmp_path):
    assert main(["robustness_set", "--dataset_path", str(data_folder), "--output", str(tmp_path / "hard")]) == 0
    assert {path.name for path in (tmp_path / "hard").iterdir()} == {*ALL_KINDS}
