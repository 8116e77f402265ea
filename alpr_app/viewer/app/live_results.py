"""Puts the frames and results of a live source or a film on the canvas."""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic

from alpr_app.viewer.app.film_player import FilmPlayer
from alpr_app.viewer.app.state import State
from alpr_app.viewer.workers.images import ImageItem
from alpr_app.viewer.workers.recogniser import Recognition

# Frames are shown without plates once the recogniser has been silent for this long.
RAW_AFTER_SECONDS = 1.5


def show_live_results(
    state: State, film: FilmPlayer, frame: ImageItem | None, recognitions: Sequence[Recognition]
) -> None:
    """Track the cars of new results and show the newest one.

    Args:
        state: State of the window.
        film: The film, if the source is one.
        frame: The newest frame, not read yet; None if there is none.
        recognitions: New results, in order.
    """
    results = [recognition for recognition in recognitions if recognition.image_item is not None]
    if state.settings.follow_cars:
        results = [state.cars.follow(result, state.settings.score, state.settings.confidence) for result in results]
    if frame is not None:
        silent = state.recognition is None or monotonic() - state.recognition.finished > RAW_AFTER_SECONDS
        if (silent and not results) or film.shows_at_once(frame):
            state.show(frame, None)
    for result in film.in_order(results)[-1:]:
        state.show(result.image_item, result)
        film.select_wanted()
