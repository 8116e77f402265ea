"""The parts of the window, one module each. A panel draws the state and calls the program; it never waits.

- Left: `browser` (list of pictures, totals) with `tree` (subfolders), or `live` (live source, cars,
  `camera_controls`)
- Middle: `canvas` with `toolbar`, or `welcome` while there is no picture
- Right: `plates` (one card per plate) and `controls` (settings) with `kept_results`
- On top: `dialogs`, `menu`, `summary`, `training` with `chart`, `help`
- `context`: what every panel is given, and helpers for drawing
"""
