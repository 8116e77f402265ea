from __future__ import annotations

from alpr_app.data import assets


def test_models_and_assets_are_where_the_program_looks():
    assert assets.MODELS.is_dir()
    assert assets.FONT.is_file()
