"""One frame of the window: the arrangement of the panels, and the keys."""

from __future__ import annotations

from alpr_app.viewer.app.commands import press
from alpr_app.viewer.app.correction_commands import press_correction
from alpr_app.viewer.app.program import ViewerProgram
from alpr_app.viewer.app.settings import LIMITS, Settings
from alpr_app.viewer.app.state import FOLDER
from alpr_app.viewer.panels.browser import BrowserPanel
from alpr_app.viewer.panels.canvas import CanvasPanel
from alpr_app.viewer.panels.comparison import ComparisonPanel
from alpr_app.viewer.panels.contact_sheet import ContactSheetPanel
from alpr_app.viewer.panels.context import PanelContext
from alpr_app.viewer.panels.controls import settings_panel
from alpr_app.viewer.panels.correction_bar import CorrectionBar
from alpr_app.viewer.panels.dialogs import GotoDialog, OpenDialog
from alpr_app.viewer.panels.help import help_window
from alpr_app.viewer.panels.kept_results import keep_question
from alpr_app.viewer.panels.label_place import PlaceDialog
from alpr_app.viewer.panels.menu import context_menu
from alpr_app.viewer.panels.plates import PlatesPanel
from alpr_app.viewer.panels.summary import SummaryTable
from alpr_app.viewer.panels.toolbar import status_line
from alpr_app.viewer.panels.training import TrainingPage
from alpr_app.viewer.text.language import letters, tr
from alpr_app.viewer.toolkit.painter import Rect
from alpr_app.viewer.toolkit.textures import Textures
from alpr_app.viewer.toolkit.theme import theme
from alpr_app.viewer.toolkit.toolkit import Toolkit
from alpr_app.viewer.workers.live import Rate

SPLITTER = 6
# Minimum width of the picture.
MINIMUM_CANVAS = 260
# In wider windows than this, side panels that the user has not resized grow: by this share of the difference, up to
# this width.
SMALL_WINDOW = 1280
GROWTH = {"browser_width": (0.2, 560.0), "plates_width": (0.33, 780.0)}
DEFAULTS = Settings()


