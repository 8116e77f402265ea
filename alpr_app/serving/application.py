"""The routes of the service."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.exceptions import HTTPException

from alpr_app import __version__
from alpr_app.core.errors import AlprError
from alpr_app.core.plate import reads_chinese
from alpr_app.data.assets import FONT
from alpr_app.data.frame import Frame
from alpr_app.data.images import PictureError
from alpr_app.data.result_writers import FileResult
from alpr_app.serving.batcher import Batcher, Late, Overloaded, Reading
from alpr_app.serving.gate import Gate
from alpr_app.serving.limits import RETRY_SECONDS, BodyMemory, Refused, ServiceLimits, read_body
from alpr_app.serving.metrics import CONTENT_TYPE, ServiceMetrics
from alpr_app.serving.pictures import PictureDecoder
from alpr_app.serving.plate_reader_shape import plate_reader_answer
from alpr_app.serving.reference_page import reference_page
from alpr_app.serving.schema import ErrorAnswer, PlateReaderAnswer, ReadAnswer
from alpr_app.serving.uploads import PICTURE_FIELD, Upload, parse_upload

if TYPE_CHECKING:
    import numpy as np

    from alpr_app.pipeline.alpr import ALPR

_log = logging.getLogger(__name__)

READ, PLATE_READER = "/v1/read", "/v1/plate-reader/"
PAGE = Path(__file__).with_name("page") / "index.html"
_DESCRIPTION = "Finds licence plates in pictures and reads them. Errors are JSON with one sentence under 'error'."
_FILE = {"type": "string", "format": "binary", "description": "the picture's file, or its base64 text"}
_FORM = {"type": "object", "properties": {PICTURE_FIELD: _FILE}, "required": [PICTURE_FIELD]}
_PLATE_READER_FORM = {
    "type": "object",
    "properties": {
        PICTURE_FIELD: _FILE,
        "camera_id": {"type": "string", "description": "repeated in the answer"},
        "timestamp": {"type": "string", "description": "repeated in the answer"},
        **{name: {"type": "string", "description": "accepted and ignored"} for name in ("regions", "mmc", "config")},
    },
    "required": [PICTURE_FIELD],
}
_RAW = {"schema": {"type": "string", "format": "binary", "description": "the picture's file"}}
_ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"model": ErrorAnswer, "description": "No picture, or one that cannot be read"},
    401: {"model": ErrorAnswer, "description": "The token is missing or wrong"},
    408: {"model": ErrorAnswer, "description": "The body came too slowly"},
    413: {"model": ErrorAnswer, "description": "The body or the picture is too large"},
    503: {"model": ErrorAnswer, "description": "Overloaded; the header Retry-After says when to try again"},
}


@dataclass(frozen=True)
class Service:
    """Everything that the routes need.

    Attributes:
        alpr: The pipeline.
        workers, maximum_batch, queue: See `Batcher`.
        limits: Limits of one request.
        token: Required of clients; None for none.
        confidence: Readings below it are left out.
    """

    alpr: ALPR
    workers: int = 1
    maximum_batch: int = 1
    queue: int = 64
    limits: ServiceLimits = field(default_factory=ServiceLimits)
    token: str | None = None
    confidence: float = 0.0
    metrics: ServiceMetrics = field(default_factory=ServiceMetrics)
    memory: BodyMemory = field(default_factory=BodyMemory)

    @cached_property
    def batcher(self) -> Batcher:
        """The worker threads, which start with the first use."""
        batcher = Batcher(self.alpr, self.workers, self.maximum_batch, self.queue, self.metrics.batch.observe)
        self.metrics.watch_queue(lambda: batcher.waiting)
        return batcher

    @cached_property
    def decode(self) -> Callable[[bytes], np.ndarray]:
        """Decodes pictures within the limits."""
        return PictureDecoder(self.limits.pixels)

    async def read(self, request: Request) -> tuple[Reading, Upload]:
        """Read the picture in a request. Raises Refused, Overloaded, Late, or AlprError for the picture."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self.limits.seconds
        if self.batcher.is_full:
            raise Overloaded("too many pictures are waiting; try again later")
        uploads: list[Upload] = []
        with self.memory.lease() as lease:
            body = await read_body(request, self.limits.body_bytes, until, lease)

            def load() -> np.ndarray:
                # In a worker thread: forms and pictures take time to decode.
                upload = parse_upload(body, request.headers.get("content-type", ""))
                uploads.append(replace(upload, content=b""))
                return self.decode(upload.content)

            answer = self.batcher.submit(load, monotonic() + until - loop.time())
            try:
                async with asyncio.timeout_at(until):
                    reading = await asyncio.wrap_future(answer)
            except TimeoutError:
                raise Late("the picture was not read in time; try again later") from None
        plates = [plate for plate in reading.result.plates if plate.confidence >= self.confidence]
        self.metrics.count_picture(len(plates))
        return replace(reading, result=replace(reading.result, plates=plates)), uploads[0]


