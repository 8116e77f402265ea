"""What the service counts, for Prometheus."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

# The time at which each counter began would double the text.
disable_created_metrics()  # type: ignore[no-untyped-call]

CONTENT_TYPE = CONTENT_TYPE_LATEST
# Seconds; reading takes hundredths, a full queue seconds.
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class ServiceMetrics:
    """Counters of one service.

    Attributes:
        requests: By path and HTTP status; other paths than the service's count as `other`.
        seconds: Duration of the requests that send pictures, by path.
        batch: Pictures read at once.
        calls: Pictures read so far.
    """

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        self.requests = Counter("alpr_requests", "Requests", ["path", "status"], registry=self._registry)
        self.seconds = Histogram(
            "alpr_request_seconds",
            "Duration of requests with pictures",
            ["path"],
            registry=self._registry,
            buckets=_BUCKETS,
        )
        self.calls = 0
        self._pictures = Counter("alpr_pictures", "Pictures read", registry=self._registry)
        self._plates = Counter("alpr_plates", "Plates found", registry=self._registry)
        self.batch = Histogram(
            "alpr_batch_pictures", "Pictures read at once", registry=self._registry, buckets=(1, 2, 4, 8, 16, 32)
        )
        self._waiting = Gauge("alpr_waiting_pictures", "Pictures in the queue", registry=self._registry)

    def count_picture(self, plates: int) -> None:
        """Count a picture and its plates."""
        self.calls += 1
        self._pictures.inc()
        self._plates.inc(plates)

    def watch_queue(self, waiting: Callable[[], int]) -> None:
        """Report the length of the queue from now on."""
        self._waiting.set_function(waiting)

    def text(self) -> bytes:
        """Return all figures in Prometheus' text format."""
        return generate_latest(self._registry)
