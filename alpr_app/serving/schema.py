"""The shapes of the answers, for the OpenAPI description. Answers are not passed through these models."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class ErrorAnswer(BaseModel):
    """Any request that was not carried out."""

    error: str = Field(
        description="One sentence: what is wrong, and the remedy", examples=["the picture: not a picture"]
    )


class PlateAnswer(BaseModel):
    """One plate."""

    text: str = Field(description="Without dots and spaces; empty if no character was read", examples=["皖A12345"])
    confidence: float = Field(description="That of the least certain character, 0 to 1")
    characters: list[float] = Field(description="Confidence of each character")
    alternatives: list[list[Any]] = Field(description="Second guess for each character, with its confidence")
    colour: str
    fits_format: bool | None = Field(description="Whether such a text is issued in this colour and layout")
    kind: str | None = Field(description="What the plate is for: standard, new_energy, police and so on")
    score: float = Field(description="How certain it is that this is a plate, 0 to 1")
    box: list[float] = Field(description="Left, top, right, bottom in pixels")
    corners: list[list[float]] = Field(description="Four points, clockwise from the top left of the plate as it reads")


class Durations(BaseModel):
    """Milliseconds."""

    detect: float
    read: float


class ReadAnswer(BaseModel):
    """The plates of one picture; the same as a line of `alpr read --out F.jsonl`."""

    file: str = Field(description="The name that the client gave the file, or empty")
    width: int
    height: int
    plates: list[PlateAnswer] = Field(description="Best score first")
    ms: Durations


class Box(BaseModel):
    """Pixels of the picture."""

    xmin: int
    ymin: int
    xmax: int
    ymax: int


class Candidate(BaseModel):
    """One way to read the plate."""

    score: float
    plate: str


class Region(BaseModel):
    """Where the plate is from: cn, hk or mo; unknown with a reader for other plates."""

    code: str
    score: float


class Vehicle(BaseModel):
    """Always Unknown: vehicles are not looked for."""

    score: float
    type: str
    box: Box


class PlateReaderResult(BaseModel):
    """One plate."""

    model_config = ConfigDict(protected_namespaces=())

    box: Box
    plate: str = Field(description="In lower case")
    region: Region
    score: float = Field(description="Confidence of the text")
    candidates: list[Candidate] = Field(description="The text and its likeliest variants, best first")
    dscore: float = Field(description="How certain it is that this is a plate")
    vehicle: Vehicle
    model_make: list[Any]
    color: list[Any]
    orientation: list[Any]


class Usage(BaseModel):
    """Pictures read so far, and a number that is never reached."""

    calls: int
    max_calls: int


class PlateReaderAnswer(BaseModel):
    """The plates of one picture, in the shape of Plate Recognizer's Snapshot API."""

    processing_time: float = Field(description="Milliseconds")
    results: list[PlateReaderResult]
    filename: str
    version: int
    camera_id: str | None
    timestamp: str
    image_width: int
    image_height: int
    usage: Usage