def make_application(service: Service) -> FastAPI:
    """Make the ASGI application of a service."""
    application = FastAPI(
        title="alpr",
        version=__version__,
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    _add_reading(application, service)
    _add_pages(application)
    _add_state(application, service)
    _add_errors(application)
    paths = frozenset(application.openapi()["paths"]) | {"/", "/docs", "/font", "/openapi.json"}
    application.add_middleware(
        Gate,
        token=service.token,
        metrics=service.metrics,
        measured=frozenset({READ, PLATE_READER, PLATE_READER.rstrip("/")}),
        known=paths | {PLATE_READER.rstrip("/")},
    )
    return application


def _body(form: dict[str, Any], *raw: str) -> dict[str, Any]:
    """Return the OpenAPI description of a body."""
    forms = {"multipart/form-data": {"schema": form}, "application/json": {"schema": form}}
    return {"requestBody": {"required": True, "content": {**dict.fromkeys(raw, _RAW), **forms}}}


def _add_reading(application: FastAPI, service: Service) -> None:
    @application.post(READ, responses={200: {"model": ReadAnswer}, **_ERRORS}, openapi_extra=_body(_FORM, "image/*"))
    async def read(request: Request) -> Response:
        """Read the plates in a picture: send its file as the body."""
        reading, upload = await service.read(request)
        return JSONResponse(FileResult(Frame(upload.name or "", ""), reading.size, reading.result).to_dict())

    async def plate_reader(request: Request) -> Response:
        """Read the plates in a picture, for clients of Plate Recognizer's Snapshot API."""
        started = monotonic()
        reading, upload = await service.read(request)
        chinese = reads_chinese(service.alpr.reader_config.alphabet)
        milliseconds = 1000 * (monotonic() - started)
        return JSONResponse(plate_reader_answer(reading, upload, milliseconds, chinese, service.metrics.calls))

    responses: dict[int | str, dict[str, Any]] = {200: {"model": PlateReaderAnswer}, **_ERRORS}
    application.post(PLATE_READER, responses=responses, openapi_extra=_body(_PLATE_READER_FORM))(plate_reader)
    # Some clients leave the last slash out.
    application.post(PLATE_READER.rstrip("/"), include_in_schema=False)(plate_reader)


def _add_pages(application: FastAPI) -> None:
    page = PAGE.read_text(encoding="utf-8")
    policy = content_policy(page)

    @application.get("/", include_in_schema=False)
    async def index() -> Response:
        return HTMLResponse(page, headers={"Content-Security-Policy": policy})

    @application.get("/font", include_in_schema=False)
    async def font() -> Response:
        return FileResponse(FONT, media_type="font/ttf", headers={"Cache-Control": "max-age=86400"})

    @application.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        text = reference_page(application.openapi())
        return HTMLResponse(text, headers={"Content-Security-Policy": content_policy(text)})


def content_policy(page: str) -> str:
    """Return a Content-Security-Policy that allows the scripts and styles in a page, and requests to its server."""
    hashes = {
        name: " ".join(
            f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
            for text in re.findall(rf"<{name}>(.*?)</{name}>", page, re.DOTALL)
        )
        for name in ("script", "style")
    }
    return (
        f"default-src 'none'; script-src {hashes['script'] or repr('none')}; style-src {hashes['style']}; "
        "connect-src 'self'; font-src 'self'; img-src blob: data:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )


def _add_state(application: FastAPI, service: Service) -> None:
    @application.get("/healthz", response_class=PlainTextResponse)
    async def healthz() -> Response:
        """Whether the process answers at all."""
        return PlainTextResponse("ok")

    @application.get("/readyz", response_class=PlainTextResponse, responses={503: {"description": "Not ready"}})
    async def readyz() -> Response:
        """Whether pictures are being read."""
        if service.batcher.is_alive:
            return PlainTextResponse("ok")
        return PlainTextResponse("not ready", status_code=503)

    @application.get("/metrics", response_class=PlainTextResponse, responses={401: _ERRORS[401]})
    async def metrics() -> Response:
        """Figures for Prometheus."""
        return Response(service.metrics.text(), media_type=CONTENT_TYPE)


def _add_errors(application: FastAPI) -> None:
    async def refused(request: Request, error: Exception) -> Response:
        status = status_of(error)
        if status == 500:
            _log.error("%s", error)
        headers = {"Retry-After": str(RETRY_SECONDS)} if status == 503 else {}
        if status in (408, 413):
            # The rest of the body is not wanted.
            headers["Connection"] = "close"
        return JSONResponse({"error": str(error)}, status, headers)

    async def unknown(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        sentences = {
            404: f"there is nothing at {request.url.path}; see /docs",
            405: f"{request.url.path} does not take {request.method}; see /docs",
        }
        sentence = sentences.get(error.status_code, str(error.detail))
        return JSONResponse({"error": sentence}, error.status_code, error.headers)

    async def failed(request: Request, error: Exception) -> Response:
        return JSONResponse({"error": "the service failed; its log says why"}, 500)

    application.add_exception_handler(AlprError, refused)
    application.add_exception_handler(HTTPException, unknown)
    application.add_exception_handler(Exception, failed)


def status_of(error: Exception) -> int:
    """Return the HTTP status for an error of this program."""
    if isinstance(error, Refused):
        return error.status
    if isinstance(error, Overloaded | Late):
        return 503
    return 400 if isinstance(error, PictureError) else 500
