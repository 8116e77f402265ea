"""Labels as a reader spells them. People write a plate as it looks, 皖A·12345, or as their keyboard does, 皖a12345;
both are 皖A12345. What a reader has no character for cannot be measured with it, and is no mistake of its own."""

from __future__ import annotations

import unicodedata
from dataclasses import replace

from alpr_app.labels import DataFolder, LabelError, LabelledPicture, LabelledPlate, Refuse

# What stands between the parts of a plate and is not read: dots of all kinds, dashes.
_BETWEEN = set("·•・‧∙⋅●｡.-–—‐‑−_")


def spelled(text: str, alphabet: str) -> str | None:
    """`text` in the characters of `alphabet`; None if it has others, or none at all."""
    known = set(alphabet)
    if not known.issuperset(text):
        text = "".join(_spelled(character, known) for character in text)
    return text if text and known.issuperset(text) else None


def _spelled(character: str, known: set[str]) -> str:
    """A character as it is, as its plain form, or as a capital; nothing for one that only separates."""
    if character in known:
        return character
    plain = unicodedata.normalize("NFKC", character)
    if character in _BETWEEN or plain.isspace() or plain in _BETWEEN:
        return ""
    return next((form for form in (plain, plain.upper()) if known.issuperset(form)), character)


def spell_labels(data: DataFolder, alphabet: str, refuse: Refuse) -> DataFolder:
    """The same data with every text in the characters of `alphabet`. Texts for which that is impossible are left out,
    and `refuse` is told of each."""

    def spell(path: object, text: str) -> str | None:
        found = spelled(text, alphabet)
        if found is None:
            strange = "".join(dict.fromkeys(character for character in text if character not in alphabet))
            said = f"the label '{text}' holds '{strange}', which the reader cannot spell; correct it"
            refuse(LabelError(f"{path}: {said}"))
        return found

    def plate(path: object, labelled: LabelledPlate) -> LabelledPlate:
        return labelled if labelled.text is None else replace(labelled, text=spell(path, labelled.text))

    def picture(labelled: LabelledPicture) -> LabelledPicture:
        stated = labelled.stated and spell(labelled.path, labelled.stated)
        return replace(labelled, plates=tuple(plate(labelled.path, each) for each in labelled.plates), stated=stated)

    pictures = tuple(map(picture, data.pictures))
    crops = ((crop, spell(crop.path, crop.text)) for crop in data.crops)
    return DataFolder(pictures, tuple(replace(crop, text=text) for crop, text in crops if text), data.negatives)
