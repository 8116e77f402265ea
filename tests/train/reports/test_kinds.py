import numpy as np

from alpr_app.core.plate_kinds import KINDS
from alpr_app.data.images import read_picture
from alpr_app.train.cli.main import main
from alpr_app.train.reports.kinds import one_of_each


def test_every_kind_is_drawn_and_said_what_is_read(tmp_path, capsys, models):
    sheet = tmp_path / "kinds.png"
    assert main(["kinds", "--output", str(sheet), *models]) == 0
    lines = capsys.readouterr().out.splitlines()
    rows = [line.split(" | ") for line in lines if line.startswith("| ")][2:]
    assert {row[0].removeprefix("| ") for row in rows} == {kind.name for kind in KINDS}
    assert lines[-1].endswith(f"of {len(rows)} are read right.")
    wrong = sum(" ✗" in row[4] for row in rows)
    assert lines[-1] == f"{len(rows) - wrong} of {len(rows)} are read right."
    assert np.ptp(read_picture(sheet)) > 200


def test_the_same_seed_draws_the_same_plates():
    assert one_of_each(3) == one_of_each(3) != one_of_each(4)
