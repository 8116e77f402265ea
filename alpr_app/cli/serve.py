"""`alpr serve`: read pictures that programs and browsers send over HTTP."""

from __future__ import annotations

import argparse
import logging
import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from alpr_app.core.errors import MissingPackage, UsageError, reason
from alpr_app.pipeline.options import add_model_options, count, fraction, make_alpr, number, seconds

if TYPE_CHECKING:
    from alpr_app.pipeline.alpr import ALPR
    from alpr_app.serving.application import Service
    from alpr_app.serving.server import Certificate

TOKEN_VARIABLE = "ALPR_TOKEN"
# As for `alpr read`; on a larger machine several services share the load behind a proxy.
MAXIMUM_WORKERS = 8
# Pictures at once, where that changes no reading: they take less time together than one by one.
BATCH = 4
_PACKAGES = ("fastapi", "uvicorn", "python_multipart", "prometheus_client")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--host", default="127.0.0.1", metavar="ADDRESS", help="address to listen on (default: 127.0.0.1)"
    )
    parser.add_argument("--port", type=number, default=8000, metavar="N", help="port; 0 for a free one (default: 8000)")
    parser.add_argument(
        "--token", metavar="TOKEN", help=f"token that clients send (better: {TOKEN_VARIABLE}, --token-file)"
    )
    parser.add_argument("--token-file", type=Path, metavar="F", help="file with the token")
    parser.add_argument(
        "--without-token", action="store_true", help="let everybody who reaches this computer send pictures"
    )
    parser.add_argument("--certificate", type=Path, metavar="F", help="TLS certificate in PEM format; needs --key")
    parser.add_argument("--key", type=Path, metavar="F", help="its private key in PEM format")
    parser.add_argument("--score", type=fraction, default=0.5, help="leave out plates below it (default: 0.5)")
    parser.add_argument("--confidence", type=fraction, default=0.0, help="leave out readings below it (default: 0)")
    group = parser.add_argument_group("load")
    group.add_argument("--workers", type=count, metavar="N", help="pictures read in parallel (default: one per core)")
    group.add_argument(
        "--batch",
        type=count,
        metavar="N",
        help="pictures a worker reads at once (default: 4 where that changes no reading)",
    )
    group.add_argument("--queue", type=count, default=64, metavar="N", help="pictures that may wait (default: 64)")
    group.add_argument(
        "--timeout", type=seconds, default=30.0, metavar="S", help="seconds a request may take (default: 30)"
    )
    group.add_argument(
        "--max-megabytes", type=seconds, default=20.0, metavar="N", help="size of a request (default: 20)"
    )
    group.add_argument(
        "--max-megapixels", type=seconds, default=50.0, metavar="N", help="size of a picture (default: 50)"
    )
    add_model_options(parser)


def check_packages() -> None:
    """Raise MissingPackage, with the remedy, if a package of the extra `serve` is not installed."""
    for package in _PACKAGES:
        if find_spec(package) is None:
            raise MissingPackage(f"the service needs the package {package}: pip install 'alpr-app[serve]'")


def token_of(args: argparse.Namespace) -> str | None:
    """Return the token: of the option, the file or the environment. Raises UsageError."""
    if args.token is not None and args.token_file is not None:
        raise UsageError("the token comes from --token or from --token-file, not from both")
    token, source = args.token, "--token"
    if args.token_file is not None:
        source = str(args.token_file)
        try:
            token = args.token_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{source}: the token cannot be read: {reason(error)}") from error
    elif token is None and os.environ.get(TOKEN_VARIABLE):
        token, source = os.environ[TOKEN_VARIABLE], TOKEN_VARIABLE
    if token is None:
        return None
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise UsageError(f"{source}: a token is one word of ASCII letters, digits and signs")
    return str(token)


def check_access(host: str, token: str | None, without_token: bool) -> None:
    """Raise UsageError if others than this computer would reach a service without a token, unless that is wanted."""
    from alpr_app.serving.gate import is_loopback

    if token is None and not without_token and not is_loopback(host):
        raise UsageError(
            f"others can reach {host}: set a token with --token-file or {TOKEN_VARIABLE}, or allow all --without-token"
        )


def certificate_of(args: argparse.Namespace) -> Certificate | None:
    """Return the certificate. Raises AlprError."""
    from alpr_app.serving.server import Certificate

    if (args.certificate is None) != (args.key is None):
        raise UsageError("TLS needs both --certificate and --key")
    if args.certificate is None:
        return None
    certificate = Certificate(args.certificate, args.key)
    certificate.check()
    return certificate


def make_service(args: argparse.Namespace, token: str | None) -> Service:
    """Load the models, and make the service. Raises AlprError."""
    from alpr_app.runtime.system_info import cores
    from alpr_app.serving.application import Service
    from alpr_app.serving.batch_check import batches_are_exact
    from alpr_app.serving.limits import ServiceLimits

    workers = args.workers or min(cores(), MAXIMUM_WORKERS)
    alpr: ALPR = make_alpr(args, args.threads or max(1, cores() // workers))
    batch = args.batch or (BATCH if batches_are_exact(alpr, BATCH) else 1)
    return Service(
        alpr,
        workers,
        batch,
        args.queue,
        ServiceLimits(round(1e6 * args.max_megabytes), round(1e6 * args.max_megapixels), args.timeout),
        token,
        args.confidence,
    )


def run(args: argparse.Namespace) -> int:
    check_packages()
    from alpr_app.data.images import quiet_opencv
    from alpr_app.serving.application import make_application
    from alpr_app.serving.server import Server, address_of, listen

    token = token_of(args)
    check_access(args.host, token, args.without_token)
    certificate = certificate_of(args)
    quiet_opencv()
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
    # It warns of every request that is not HTTP, as scanners send many.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    # First, because a port that is taken shows at once, and loading models takes time.
    with listen(args.host, args.port) as listening:
        service = make_service(args, token)
        application = make_application(service)
        address = address_of(listening, certificate is not None)

        def announce() -> None:
            batches = f"{service.workers} workers, up to {service.maximum_batch} pictures each"
            print(f"listening on {address} with {service.alpr.backend}, {batches}", flush=True)

        try:
            Server(application, args.timeout, certificate, announce).serve_on(listening)
        finally:
            service.batcher.close()
    return 0
