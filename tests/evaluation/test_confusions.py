from __future__ import annotations

import pytest

from alpr_app.evaluation.confusions import confusions


@pytest.mark.parametrize(
    ("label", "text", "expected"),
    [
        ("皖A12345", "皖A12345", []),
        ("皖A12345", "藏A12346", [("皖", "藏"), ("5", "6")]),
        # Shifted texts of the same length are compared place by place.
        ("皖AB1234", "皖A1234B", [("B", "1"), ("1", "2"), ("2", "3"), ("3", "4"), ("4", "B")]),
        ("皖A12345", "皖A2345", [("1", "")]),
        ("皖A1234", "皖A12314", [("", "1")]),
        ("皖AD12345", "皖A0D2345X", [("", "0"), ("1", ""), ("", "X")]),
        ("", "皖", [("", "皖")]),
    ],
)
def test_characters_that_are_read_otherwise_are_paired(label, text, expected):
    assert confusions(label, text) == expected
