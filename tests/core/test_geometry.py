import itertools

import cv2
import numpy as np
import pytest

from alpr_app.core.geometry import (
    Letterbox,
    box_iou,
    corners_to_box,
    homography,
    order_corners,
    placement,
    quadrilateral_area,
    rectify,
    shrink,
    widened,
)

CORNERS = np.float32([[10, 20], [110, 28], [108, 60], [9, 51]])


@pytest.mark.parametrize("size", [(1160, 720), (720, 1280), (1, 1), (1, 5000), (401, 33), (512, 512), (12000, 8000)])
def test_letterbox_inverse_is_exact(size):
    letterbox = Letterbox.for_long_side(*size, 512)
    points = np.float32([[0, 0], [size[1], size[0]], [size[1] * 0.31, size[0] * 0.77]])
    np.testing.assert_allclose(letterbox.to_picture(letterbox.to_canvas(points)), points, atol=2e-3)


@pytest.mark.parametrize("size", [(1160, 720), (720, 1280), (1, 1), (1, 5000), (401, 33)])
def test_letterbox_canvas_is_a_multiple_of_32_and_holds_the_picture(size):
    letterbox = Letterbox.for_long_side(*size, 512)
    assert letterbox.canvas[0] % 32 == letterbox.canvas[1] % 32 == 0
    assert max(letterbox.canvas) == 512
    corner = letterbox.to_canvas(np.float32([size[1], size[0]]))
    assert (corner <= np.float32(letterbox.canvas[::-1])).all()


@pytest.mark.parametrize(
    ("size", "canvas"),
    [
        ((1160, 720), (480, 288)),  # 480 x 298, which would be grey in 22 of 320 columns
        ((720, 1280), (256, 480)),
        ((1000, 660), (480, 320)),  # 480 x 317 is nearer to 320
        ((401, 33), (480, 64)),  # 480 x 40 would lose a fifth of its size
    ],
)
def test_letterbox_leaves_little_of_the_canvas_grey_nor_takes_much_off_the_picture(size, canvas):
    letterbox = Letterbox.for_long_side(*size, 480)
    assert letterbox.canvas == canvas
    assert 480 * 0.93 <= max(letterbox.content) <= 480


def test_letterbox_keeps_aspect_and_centres_on_grey():
    image = np.full((100, 400, 3), 250, np.uint8)
    canvas = Letterbox.fit(100, 400, (256, 256)).apply(image)
    rows = np.flatnonzero((canvas == 250).all(axis=(1, 2)))
    assert (rows[0], rows[-1]) == (96, 159)
    assert (canvas[:96] == 114).all() and (canvas[160:] == 114).all()


def test_letterbox_puts_a_mark_where_it_says():
    image = np.zeros((1160, 720, 3), np.uint8)
    image[600:640, 300:360] = 255
    letterbox = Letterbox.for_long_side(1160, 720, 512)
    rows, columns = np.nonzero(letterbox.apply(image)[..., 0] > 127)
    left, top = letterbox.to_canvas(np.float32([300, 600]))
    right, bottom = letterbox.to_canvas(np.float32([360, 640]))
    assert abs(columns.min() - left) <= 1 and abs(columns.max() + 1 - right) <= 1
    assert abs(rows.min() - top) <= 1 and abs(rows.max() + 1 - bottom) <= 1


@pytest.mark.parametrize("size", [(1160, 720), (2000, 3000), (401, 303), (512, 320)])
def test_shrinking_averages_as_an_exact_area_mean_does(size):
    coarse = np.random.default_rng(0).integers(0, 256, (32, 20, 3), np.uint8)
    image = cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_CUBIC)
    exact = cv2.resize(image, (160, 256), interpolation=cv2.INTER_AREA)
    assert np.abs(shrink(image, 256, 160).astype(int) - exact).mean() < 1.5


def test_shrinking_leaves_no_single_pixel_out():
    image = np.zeros((1024, 640, 3), np.uint8)
    image[::4, ::4] = 160  # every sixteenth pixel is bright
    assert np.abs(shrink(image, 256, 160).astype(int) - 10).max() <= 1


def test_a_picture_of_the_right_size_stays_as_it_is():
    image = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    np.testing.assert_array_equal(shrink(image, 64, 96), image)


def test_box_iou_against_values_by_hand():
    first = np.float32([[0, 0, 10, 10], [0, 0, 0, 0]])
    second = np.float32([[0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30]])
    np.testing.assert_allclose(box_iou(first, second), [[1, 50 / 150, 0], [0, 0, 0]], atol=1e-6)


def test_corners_are_ordered_from_any_order():
    for order in itertools.permutations(range(4)):
        np.testing.assert_array_equal(order_corners(CORNERS[list(order)]), CORNERS)


