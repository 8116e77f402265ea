"""The shape of a network with fields that options name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar

from alpr_app.core.errors import UsageError

Config = TypeVar("Config")


def with_fields(config: Config, fields: dict[str, Any]) -> Config:
    """`config` with these fields otherwise. Raises UsageError if there can be no such network."""
    try:
        return replace(config, **fields)
    except ValueError as error:
        raise UsageError(str(error)) from error
