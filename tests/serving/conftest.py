"""The service with the small models, in this process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(scope="module")
def service(small_alpr: Any) -> Any:
    from alpr_app.serving.application import Service

    return Service(small_alpr, workers=2)


@pytest.fixture(scope="module")
def address(service: Any) -> Iterator[str]:
    from services import running

    with running(service) as address:
        yield address
