from __future__ import annotations

import csv
import io

import pytest

from alpr_app.data.result_writers import Sheet


def written(*rows):
    text = io.StringIO()
    sheet = Sheet(text, ("file", "number"))
    for row in rows:
        sheet.row(row)
    return text.getvalue()


def test_a_sheet_begins_with_the_mark_that_excel_looks_for():
    assert written().encode().startswith(b"\xef\xbb\xbf")


def test_texts_are_in_quotes_and_numbers_are_not():
    assert written(("皖A12345", 0.5), ('say "x", y', None)).splitlines()[1:] == ['"皖A12345",0.5', '"say ""x"", y",""']


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "=cmd|'/c calc'!A0"])
def test_no_text_is_a_formula(text):
    ((cell, _),) = list(csv.reader(io.StringIO(written((text, 1)))))[1:]
    assert cell[0] == "'" and not cell[1:].startswith(("\t", "\r"))


def test_numbers_below_zero_stay_numbers():
    assert written(("a", -1.5)).splitlines()[1] == '"a",-1.5'


def test_a_row_is_a_line_whatever_a_name_holds():
    assert written(("a\nb\r\x1b[2J.jpg", 1)).splitlines()[1:] == [r'"a\nb\r\x1b[2J.jpg",1']
