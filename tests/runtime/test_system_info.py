from __future__ import annotations

import os

from alpr_app.runtime.system_info import cores, processor


def test_the_machine_has_a_name_and_cores():
    assert processor().strip()
    assert 1 <= cores() <= (os.cpu_count() or 1)
