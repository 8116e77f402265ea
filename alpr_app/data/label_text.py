"""Label texts normalised to a reader's alphabet."""

from __future__ import annotations

import unicodedata
from dataclasses import replace

from alpr_app.data.label_csv import LabelError
from alpr_app.data.labels import DataFolder, LabelledPicture, LabelledPlate, Refuse

# Separators between the parts of a plate, which are not read: dots of all kinds, dashes.
_BETWEEN = set("·•・‧∙⋅●｡.-–—‐‑−_")


def spelled(text: str, alphabet: str) -> str | None:
    """Normalise `text` to the characters of `alphabet`; None if it has others, or is empty."""
    known = set(alphabet)
    if not known.issuperset(text):
        text = "".join(_spelled(character, known) for character in text)
    return text if text and known.issuperset(text) else None


def _spelled(character: str, known: set[str]) -> str:
    """Return a character itself, its plain form or its capital; an empty text for separators."""
    if character in known:
        return character
    plain = unicodedata.normalize("NFKC", character)
    if character in _BETWEEN or plain.isspace() or plain in _BETWEEN:
        return ""
    return next((form for form in (plain, plain.upper()) if known.issuperset(form)), character)


def spell_labels(data: DataFolder, alphabet: str, refuse: Refuse) -> DataFolder:
    """Normalise every text of a data folder to the characters of `alphabet`. Texts for which that is impossible are
    left out, and `refuse` receives an error for each."""

    def spell(path: object, text: str) -> str | None:
        found = spelled(text, alphabet)
        if found is None:
            strange = "".join(dict.fromkeys(character for character in text if character not in alphabet))
            message = f"the label '{text}' holds '{strange}', which the reader cannot spell; correct it"
            refuse(LabelError(f"{path}: {message}"))
        return found

    def plate(path: object, labelled: LabelledPlate) -> LabelledPlate:
        return labelled if labelled.text is None else replace(labelled, text=spell(path, labelled.text))

    def picture(labelled: LabelledPicture) -> LabelledPicture:
        stated = labelled.stated and spell(labelled.path, labelled.stated)
        return replace(labelled, plates=tuple(plate(labelled.path, each) for each in labelled.plates), stated=stated)

    pictures = tuple(map(picture, data.pictures))
    crops = ((crop, spell(crop.path, crop.text)) for crop in data.crops)
    spelled_crops = tuple(replace(crop, text=text) for crop, text in crops if text)
    return replace(data, pictures=pictures, crops=spelled_crops)
