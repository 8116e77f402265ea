"""The program without its window: it owns the threads, carries their results into the state, and acts on the user's
commands.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any

from alpr_app.core.errors import print_error
from alpr_app.data.file_types import kind_of_file
from alpr_app.data.network import is_address, without_secrets
from alpr_app.data.run_folder import is_run
from alpr_app.data.videos import Capture
from alpr_app.pipeline.options import ModelChoice
from alpr_app.viewer.app.arguments import PROGRAM
from alpr_app.viewer.app.camera_modes import CameraModes
from alpr_app.viewer.app.cars import Cars
from alpr_app.viewer.app.contact_sheet import ContactSheet
from alpr_app.viewer.app.corrections import Corrections
from alpr_app.viewer.app.film_player import FilmPlayer
from alpr_app.viewer.app.folder_navigator import FolderNavigator, SlideShow
from alpr_app.viewer.app.folder_results import Summary
from alpr_app.viewer.app.live_results import show_live_results
from alpr_app.viewer.app.model_comparison import ModelComparison
from alpr_app.viewer.app.notices import Notices
from alpr_app.viewer.app.result_memory import ResultMemory
from alpr_app.viewer.app.run_overlay import RunOverlay
from alpr_app.viewer.app.settings import Settings, save_settings, with_recent
from alpr_app.viewer.app.stars import Stars
from alpr_app.viewer.app.state import FOLDER, LIVE, NOTHING, State
from alpr_app.viewer.app.training import TrainingMonitor
from alpr_app.viewer.app.training_starts import TrainingStarts
from alpr_app.viewer.app.whole_folder import WholeFolder
from alpr_app.viewer.text.language import tr
from alpr_app.viewer.workers.cameras import CameraList
from alpr_app.viewer.workers.export import ExportWorker
from alpr_app.viewer.workers.folders import open_error
from alpr_app.viewer.workers.images import FolderSource, ImageItem, load_image_item
from alpr_app.viewer.workers.label_places import LabelPlaces
from alpr_app.viewer.workers.live import RUNNING, WAITING, LiveSource, open_capture
from alpr_app.viewer.workers.picker import FolderPicker
from alpr_app.viewer.workers.recogniser import Analyser, Recogniser, Recognition
from alpr_app.viewer.workers.threads import BackgroundTask, Closable, LatestValue, drain, noop

# Seconds of sleep after which the window looks for changes that do not wake it.
IDLE_SECONDS = 1.0
LIVE_SECONDS = 0.25
BUSY_SECONDS = 0.1
# A disk that takes longer to save the last second of corrections has gone.
SAVE_LABELS_SECONDS = 20.0


class ViewerProgram:
    """The program behind the window. All methods belong to the main thread; only `close` waits for other threads.

    Args:
        choice: The models.
        settings: What the program starts with; None for the defaults.
        settings_file: Where the settings are saved at the end; None to not save them.
        wake: Ends the window's sleep; called on any thread.
        results_file: Where results of pictures are kept if the user agrees; None to remember them in this session only.
        stars_file: Where stars of pictures are kept; None for this session only.
        labels_folder: Where corrected labels are kept that do not lie beside their pictures; None to correct none.
        make, load, capture, cameras: Replace the models, the reading of pictures, the opening of cameras and the list
            of cameras in tests.
    """

    def __init__(
        self,
        choice: ModelChoice,
        settings: Settings | None = None,
        settings_file: Path | None = None,
        wake: Callable[[], None] = noop,
        make: Callable[[], Analyser] | None = None,
        load: Callable[[str], ImageItem] = load_image_item,
        capture: Callable[..., Capture] = open_capture,
        cameras: CameraList | None = None,
        results_file: Path | None = None,
        stars_file: Path | None = None,
        labels_folder: Path | None = None,
    ) -> None:
        self.choice, self._settings_file, self._wake, self._load = choice, settings_file, wake, load
        self.state = State(settings=settings or Settings())
        places = LabelPlaces(labels_folder) if labels_folder is not None else None
        self.navigator, self.folder_picker = FolderNavigator(self.state, wake, places), FolderPicker(wake)
        self.corrections = Corrections(self.state, places, self.step, wake)
        self._folder: FolderSource | None = None
        self.live: LiveSource | None = None
        self.film = FilmPlayer(self.state)
        self._focus: tuple[str, ...] = ()
        self.whole_folder = WholeFolder(self.state, lambda: self._folder)
        self._frames: LatestValue[ImageItem] = LatestValue(wake)
        self._closing: list[FolderSource | LiveSource] = []
        # Number of the opened source; results of earlier sources are ignored.
        self._session = 0
        self.memory = ResultMemory(self.state, results_file, self._reload, wake)
        self.stars = Stars(self.state, stars_file, wake)
        # The selected picture while it is read again because its crops were not kept.
        self._rereading = ""
        self.slide_show = SlideShow(self.state)
        self.export_worker = ExportWorker(wake)
        self.cameras = cameras or CameraList(wake)
        self.camera_modes = CameraModes(self.state, self.cameras, capture)
        self.summary: BackgroundTask[Summary] = BackgroundTask("alpr-summary", wake)
        self.contact_sheet = ContactSheet(self.state, wake, load)
        self.comparison = ModelComparison(self.state, self.choose_models, self.read_all, wake)
        self.training = TrainingMonitor(self.state, choice, self.choose_models, wake)
        self.training_starts = TrainingStarts(self.state, self.training.open, wake)
        self.run_overlay = RunOverlay(self.state, wake)
        self.notices = Notices(wake)
        self.recogniser = Recogniser(make or choice.make, wake, self._item_dequeued)

    def open(self, target: str | int) -> None:
        """Open a folder, the folder of a picture, a camera by number, a video file, an address or a training run."""
        if isinstance(target, str) and "://" not in target:
            target = os.path.abspath(os.path.expanduser(target))
            if is_run(Path(target)):
                self.training.open(target)
            elif os.path.isdir(target):
                self._open_folder(target, "")
            elif not os.path.exists(target):
                self.state.add_message(tr("{path}: there is no such file or folder", path=target), is_error=True)
            elif kind_of_file(target) == "picture":
                self._open_folder(*os.path.split(target))
            elif os.path.isfile(target) and (error := open_error(target)):
                self.state.add_message(error, is_error=True)
            else:
                self._open_live(target)
        else:
            self._open_live(target)

    def _open_folder(self, folder: str, wanted: str = "", keep_tree: bool = False) -> None:
        self._close_source(keep_tree)
        session = self._session

        def submit(image_item: ImageItem, urgent: bool) -> None:
            self.recogniser.submit(replace(image_item, session=session), urgent)

        self._folder = FolderSource(
            submit, self.recogniser.queue_length, self._load, self._wake, self.recogniser.withdraw
        )
        self.navigator.open(folder, wanted)

    def show_folder(self, folder: str) -> None:
        """Show the pictures of another folder of the tree; an empty name is ignored."""
        if folder and folder != self.state.folder:
            self._open_folder(folder, keep_tree=True)

    def _open_live(self, address: str | int) -> None:
        self._close_source()
        state = self.state
        if isinstance(address, str):
            # A password is not stored.
            state.settings = with_recent(state.settings, without_secrets(address))
        state.kind, state.cars = LIVE, Cars()
        session = self._session

        def offer(image_item: ImageItem) -> None:
            self._offer(replace(image_item, session=session))

        capture = self.camera_modes.capture_of(address)
        if isinstance(address, str) and not is_address(address):
            self.live = self.film.open(address, offer, self._wake, capture, self.recogniser)
        else:
            self.live = LiveSource(address, offer, self._wake, capture)
        state.live_address, state.live_name, state.source_rate = address, self.live.name, self.live.rate

    def _close_source(self, keep_tree: bool = False) -> None:
        """Leave the current source without waiting for its threads."""
        self.navigator.leave(keep_tree)
        for source in (self._folder, self.live):
            if source is not None:
                source.close(0)
                self._closing.append(source)
        self._closing = [source for source in self._closing if not source.close(0)]
        self._folder = self.live = None
        self.film.close()
        self._session += 1
        self.recogniser.clear_queue()
        self._frames.clear()
        self._focus, self._rereading = (), ""
        state = self.state
        state.kind, state.playing, state.scanning, state.read_all_total = NOTHING, False, False, 0
        state.goto_dialog_open = state.summary_open = False
        state.show(None, None)
        state.image_list.clear_records()
        state.image_list.set_names(())

    def _offer(self, image_item: ImageItem) -> None:
        """Pass a live frame to the recogniser and, without plates, to the window; called on the reading thread."""
        self.recogniser.submit_live(image_item)
        self._frames.put(image_item)

    def _item_dequeued(self) -> None:
        if (folder := self._folder) is not None:
            folder.notify()
        self.film.notify()

    def collect(self) -> None:
        """Take over results from the threads. Never waits."""
        state = self.state
        state.models = self.recogniser.status
        for message, is_error in self.export_worker.take_messages():
            state.add_message(message, is_error)
        for line in drain(self.notices.lines):
            state.add_message(line, is_error=True)
        self.navigator.collect()
        self.folder_picker.collect()
        self.training.collect()
        self.training_starts.collect()
        self.run_overlay.collect()
        self.memory.collect()
        self.stars.collect()
        recognitions = [
            recognition
            for recognition in drain(self.recogniser.results)
            if (recognition.model, recognition.session) == (self.recogniser.model, self._session)
        ]
        for _ in recognitions:
            state.recogniser_rate.tick()
        if state.kind == FOLDER:
            self._collect_folder(recognitions)
        elif state.kind == LIVE and self.live is not None:
            self._collect_live(self.live, recognitions)
        self.contact_sheet.collect()
        self.comparison.collect(self.choice)
        self.corrections.collect()

    def _collect_folder(self, recognitions: list[Recognition]) -> None:
        state, image_list = self.state, self.state.image_list
        prefix = os.path.join(state.folder, "")
        if state.listing_error:
            # The pictures of a folder that has vanished are not unreadable files.
            recognitions = []
            if state.read_all_total:
                self.read_all(False)
        for recognition in recognitions:
            name = recognition.key.removeprefix(prefix)
            if not image_list.expects(name):
                # The file was there when it was read, and is not any more.
                continue
            state.read_all_done += bool(state.read_all_total) and name not in image_list.records
            image_list.add(name, recognition)
            self.memory.add(recognition)
            state.note_result(recognition)
        image_list.refresh()
        if state.read_all_total and not state.scanning:
            self.whole_folder.finish()
        self.slide_show.advance()
        self._update_focus()
        record = state.record
        lacking = image_list.name if record is not None and record.lacks_crops else ""
        folder = self._folder
        if folder is not None and lacking and lacking != self._rereading:
            folder.reread(prefix + image_list.name)
        self._rereading = lacking
        image_item = folder.image_item(prefix + image_list.name) if folder is not None and image_list.name else None
        # The previous picture stays on the canvas until the next one is decoded, which avoids flicker.
        if image_item is not None or not image_list.name:
            state.show(image_item, record.recognition if record else None)

    def _collect_live(self, live: LiveSource, recognitions: list[Recognition]) -> None:
        state = self.state
        state.live_status, state.live_last_frame = live.status, live.last_frame_time
        self.film.collect()
        for recognition in recognitions:
            state.note_result(recognition)
        show_live_results(state, self.film, self._frames.take(), recognitions)

    def _reload(self, names: Sequence[str]) -> None:
        """Read pictures again whose files have changed."""
        if self._folder is not None:
            self._folder.reload([os.path.join(self.state.folder, name) for name in names])

    def _update_focus(self) -> None:
        """Tell the source which pictures are needed now."""
        names = tuple(self.state.image_list.neighbours())
        if names != self._focus:
            if names[:1] != self._focus[:1]:
                self.state.selected_since = monotonic()
            self._focus = names
            if self._folder is not None:
                self._folder.focus([os.path.join(self.state.folder, name) for name in names])

    def play(self) -> None:
        """Start or stop the slide show; pause or resume a live source."""
        if self.film.source is not None:
            self.film.play()
        elif self.live is not None:
            self.live.pause(not self.live.paused)
        elif self.state.kind == FOLDER:
            self.slide_show.play()

    def step(self, by: int) -> None:
        """Move the selection by so many pictures or frames of a film; pause another live source and advance it by one
        frame."""
        if self.film.source is not None:
            self.film.step(by)
            return
        if self.live is not None:
            if by > 0:
                self.live.pause(True)
                self.live.step()
            return
        self.state.playing = False
        self.state.image_list.step(by)

    def go(self, number: int) -> None:
        """Select the picture with this number, counted from 1 in the whole folder, or the nearest one."""
        self.state.playing = False
        self.state.image_list.go(number - 1)

    def read_all(self, wanted: bool) -> None:
        """Start reading the whole folder in the background, or stop it."""
        self.whole_folder.read(wanted)

    def choose_models(self, **changes: Any) -> None:
        """Change the models, backend, threads or device. Pictures are read again when they are shown next, unless
        models like these have read them before."""
        choice = replace(self.choice, **changes)
        if choice == self.choice:
            return
        self.choice = choice
        self.training.note_choice(choice)
        self.read_all(False)
        self.recogniser.clear_queue()
        self.recogniser.reload(choice.make)
        self.state.models = self.recogniser.status
        self.state.image_list.clear_records()
        self.memory.crops.drop_all()
        self._rereading = ""
        if self._folder is not None:
            self._folder.reread_all()

    def rescan(self, recursive: bool) -> None:
        """List the folder again, with or without its subfolders."""
        self.read_all(False)
        self.state.change(recursive=recursive)
        self.navigator.refresh()

    def sleep_seconds(self) -> float:
        """Seconds for which the window may sleep if nothing wakes it."""
        state = self.state
        if state.playing:
            return self.slide_show.seconds_left(IDLE_SECONDS)
        if state.waits_for_picture:
            return BUSY_SECONDS
        return LIVE_SECONDS if state.kind == LIVE and state.live_status.state in (RUNNING, WAITING) else IDLE_SECONDS

    def close(self, timeout: float = 1.0) -> bool:
        """Save the settings, finish writing the user's files, however long that takes, and stop all threads.

        Errors are printed on standard error, because the window is closed.

        Returns:
            Whether all threads have ended within `timeout` seconds.
        """
        if self._settings_file is not None:
            self._report_error(save_settings(self._settings_file, self.state.settings))
        self.corrections.leave_picture()
        self._close_source()
        self.recogniser.close(0)
        if not self.export_worker.close(timeout):
            print_error(self.export_worker.progress_text, PROGRAM)
            self.export_worker.close(None)
        for message, is_error in self.export_worker.take_messages():
            self._report_error(message if is_error else "")
        self.corrections.close(SAVE_LABELS_SECONDS)
        for message in self.corrections.problems:
            self._report_error(message)
        deadline = monotonic() + timeout
        threads: list[Closable] = [
            *self._closing,
            self.navigator,
            self.corrections,
            self.memory,
            self.stars,
            self.folder_picker,
            self.cameras,
            self.summary,
            self.contact_sheet,
            self.comparison,
            self.training,
            self.training_starts,
            self.run_overlay,
            self.recogniser,
        ]
        ended = all([thread.close(max(0.0, deadline - monotonic())) for thread in threads])
        self.notices.close()
        return ended

    def _report_error(self, message: str) -> None:
        self.state.add_message(message, is_error=True)
        if message:
            print_error(message, PROGRAM)