@pytest.mark.parametrize("degrees", [-80, -60, -40, -20, 0, 20, 40, 60, 80])
def test_corners_of_a_turned_plate_start_at_its_own_top_left(degrees):
    angle = np.deg2rad(degrees)
    turn = np.float32([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    plate = np.float32([[-60, -20], [60, -20], [60, 20], [-60, 20]]) @ turn.T + 200
    np.testing.assert_allclose(order_corners(plate[[2, 0, 3, 1]]), plate, atol=1e-4)


def test_a_plate_that_is_turned_and_slanted_stands_on_a_long_side():
    # By directions alone, its left side would be the top.
    plate = np.float32([[100, 200], [260, 70], [275, 130], [110, 265]])
    np.testing.assert_array_equal(order_corners(plate[[1, 3, 0, 2]]), plate)


def test_a_plate_seen_from_far_aside_is_higher_than_wide():
    plate = np.float32([[100, 100], [140, 112], [141, 150], [101, 160]])
    np.testing.assert_array_equal(order_corners(plate[[3, 0, 2, 1]]), plate)


@pytest.mark.parametrize("points", [np.zeros((4, 2)), np.float32([[0, 0], [1, 1], [2, 2], [3, 3]]), np.zeros((3, 2))])
def test_corners_without_area_are_refused(points):
    with pytest.raises(ValueError, match="corners"):
        order_corners(points)


def test_homography_takes_corners_to_the_plate():
    # cv2 counts from pixel centres, corners are pixel edges.
    found = cv2.perspectiveTransform(CORNERS[None] - 0.5, homography(CORNERS))[0] + 0.5
    np.testing.assert_allclose(found, [[0, 0], [192, 0], [192, 48], [0, 48]], atol=1e-3)


@pytest.mark.parametrize("width", [16, 60, 250])
def test_a_picture_is_put_exactly_where_its_corners_are_said_to_be(width):
    rows, columns = np.mgrid[0.5:140, 0.5:440]
    spot = 255 * np.exp(-(((columns - 220) / 60) ** 2) - ((rows - 70) / 20) ** 2)
    left, top, height = 50.3, 60.7, width / 2
    corners = np.float32([[left, top], [left + width, top], [left + width, top + height], [left, top + height]])
    scene = cv2.warpPerspective(spot, placement(spot, corners), (350, 200))
    x = (scene.sum(axis=0) * (np.arange(350) + 0.5)).sum() / scene.sum()
    y = (scene.sum(axis=1) * (np.arange(200) + 0.5)).sum() / scene.sum()
    np.testing.assert_allclose([x, y], corners.mean(axis=0), atol=0.03)
    np.testing.assert_allclose(placement(spot, corners) @ homography(corners, 140, 440), np.eye(3), atol=1e-2)


@pytest.mark.parametrize("scale", [0.5, 1.0, 4.0])
def test_rectify_undoes_a_perspective(scale):
    stripes = np.kron(np.arange(8) % 2 * 200 + 20, np.ones((48, 24)))[..., None].repeat(3, axis=2).astype(np.uint8)
    corners = np.float32([[40, 60], [260, 90], [250, 170], [45, 125]]) * scale
    matrix = np.linalg.inv(homography(corners))
    size = tuple(int(value) for value in (np.array([300, 230]) * scale))
    scene = cv2.warpPerspective(stripes, matrix, size, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
    plate = rectify(scene, corners[[3, 1, 0, 2]])
    assert plate.shape == (48, 192, 3) and plate.dtype == np.uint8
    assert np.abs(plate.astype(int) - stripes)[4:-4, 4:-4].mean() < 18


def test_ordered_corners_say_which_way_up_the_plate_is():
    image = np.random.default_rng(0).integers(0, 256, (48, 192, 3), np.uint8)
    upside_down = np.float32([[192, 48], [0, 48], [0, 0], [192, 0]])
    np.testing.assert_array_equal(rectify(image, upside_down, ordered=True), image[::-1, ::-1])
    np.testing.assert_array_equal(rectify(image, upside_down), image)


def test_area_is_signed_by_the_direction():
    square = np.float32([[0, 0], [10, 0], [10, 5], [0, 5]])
    assert quadrilateral_area(square) == 50
    assert quadrilateral_area(square[::-1]) == -50
    assert quadrilateral_area(square[[0, 2, 1, 3]]) == 0


def test_rectify_of_the_whole_picture_is_the_picture():
    image = np.random.default_rng(0).integers(0, 256, (48, 192, 3), np.uint8)
    np.testing.assert_array_equal(rectify(image, np.float32([[0, 0], [192, 0], [192, 48], [0, 48]])), image)


def test_corners_to_box_is_the_upright_box():
    np.testing.assert_array_equal(corners_to_box(CORNERS), [9, 20, 110, 60])


def test_corners_are_widened_along_the_plates_own_sides():
    upright = np.float32([[10, 10], [50, 10], [50, 20], [10, 20]])
    np.testing.assert_allclose(widened(upright, 0.1, 0.2), [[6, 8], [54, 8], [54, 22], [6, 22]])
    turned = upright[:, ::-1] * np.float32([-1, 1])  # by a quarter
    np.testing.assert_allclose(widened(turned, 0.1, 0.2), [[-8, 6], [-8, 54], [-22, 54], [-22, 6]])
    np.testing.assert_array_equal(widened(upright, 0.0, 0.0), upright)
