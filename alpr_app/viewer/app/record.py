"""The result of one picture of a folder, compared with its labels."""

from __future__ import annotations

from dataclasses import dataclass, replace

from alpr_app.core.plate import Plate
from alpr_app.evaluation.ground_truth import GroundTruth, PlateComparison, compare, ground_truth_of, match_plates
from alpr_app.evaluation.outcomes import MISSED, UNREADABLE, Match, Matching
from alpr_app.viewer.workers.label_tables import Labels
from alpr_app.viewer.workers.recogniser import Recognition


@dataclass(frozen=True, eq=False)
class Record:
    """The result of one picture and its comparison with the labels.

    Attributes:
        recognition: The result.
        ground_truth: The labels, in the spelling of the reader; None if the picture has none.
        comparisons: One per recognised plate; empty without labels.
    """

    recognition: Recognition
    ground_truth: GroundTruth | None
    comparisons: tuple[PlateComparison, ...]

    @property
    def counts(self) -> bool:
        """Whether it counts in the totals: the picture is labelled and could be read."""
        return self.ground_truth is not None and not self.recognition.error

    def matching(self, score: float, confidence: float) -> Matching | None:
        """The outcomes of labels and plates with these thresholds; None if the picture does not count."""
        truth = self.ground_truth
        if truth is None or self.recognition.error:
            return None
        return match_plates(self.comparisons, score, confidence, len(truth.labels), truth.placed)

    def picture_outcome(self, score: float, confidence: float) -> str:
        """One of OUTCOMES with these thresholds; empty if the picture could be read and has no label."""
        if self.recognition.error:
            return UNREADABLE
        matching = self.matching(score, confidence)
        return matching.outcome if matching is not None else ""

    def plate_match(self, plate: Plate, score: float, confidence: float) -> Match | None:
        """The outcome of one of the recognition's plates; None if the picture does not count."""
        matching = self.matching(score, confidence)
        if matching is None:
            return None
        pairs = zip(self.recognition.plates, matching.plates, strict=True)
        return next((match for other, match in pairs if other is plate), None)

    @property
    def lacks_crops(self) -> bool:
        """Whether crops of plates have been dropped."""
        return any(not plate.crop.size for plate in self.recognition.plates)

    def without_crops(self) -> Record:
        """The same record without crops, which take most of the memory."""
        # The comparisons stay valid, plate by plate.
        return replace(self, recognition=self.recognition.without_crops())

    def missed(self, score: float, confidence: float) -> list[str]:
        """Texts of the labelled plates that were not found."""
        matching = self.matching(score, confidence)
        if matching is None or self.ground_truth is None:
            return []
        pairs = zip(self.ground_truth.labels, matching.labels, strict=True)
        return [label.text for label, outcome in pairs if outcome == MISSED]


def make_record(labels: Labels, name: str, recognition: Recognition) -> Record:
    """Compare a result with the labels of its picture, from `labels` or from its name."""
    truth = ground_truth(labels, name)
    truth = truth.spelled(recognition.alphabet) if truth is not None else None
    return Record(recognition, truth, compare(truth, recognition.plates) if truth is not None else ())


def ground_truth(labels: Labels, name: str) -> GroundTruth | None:
    """The labels of a picture as they are written: from tables, else from its name."""
    # A table decides about a picture even if it says that nothing is known.
    return labels.ground_truth(name) if name in labels else ground_truth_of(name)
