from __future__ import annotations

from alpr_app import resources


def test_models_and_assets_are_where_the_program_looks():
    assert resources.MODELS.is_dir()
    assert resources.FONT.is_file()
