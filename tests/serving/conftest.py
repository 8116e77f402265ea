"""The service with the small models, in this process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from services import running


@pytest.fixture(scope="session", autouse=True)
def packages_of_the_service() -> None:
    for package in ("fastapi", "uvicorn", "python_multipart", "prometheus_client"):
        pytest.importorskip(package, reason="needs the extra 'serve'")


@pytest.fixture(scope="module")
def service(small_alpr: Any) -> Any:
    from alpr_app.serving.application import Service

    return Service(small_alpr, workers=2)


@pytest.fixture(scope="module")
def address(service: Any) -> Iterator[str]:
    with running(service) as address:
        yield address
