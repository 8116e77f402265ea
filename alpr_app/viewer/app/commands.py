"""The commands of keys and buttons: one table for the keyboard and for the help window."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from alpr_app.core.plate import Plate
from alpr_app.data.images import write_picture
from alpr_app.data.overlay import annotate
from alpr_app.viewer.app.cars import write_cars
from alpr_app.viewer.app.film_player import file_time
from alpr_app.viewer.app.image_list import NO_LABELS
from alpr_app.viewer.app.program import ViewerProgram
from alpr_app.viewer.app.saved_results import CSV, JSON_LINES, write_results
from alpr_app.viewer.app.state import FOLDER, LIVE, STEP, Light
from alpr_app.viewer.app.tree import Node
from alpr_app.viewer.text.language import mark, tr
from alpr_app.viewer.toolkit.inputs import CONTROL
from alpr_app.viewer.workers.desktop import copy_picture, show_in_file_manager
from alpr_app.viewer.workers.images import cut_out

PAGE = 10
END = 10**9
DIALOGS = ("help_open", "open_dialog_open", "goto_dialog_open", "summary_open", "run_open")


@dataclass(frozen=True)
class Command:
    """A command of the keyboard.

    Attributes:
        group: Heading in the help window.
        keys: Names in `inputs.KEYS`.
        text: Description in the help window.
        act: Carries it out.
        control: Whether the Ctrl key has to be held.
    """

    group: str
    keys: tuple[str, ...]
    text: str
    act: Callable[[ViewerProgram], None]
    control: bool = False

    @property
    def label(self) -> str:
        """The keys as shown in the help window."""
        names = (tr(KEY_NAMES[key]) if key in KEY_NAMES else key for key in self.keys)
        return ", ".join(("Ctrl " if self.control else "") + name for name in names)


# Keys that the help window does not call by their names in `inputs.KEYS`.
KEY_NAMES = {"Right": "→", "Left": "←", "Up": "↑", "Down": "↓", "Space": mark("Space")}


def _toggle(name: str) -> Callable[[ViewerProgram], None]:
    def act(program: ViewerProgram) -> None:
        program.state.change(**{name: not getattr(program.state.settings, name)})

    return act


def _step(by: int) -> Callable[[ViewerProgram], None]:
    return lambda program: program.step(by)


def _play(program: ViewerProgram) -> None:
    program.play()


def _faster(program: ViewerProgram) -> None:
    program.film.change_speed(1)


def _mark(end: bool) -> Callable[[ViewerProgram], None]:
    return lambda program: program.film.mark(end)


def _results(suffix: str) -> Callable[[ViewerProgram], None]:
    return lambda program: save_results(program, suffix)


def _zoom(program: ViewerProgram, zoom: float | None) -> None:
    if zoom is None:
        program.state.view.fit()
    else:
        program.state.view.set_zoom(zoom)


def _select(program: ViewerProgram) -> None:
    state = program.state
    count = len(state.plates)
    state.selected = (state.selected + 1) % count if count else -1


def _next_error(program: ViewerProgram) -> None:
    image_list = program.state.image_list
    if program.state.kind != FOLDER or (
        image_list.next_difference() if image_list.verdicts else image_list.next_error()
    ):
        return
    if image_list.totals.pictures:
        program.state.add_message(tr("All labelled pictures that have been read are right"))
    elif image_list.has_labels:
        program.state.add_message(tr("No labelled picture has been read yet; read the whole folder first"))
    else:
        program.state.add_message(tr(NO_LABELS))


def _expand(expanded: bool) -> Callable[[ViewerProgram], None]:
    """Expand or collapse the current folder; if that is already done, go to its first subfolder or to its parent."""

    def act(program: ViewerProgram) -> None:
        tree = program.state.tree
        node = tree.find(program.state.folder) if program.state.kind == FOLDER else None
        if node is None:
            return
        if not expanded and not (node.expanded and node.children) and node.parent is not None:
            program.show_folder(node.parent.path)
        elif expanded and node.expanded and node.children:
            program.show_folder(node.children[0].path)
        else:
            expand_folder(program, node, expanded)

    return act


def expand_folder(program: ViewerProgram, node: Node, expanded: bool) -> None:
    """Expand or collapse a folder of the tree."""
    program.state.tree.set_expanded(node, expanded)
    if expanded and node.children is None:
        program.navigator.read_folder(node.path)


def go_up(program: ViewerProgram) -> None:
    """Show the parent folder."""
    parent = program.navigator.parent_folder()
    if not parent and program.state.kind == FOLDER:
        program.state.add_message(tr("This folder has no parent folder"))
    program.show_folder(parent)


def _neighbour_folder(by: int) -> Callable[[ViewerProgram], None]:
    return lambda program: program.show_folder(program.navigator.neighbour_folder(by))


def _light(brightness: int = 0, contrast: int = 0) -> Callable[[ViewerProgram], None]:
    def act(program: ViewerProgram) -> None:
        program.state.light = program.state.light.changed(brightness, contrast)

    return act


def reset_light(program: ViewerProgram) -> None:
    """Reset brightness and contrast."""
    program.state.light = Light()


def _reconnect(program: ViewerProgram) -> None:
    if program.live is not None:
        program.live.reconnect()


def _dialog(program: ViewerProgram, name: str) -> None:
    """Open a dialog, or close it if it is open; the others and the context menu are closed in either case."""
    program.state.menu = None
    wanted = bool(name) and not getattr(program.state, name)
    for dialog in DIALOGS:
        setattr(program.state, dialog, dialog == name and wanted)


def _escape(program: ViewerProgram) -> None:
    state = program.state
    if state.menu is None and not any(getattr(state, dialog) for dialog in DIALOGS):
        if program.contact_sheet.open:
            program.contact_sheet.toggle()
        elif program.comparison.open:
            program.comparison.toggle()
        else:
            state.full_screen = False
    _dialog(program, "")


def _full_screen(program: ViewerProgram) -> None:
    program.state.full_screen = not program.state.full_screen


def _focus_filter(program: ViewerProgram) -> None:
    if program.state.kind == FOLDER:
        program.state.change(show_browser=True)
        program.state.focus_filter = True


def _help(program: ViewerProgram) -> None:
    _dialog(program, "help_open")


def _goto(program: ViewerProgram) -> None:
    if program.state.kind == FOLDER and program.state.image_list.names:
        _dialog(program, "goto_dialog_open")


def open_dialog(program: ViewerProgram) -> None:
    """Open or close the dialog that opens another source."""
    _dialog(program, "open_dialog_open")


def open_summary(program: ViewerProgram) -> None:
    """Open the summary of the results by folder."""
    state = program.state
    if state.kind == FOLDER and (state.image_list.records or state.summary_open):
        _dialog(program, "summary_open")
    else:
        state.add_message(tr("No picture has been read yet"))


def contact_sheet(program: ViewerProgram) -> None:
    """Show the contact sheet of the folder, or the picture again."""
    program.comparison.open = False
    program.contact_sheet.toggle()


def compare_models(program: ViewerProgram) -> None:
    """Show the page that compares two models, or the picture again."""
    program.contact_sheet.open = False
    program.comparison.toggle()


def _swap_models(program: ViewerProgram) -> None:
    program.comparison.use(1 - max(program.comparison.active, 0))


def watch_training(program: ViewerProgram) -> None:
    """Show the page of the training run, or how to open one."""
    _dialog(program, "run_open")


def _repeat_film(program: ViewerProgram) -> None:
    program.film.toggle_loop()


def save_frame(program: ViewerProgram) -> None:
    """Save the current live frame, with and without the overlays."""
    state = program.state
    if state.kind != LIVE or state.image_item is None or state.image_item.image is None:
        return
    name = f"{file_time(state)}{state.live_name}"
    program.export_worker.save_image(name, "picture", state.image_item.image)
    program.export_worker.save_image(name, "plates", annotate(state.image_item.image, state.plates))


def save_crop(program: ViewerProgram, plate: Plate, image: np.ndarray | None) -> None:
    """Save the crop given to the reader, and the plate as it is in `image`, H x W x 3 uint8 RGB."""
    name = f"{file_time(program.state) if image is not None else ''}{plate.text or 'plate'}"
    program.export_worker.save_image(name, "crop", plate.crop)
    if image is not None:
        program.export_worker.save_image(name, "cut-out", cut_out(image, plate.box))


def copy_crop(program: ViewerProgram, plate: Plate) -> None:
    """Copy the crop given to the reader to the clipboard, as a picture."""

    def job() -> str:
        with TemporaryDirectory() as folder:
            path = Path(folder, "crop.png")
            write_picture(path, plate.crop)
            copy_picture(path)
        return tr("Copied the crop of {text}", text=plate.text)

    program.export_worker.run(job)


def reveal(program: ViewerProgram, path: str) -> None:
    """Show a file in the file manager."""

    def job() -> str:
        show_in_file_manager(path)
        return ""

    program.export_worker.run(job)


def save_results(program: ViewerProgram, suffix: str) -> None:
    """Save the results of this folder above the thresholds, or the cars of this live session.

    Args:
        program: The program.
        suffix: JSON_LINES or CSV.
    """
    state, image_list = program.state, program.state.image_list
    if state.kind == LIVE:
        _save_cars(program, suffix)
        return
    if not image_list.records:
        state.add_message(tr("No picture has been read yet"))
        return
    # Copied here and sorted on the thread, which must not see later changes.
    names, records, score, confidence = (
        image_list.names,
        dict(image_list.records),
        image_list.score,
        image_list.confidence,
    )

    starred = {os.path.join(state.folder, name) for name in image_list.starred}

    def write(path: Path) -> None:
        read = (records[name] for name in names if name in records)
        write_results(path, read, score, confidence, starred)

    program.export_worker.save(os.path.basename(state.folder), "results", suffix, write)


def _save_cars(program: ViewerProgram, suffix: str) -> None:
    state = program.state
    if not state.cars.listed:
        state.add_message(tr("No car has been read yet"))
        return
    cars, name = list(state.cars.listed.values()), state.live_name
    program.export_worker.save(name, "cars", suffix, lambda path: write_cars(path, cars, name))


# Headings in the help window.
PICTURES, FOLDERS, SOURCE, FILM = mark("Pictures"), mark("Folders"), mark("Source"), mark("Film")
VIEW, OVERLAYS, WINDOW = mark("View"), mark("Overlays"), mark("Window")

COMMANDS = (
    Command(PICTURES, ("Right", "Down", "D"), mark("Next picture; next frame of a film or a live source"), _step(1)),
    Command(PICTURES, ("Left", "Up", "A"), mark("Previous picture; previous frame of a film"), _step(-1)),
    Command(PICTURES, ("Page down",), mark("Ten pictures or frames forward"), _step(PAGE)),
    Command(PICTURES, ("Page up",), mark("Ten pictures or frames back"), _step(-PAGE)),
    Command(PICTURES, ("Home",), mark("First picture; first frame of a film"), _step(-END)),
    Command(PICTURES, ("End",), mark("Last picture; last frame of a film"), _step(END)),
    Command(PICTURES, ("N",), mark("Next picture that is not right, or that two models read differently"), _next_error),
    Command(PICTURES, ("J",), mark("Go to a picture by its number"), _goto),
    Command(PICTURES, ("Q",), mark("Give the picture a star, or remove it"), lambda program: program.stars.toggle()),
    Command(PICTURES, ("Space",), mark("Slide show; pause or resume a film or a live source"), _play),
    Command(FILM, ("[",), mark("Slower"), lambda program: program.film.change_speed(-1)),
    Command(FILM, ("]",), mark("Faster; last, every frame as fast as it is read"), _faster),
    Command(FILM, ("R",), mark("Repeat the film or the passage"), _repeat_film, control=True),
    Command(FILM, ("[",), mark("Begin the passage here, or nowhere"), _mark(end=False), control=True),
    Command(FILM, ("]",), mark("End the passage here, or nowhere"), _mark(end=True), control=True),
    Command(PICTURES, ("X",), mark("Correct labels"), lambda program: program.corrections.toggle()),
    Command(FOLDERS, ("Backspace",), mark("Parent folder"), go_up),
    Command(FOLDERS, ("Down",), mark("Next folder in the tree"), _neighbour_folder(1), control=True),
    Command(FOLDERS, ("Up",), mark("Previous folder in the tree"), _neighbour_folder(-1), control=True),
    Command(FOLDERS, ("Right",), mark("Expand the folder, then go into it"), _expand(True), control=True),
    Command(FOLDERS, ("Left",), mark("Collapse the folder, then leave it"), _expand(False), control=True),
    Command(FOLDERS, ("F",), mark("Filter the list"), _focus_filter, control=True),
    Command(FOLDERS, ("F5",), mark("Refresh and sort the list"), lambda program: program.navigator.refresh()),
    Command(SOURCE, ("O",), mark("Open a folder, a camera, a video or an address"), open_dialog),
    Command(SOURCE, ("R",), mark("Reconnect; replay a film"), _reconnect),
    Command(SOURCE, ("S",), mark("Save the live frame, with and without the overlays"), save_frame),
    Command(SOURCE, ("U",), mark("Folder summary"), open_summary),
    Command(SOURCE, ("V",), mark("Contact sheet of all plates"), contact_sheet),
    Command(SOURCE, ("Y",), mark("Compare two models"), compare_models),
    Command(SOURCE, ("M",), mark("Use the other one of two compared models"), _swap_models, control=True),
    Command(SOURCE, ("E",), mark("Save the results, pictures or cars, as JSON lines"), _results(JSON_LINES)),
    Command(SOURCE, ("E",), mark("Save the results, pictures or cars, as CSV"), _results(CSV), control=True),
    Command(SOURCE, ("W",), mark("Watch a training run, try its model"), watch_training),
    Command(VIEW, ("F",), mark("Fit the whole picture"), lambda program: _zoom(program, None)),
    Command(VIEW, ("1",), mark("Actual size"), lambda program: _zoom(program, 1.0)),
    Command(VIEW, ("2",), mark("Four times actual size"), lambda program: _zoom(program, 4.0)),
    Command(VIEW, ("+",), mark("Zoom in"), lambda program: program.state.view.enlarge(1)),
    Command(VIEW, ("-",), mark("Zoom out"), lambda program: program.state.view.enlarge(-1)),
    Command(VIEW, ("Tab",), mark("Select the next plate"), _select),
    Command(VIEW, ("I",), mark("Brighter"), _light(STEP)),
    Command(VIEW, ("K",), mark("Darker"), _light(-STEP)),
    Command(VIEW, ("I",), mark("More contrast"), _light(contrast=STEP), control=True),
    Command(VIEW, ("K",), mark("Less contrast"), _light(contrast=-STEP), control=True),
    Command(VIEW, ("0",), mark("Reset brightness and contrast"), reset_light),
    Command(OVERLAYS, ("B",), mark("Boxes"), _toggle("show_boxes")),
    Command(OVERLAYS, ("C",), mark("Corners"), _toggle("show_corners")),
    Command(OVERLAYS, ("T",), mark("Texts"), _toggle("show_text")),
    Command(OVERLAYS, ("G",), mark("Ground truth of labels"), _toggle("show_truth")),
    Command(WINDOW, ("L",), mark("Hide or show the list on the left"), _toggle("show_browser")),
    Command(WINDOW, ("M",), mark("Hide or show the folders on the left"), _toggle("show_tree")),
    Command(WINDOW, ("P",), mark("Hide or show the plates on the right"), _toggle("show_plates")),
    Command(WINDOW, ("Z",), mark("Keep the zoom from picture to picture"), _toggle("keep_zoom")),
    Command(WINDOW, ("F11",), mark("Full screen"), _full_screen),
    Command(WINDOW, ("F1", "H"), mark("This help"), _help),
    Command(WINDOW, ("Escape",), mark("Close this help, a dialog or a menu; leave the full screen"), _escape),
)

_BY_KEY = {(key, command.control): command for command in COMMANDS for key in command.keys}


def press(program: ViewerProgram, key: str, mods: int = 0) -> bool:
    """Carry out the command of a key; returns whether it has one."""
    command = _BY_KEY.get((key, bool(mods & CONTROL)))
    if command is None:
        return False
    command.act(program)
    return True