class WindowLayout:
    """Draws the whole window.

    Args:
        program: The program behind the window.
        ui: Dear ImGui.
        textures: Pictures on the graphics card.
        screen_scale: Scale required by the screen, in window units per design unit; the user's scale is applied on top.
    """

    def __init__(self, program: ViewerProgram, ui: Toolkit, textures: Textures, screen_scale: float = 1.0) -> None:
        self.context = PanelContext(ui, textures, program)
        self.rate = Rate()
        self._screen_scale = screen_scale
        self._browser, self._canvas, self._plates = BrowserPanel(), CanvasPanel(), PlatesPanel()
        self._open_dialog, self._goto_dialog = OpenDialog(), GotoDialog()
        self._summary, self._training = SummaryTable(), TrainingPage()
        self._contact_sheet, self._comparison = ContactSheetPanel(), ComparisonPanel()
        self._corrections, self._place_dialog = CorrectionBar(), PlaceDialog()

    def draw(self, size: tuple[int, int], seconds: float) -> None:
        """Take over results from the threads and draw a frame: `size` of the window, `seconds` since the last frame."""
        ui, program = self.context.ui, self.context.program
        program.collect()
        self._restyle()
        with ui.frame(size, seconds):
            self._keys()
            self._panels((0, 0, *size))
        self.context.textures.end_frame()
        self.rate.tick()

    def _restyle(self) -> None:
        ui, settings = self.context.ui, self.context.program.state.settings
        colours = theme(settings.theme, settings.colour_blind)
        scale = self._screen_scale * settings.ui_scale
        if (colours, scale, letters()) != (ui.theme, ui.unit, ui.letters):
            ui.restyle(colours, scale, letters())

    def _keys(self) -> None:
        ui, program = self.context.ui, self.context.program
        for key, mods in ui.inputs.pressed:
            if key == "Escape" and ui.combo_open:
                # Escape closes an open combo box and nothing else.
                continue
            # The open dialog has keys of its own.
            if not (ui.wants_text or program.state.open_dialog_open) or key in ("F1", "Escape"):
                _ = press_correction(program, key, mods) or press(program, key, mods)

    def _panels(self, window: Rect) -> None:
        context, state = self.context, self.context.program.state
        ui, settings = context.ui, state.settings
        bottom = round(ui.line_height + 12 * ui.unit)
        height = window[3] - bottom
        left = self._side_width("browser_width", window[2]) if settings.show_browser else 0
        program = context.program
        # A page takes the place of the picture and of its plates.
        page = self._contact_sheet if program.contact_sheet.open else self._comparison
        page_open = program.contact_sheet.open or program.comparison.open
        right = self._side_width("plates_width", window[2]) if settings.show_plates and not page_open else 0
        # In a small window, both sides shrink by the same factor.
        spare = window[2] - MINIMUM_CANVAS * ui.unit
        if left + right > spare:
            left, right = (side * max(0.0, spare) / (left + right) for side in (left, right))
        left, right = round(left), round(right)
        if left:
            self._browser.draw(context, (0, 0, left, height))
        canvas: Rect = (left, 0, window[2] - left - right, height)
        if page_open:
            page.draw(context, canvas)
        else:
            canvas = self._corrections.draw(context, canvas)
            self._canvas.draw(context, canvas)
        keep_question(context, canvas)
        state.hovered_card = -1
        if right:
            self._side((window[2] - right, 0, right, height))
        status_line(context, (0, height, window[2], bottom), self.rate.per_second())
        self._splitter("browser_width", left, 1, window[2], height)
        self._splitter("plates_width", window[2] - right if right else 0, -1, window[2], height)
        if state.open_dialog_open:
            self._open_dialog.draw(context, window)
        else:
            self._open_dialog.just_opened = True
        if state.goto_dialog_open and state.kind == FOLDER:
            self._goto_dialog.draw(context, window)
        else:
            self._goto_dialog.just_opened = True
        if state.summary_open and state.kind == FOLDER:
            self._summary.draw(context, window)
        self._place_dialog.draw(context, window)
        if state.run_open:
            self._training.draw(context, window)
        if state.help_open:
            help_window(context, window)
        context_menu(context, window)

    def _side_width(self, name: str, window: float) -> float:
        """The width of a side panel: as the user has made it, else in proportion to the window."""
        unit, width = self.context.ui.unit, float(getattr(self.context.program.state.settings, name))
        if width == getattr(DEFAULTS, name):
            share, maximum = GROWTH[name]
            width = min(width + share * max(0.0, window / unit - SMALL_WINDOW), maximum)
        return width * unit

    def _side(self, rect: Rect) -> None:
        """The tabs with the plates and the settings."""
        ui, context = self.context.ui, self.context
        with ui.area("side", rect, ui.theme.panel), ui.tabs("side tabs"):
            with ui.tab(tr("Plates")) as shown:
                if shown:
                    with ui.child("plates"):
                        self._plates.draw(context)
            with ui.tab(tr("Settings")) as shown:
                if shown:
                    with ui.child("controls"):
                        settings_panel(context)

    def _splitter(self, name: str, x: float, direction: int, window: float, height: float) -> None:
        """A line that can be dragged to resize a side panel."""
        if not x:
            return
        ui, state = self.context.ui, self.context.program.state
        width = SPLITTER * ui.unit
        with ui.area(f"splitter {name}", (x - width / 2, 0, width, height), ui.theme.clear, padding=0, on_top=True):
            hit = ui.hit(name, width, height)
            if hit.hovered or hit.held:
                ui.drag_cursor("across")
                ui.painter.fill((x - 1, 0, 2, height), ui.theme.accent)
            if hit.held and ui.mouse.delta[0]:
                low, high = LIMITS[name]
                wanted = self._side_width(name, window) / ui.unit + direction * ui.mouse.delta[0] / ui.unit
                state.change(**{name: min(max(wanted, low), high)})
