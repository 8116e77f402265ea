"""`alpr eval`: measure the models on labelled pictures.

Arguments and body stand in `evaluation.command`, because the training's command `test` is the same with plots.
"""

from __future__ import annotations

from alpr_app.evaluation.command import add_arguments, run

__all__ = ["add_arguments", "run"]
