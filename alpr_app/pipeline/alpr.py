"""The pipeline: letterbox -> detect -> decode -> refine small plates -> rectify every plate -> read all in one batch
-> Plates."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, astuple, replace
from operator import add
from pathlib import Path
from time import perf_counter

import numpy as np

from alpr_app import __version__
from alpr_app.core.geometry import corners_to_box
from alpr_app.core.plate import Plate, reads_chinese
from alpr_app.core.plate_kinds import check_format, kind_of, plausibility
from alpr_app.core.result import STAGES, Result, Timings
from alpr_app.networks.bundle import open_bundle
from alpr_app.networks.detector.config import DetectorConfig
from alpr_app.networks.detector.postprocess import Detection
from alpr_app.networks.reader.config import ReaderConfig
from alpr_app.networks.reader.postprocess import Reading
from alpr_app.pipeline.contrast import AMPLE_PICTURE, stretched
from alpr_app.pipeline.field_colour import seen_colour
from alpr_app.pipeline.options import TILE_CHOICES
from alpr_app.pipeline.plate_detector import CLOSER_CANVAS, DETECTOR_BATCH, SURE, PlateDetector
from alpr_app.pipeline.plate_recognizer import PlateCrop, PlateCrops, PlateRecognizer
from alpr_app.pipeline.tiles import View, choose_tiles, merge
from alpr_app.runtime.backends import make_engine
from alpr_app.runtime.engine import chunks, stack

# Weight of the reader in the score: signs look like plates to the detector but do not read like them.
CONFIDENCE_SHARE = 0.7
# A picture of low contrast without a plate of this score is read again with its contrast stretched, and the surer
# reading counts.
SURE_PICTURE = 0.75


class ALPR:
    """Finds and reads licence plates. One object serves any number of threads.

    Args:
        detector, reader: Path of a bundle; None for the shipped one.
        device: auto, cpu, cuda or mps.
        backend: auto, torch, onnx, onnx-int8, openvino or openvino-bf16.
        threads: Threads of the networks; None leaves the choice to the backend.
        score: Plates below it are left out, 0 to 1. The score is the weighted mean of the confidences of detector and
            reader. What is found with one value is found with every lower one.
        reader_config: The reader's JSON, if it is not beside its weights.
        tiles: auto: pictures much larger than the detector's input are also searched in overlapping tiles, for small
            plates (`pipeline.tiles`); off: whole only.

    Raises:
        BundleError: A model is missing or damaged.
        EngineError: The device or backend is not available.
        ValueError: `score` or `threads` is out of range, or `tiles` is neither auto nor off.
    """

    def __init__(
        self,
        detector: Path | str | None = None,
        reader: Path | str | None = None,
        device: str = "auto",
        backend: str = "auto",
        threads: int | None = None,
        score: float = 0.5,
        *,
        reader_config: Path | str | None = None,
        tiles: str = "off",
    ) -> None:
        if not 0 <= score <= 1:
            raise ValueError(f"score must be between 0 and 1, not {score}")
        if tiles not in TILE_CHOICES:
            raise ValueError(f"tiles must be one of {', '.join(TILE_CHOICES)}, not {tiles!r}")
        self.score, self.tiles = score, tiles
        detector_bundle = open_bundle("detector", detector)
        reader_bundle = open_bundle("reader", reader, reader_config)
        self.detector_info, self.reader_info = detector_bundle.info, reader_bundle.info
        found, read = detector_bundle.config, reader_bundle.config
        assert isinstance(found, DetectorConfig) and isinstance(read, ReaderConfig)
        self.detector_config, self.reader_config = found, read
        self.detect = make_engine(detector_bundle, device, backend, threads)
        self.recognise = make_engine(reader_bundle, device, backend, threads)
        self.plate_detector = PlateDetector(self.detect)
        self.plate_recognizer = PlateRecognizer(self.recognise, self.reader_config)
        self._models_digest = self._digest_of_models()
        self._warm_up()

    def _digest_of_models(self) -> str:
        """Hash of weights, configurations and program version: everything but the engines."""
        infos = (self.detector_info, self.reader_info)
        parts = (
            *(__version__, *(info.sha256 for info in infos), *(info.int8.get("sha256") for info in infos)),
            *(asdict(config) for config in (self.detector_config, self.reader_config)),
        )
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    @property
    def identity(self) -> str:
        """Identifies everything that decides how a picture is read: models, program version, backend, device, score and
        tiles. It changes when another engine takes over. The number of threads is not part of it."""
        engines = f"{self.detect.backend} {self.recognise.backend} {self.detect.device} {self.recognise.device}"
        # Without tiles it is what it was before there were any, so that stored results stay valid.
        tiles = "" if self.tiles == "off" else f" tiles {self.tiles}"
        return f"{self._models_digest} {engines} {self.score}{tiles}"

    @property
    def backend(self) -> str:
        """The backend in use, such as torch or onnx."""
        return self.detect.backend

    @property
    def device(self) -> str:
        """The device in use: cpu, cuda or mps."""
        return self.detect.device

    def read(self, image: np.ndarray) -> list[Plate]:
        """Read the plates in a picture.

        Args:
            image: H x W x 3 uint8 RGB; it is not changed.

        Returns:
            The plates, best score first.

        Raises:
            TypeError, ValueError: `image` is not such an array.
        """
        return self.analyse(image).plates

    def read_batch(self, images: Sequence[np.ndarray]) -> list[list[Plate]]:
        """Read many pictures of any sizes: one list of plates per picture, in their order."""
        return [result.plates for result in self.analyse_batch(images)]

    def read_crops(self, crops: Sequence[np.ndarray]) -> list[Plate]:
        """Read pictures (H x W x 3 uint8 RGB) that are themselves plates: one Plate each.

        The detector is not used: the score is 1, and box and corners are those of the picture.
        """
        for crop in crops:
            check_image(crop)
        return self._read_crops([self.plate_recognizer.crops_of_picture(crop) for crop in crops])

    def read_at(self, image: np.ndarray, corners: Sequence[np.ndarray]) -> list[Plate]:
        """Read the plates at given `corners` of `image`, each (4, 2) in the order of `Plate.corners`: one Plate each,
        with a score of 1."""
        check_image(image)
        return self._read_crops(
            [self.plate_recognizer.crops_of(image, np.asarray(points, np.float32)) for points in corners]
        )

    def _read_crops(self, plates: list[PlateCrops]) -> list[Plate]:
        found = [Detection(1.0, corners_to_box(plate.corners), plate.corners) for plate in plates]
        read = self.plate_recognizer.read(plates)
        return [self._plate(detection, *reading, score=1.0) for detection, reading in zip(found, read, strict=True)]

    def analyse(self, image: np.ndarray) -> Result:
        """Read the plates in a picture, and time each stage."""
        return self.analyse_batch([image])[0]

    def analyse_batch(self, images: Sequence[np.ndarray]) -> list[Result]:
        """Read many pictures, and time each stage; each picture of a batch is given its share of the time."""
        for image in images:
            check_image(image)
        results = self._analyse(images)
        clearer = {
            index: better
            for index, result in enumerate(results)
            if _best_score(result) < SURE_PICTURE and (better := stretched(images[index], AMPLE_PICTURE)) is not None
        }
        for index, again in zip(clearer, self._analyse(list(clearer.values())), strict=True):
            before = results[index]
            timings = Timings(*map(add, astuple(before.timings), astuple(again.timings)))
            results[index] = replace(max(before, again, key=_best_score), timings=timings)
        return [replace(result, plates=self._kept(result.plates)) for result in results]

    def _analyse(self, images: Sequence[np.ndarray]) -> list[Result]:
        """Read pictures once, with plates of any score."""
        long_side = self.detector_config.long_side
        results: dict[int, Result] = {}
        by_canvas: dict[tuple[int, int], list[tuple[int, View]]] = defaultdict(list)
        for index, image in enumerate(images):
            view = View.of(image, long_side)
            height, width = image.shape[:2]
            levels = choose_tiles(height, width, long_side) if self.tiles == "auto" else []
            if levels:
                tiles = [View.of(image, long_side, tile) for level in levels for tile in level]
                results[index] = self._analyse_tiled(image, [view, *tiles])
            else:
                by_canvas[view.letterbox.canvas].append((index, view))
        for same_canvas in by_canvas.values():
            for chosen in chunks(same_canvas, DETECTOR_BATCH):
                clock = StageClock()
                views = [view for _, view in chosen]
                found = self._find(views, clock)
                read = self._read([view.picture for view in views], found, clock)
                results.update(zip((index for index, _ in chosen), read, strict=True))
        return [results[index] for index in range(len(images))]

    def _analyse_tiled(self, image: np.ndarray, views: list[View]) -> Result:
        """Read one picture from several views of it."""
        clock = StageClock()
        by_canvas: dict[tuple[int, int], list[View]] = defaultdict(list)
        for view in views:
            by_canvas[view.letterbox.canvas].append(view)
        found: list[Detection] = []
        for same_canvas in by_canvas.values():
            for chosen in chunks(same_canvas, DETECTOR_BATCH):
                for plates in self._find(chosen, clock):
                    found += plates
        (result,) = self._read([image], [merge(found)], clock)
        return result

    def _find(self, views: Sequence[View], clock: StageClock) -> list[list[Detection]]:
        """Find the plates of views whose letterboxes have the same canvas, in pixels of their pictures."""
        canvases = stack([view.letterbox.apply(view.part) for view in views])
        clock.ends("letterbox")
        (outputs,) = self.detect(canvases)
        clock.ends("detector")
        found = [
            view.in_picture(self.plate_detector.decode(view.part, view.letterbox, output))
            for view, output in zip(views, outputs, strict=True)
        ]
        clock.ends("decode")
        refined = [
            self.plate_detector.refine_small_plates(view.picture, view.letterbox, plates)
            for view, plates in zip(views, found, strict=True)
        ]
        clock.ends("closer")
        return refined

    def _read(self, images: Sequence[np.ndarray], detections: list[list[Detection]], clock: StageClock) -> list[Result]:
        """Read the plates found in each of `images`, which share the time of `clock`."""
        crops = [
            self.plate_recognizer.crops_of(image, detection.corners, once=detection.score < SURE)
            for image, found in zip(images, detections, strict=True)
            for detection in found
        ]
        clock.ends("rectify")
        read = iter(self.plate_recognizer.read(crops))
        clock.ends("reader")
        timings = clock.timings(len(images))
        return [
            Result(
                sorted((self._plate(detection, *next(read)) for detection in found), key=lambda plate: -plate.score),
                timings,
            )
            for found in detections
        ]

    def _kept(self, plates: list[Plate]) -> list[Plate]:
        """Return the plates that reach the score."""
        return [plate for plate in plates if plate.score >= self.score]

    def _plate(self, detection: Detection, reading: Reading, crop: PlateCrop, score: float | None = None) -> Plate:
        """Make the Plate. score: given for plates that were not detected."""
        alphabet = self.reader_config.alphabet
        colour = seen_colour(crop.image, reading.colour) if reads_chinese(alphabet) else reading.colour
        fits = check_format(reading.text, colour, alphabet, crop.rows)
        left, top, right, bottom = map(float, detection.box)
        return Plate(
            text=reading.text,
            confidence=reading.confidence,
            characters=reading.characters,
            alternatives=reading.alternatives,
            colour=colour,
            score=_score(detection, reading, fits) if score is None else score,
            box=(left, top, right, bottom),
            corners=tuple((float(x), float(y)) for x, y in detection.corners),
            crop=crop.image,
            fits_format=fits,
            kind=kind_of(reading.text, colour, crop.rows) if fits else None,
        )

    def _warm_up(self) -> None:
        """Run the networks once: a first call takes several times as long as later ones."""
        side = self.detector_config.long_side
        for height, width in ((side, side), CLOSER_CANVAS):
            self.detect(np.zeros((1, height, width, 3), np.uint8))
        blank = np.zeros((self.reader_config.img_height, self.reader_config.img_width, 3), np.uint8)
        self.plate_recognizer.read_crops([blank])


class StageClock:
    """Adds up the time of each stage; each lasts from the end of the one before."""

    def __init__(self) -> None:
        self._seconds = dict.fromkeys(STAGES, 0.0)
        self._last = perf_counter()

    def ends(self, stage: str) -> None:
        """Count the time since the last stage ended for this one."""
        now = perf_counter()
        self._seconds[stage] += now - self._last
        self._last = now

    def timings(self, pictures: int) -> Timings:
        """Return each picture's share of the time."""
        return Timings(*(1000 / pictures * seconds for seconds in self._seconds.values()))


def _score(detection: Detection, reading: Reading, issued: bool | None) -> float:
    """Return the score of a plate; `issued` as in `plausibility`."""
    legible = reading.confidence * plausibility(reading.text, issued)
    return CONFIDENCE_SHARE * legible + (1 - CONFIDENCE_SHARE) * detection.score


def _best_score(result: Result) -> float:
    return result.plates[0].score if result.plates else 0.0


def check_image(image: np.ndarray) -> None:
    """Raise TypeError or ValueError unless `image` is H x W x 3 uint8 with at least one pixel."""
    if not isinstance(image, np.ndarray):
        raise TypeError(f"a picture must be a numpy array of H x W x 3 uint8 RGB, not {type(image).__name__}")
    if image.dtype != np.uint8:
        raise TypeError(f"a picture must be uint8, from 0 to 255, not {image.dtype}")
    if image.ndim == 2:
        raise ValueError("a picture must be H x W x 3 RGB; this one is grey: cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)")
    if image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"a picture must be H x W x 3 RGB, not of shape {image.shape}")
    if not image.size:
        raise ValueError(f"a picture must have at least one pixel, not the shape {image.shape}")
