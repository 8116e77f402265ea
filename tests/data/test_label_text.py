from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from alpr_app.core.plate import ALPHABET
from alpr_app.data.label_text import spell_labels, spelled
from alpr_app.data.labels import DataFolder, LabelledCrop, LabelledPicture, LabelledPlate


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("皖A12345", "皖A12345"),
        ("皖A·12345", "皖A12345"),
        ("皖A•12345", "皖A12345"),
        ("皖A・12345", "皖A12345"),
        ("皖a12b45", "皖A12B45"),
        (" 皖A 12345\u3000", "皖A12345"),
        ("皖Ａ１２３４５", "皖A12345"),
        ("皖ａ．１２３４５", "皖A12345"),
        ("皖A-12345", "皖A12345"),
        ("皖A12?45", None),
        ("WJ甲01234", None),
        ("", None),
        ("··", None),
    ],
)
def test_what_is_the_same_plate_is_spelled_the_same(written, meant):
    assert spelled(written, ALPHABET) == meant


def test_an_alphabet_with_small_letters_and_dashes_keeps_them():
    assert spelled("ab-12", "ab-12") == "ab-12"
    assert spelled("AB 12", "AB12-") == "AB12"


def test_labels_that_cannot_be_spelled_are_named_and_left_out():
    corners = np.float32([[0, 0], [9, 0], [9, 3], [0, 3]])
    plates = (LabelledPlate(corners, "皖A·12345"), LabelledPlate(corners, "??"), LabelledPlate(corners))
    pictures = (
        LabelledPicture(Path("a.jpg"), plates),
        LabelledPicture(Path("street.jpg"), stated="京b 6789c"),
        LabelledPicture(Path("odd.jpg"), stated="%"),
    )
    crops = (LabelledCrop(Path("b.jpg"), "沪Ｃ12345"), LabelledCrop(Path("c.jpg"), "沪C1234!"))
    told = []
    data = spell_labels(DataFolder(pictures, crops, ()), ALPHABET, told.append)
    assert [plate.text for plate in data.pictures[0].plates] == ["皖A12345", None, None]
    assert [picture.stated for picture in data.pictures[1:]] == ["京B6789C", None]
    assert [(crop.path.name, crop.text) for crop in data.crops] == [("b.jpg", "沪C12345")]
    assert [str(error) for error in told] == [
        "a.jpg: the label '??' holds '?', which the reader cannot spell; correct it",
        "odd.jpg: the label '%' holds '%', which the reader cannot spell; correct it",
        "c.jpg: the label '沪C1234!' holds '!', which the reader cannot spell; correct it",
    ]
