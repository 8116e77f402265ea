"""Facts about this computer, without which performance figures mean little."""

from __future__ import annotations

import ctypes
import os
import platform
import re
import subprocess
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def processor() -> str:
    """Return the processor's name as reported by the system."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        match = re.search(r"model name\s*:\s*(.+)", cpuinfo.read_text(encoding="utf-8", errors="replace"))
        if match:
            return match.group(1).strip()
    return platform.processor() or platform.machine()


# Names that Linux gives to instructions that add up products of 8-bit numbers, on x86 and on Arm.
_DOT_PRODUCT_FLAGS = {"avx512_vnni", "avx_vnni", "amx_int8", "asimddp"}
_WINDOWS_ARM_DOT_PRODUCT = 43


@lru_cache(maxsize=1)
def has_int8_products() -> bool:
    """Whether the processor adds up products of 8-bit numbers in one instruction (VNNI, Arm's dot product). Without it
    their sums may overflow, and 8 bits save little time. False where the system does not tell: on Windows with x86."""
    system = platform.system()
    if system == "Linux":
        try:
            cpuinfo = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return False
        match = re.search(r"^(?:flags|Features)\s*:\s*(.+)", cpuinfo, re.MULTILINE)
        return match is not None and not _DOT_PRODUCT_FLAGS.isdisjoint(match.group(1).split())
    if system == "Darwin":
        names = ("hw.optional.arm.FEAT_DotProd", "hw.optional.avx512vnni")
        return any(_sysctl(name) == "1" for name in names)
    if system == "Windows" and platform.machine() == "ARM64":
        kernel = getattr(ctypes, "windll").kernel32  # noqa: B009 - other systems lack it, and so do their type stubs
        return bool(kernel.IsProcessorFeaturePresent(_WINDOWS_ARM_DOT_PRODUCT))
    return False


def _sysctl(name: str) -> str:
    try:
        done = subprocess.run(["sysctl", "-n", name], capture_output=True, text=True, timeout=5)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


def cores() -> int:
    """Return the number of processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def version_of(package: str) -> str:
    """Return the version of an installed package, without importing it."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def peak_memory() -> float | None:
    """Return the peak memory of this process in gigabytes; None if the system does not report it."""
    try:
        import resource
    except ImportError:  # Windows has no such module
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1024**3 if platform.system() == "Darwin" else peak / 1024**2
