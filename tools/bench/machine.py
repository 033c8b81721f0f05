"""What the figures depend on: processor, system, libraries. No names of people or places."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tools.bench.peers import pinned_peers

SMALL_PRODUCTS = ("avx2", "avx512f", "avx_vnni", "avx512_vnni", "amx_int8")  # instructions that int8 gains by
LIBRARIES = ("torch", "sentence-transformers", "openvino", "nncf", "onnxruntime")


def machine() -> list[str]:
    """Three lines: the processor, the system, the libraries."""
    processor, flags = _processor()
    known = ", ".join(flag for flag in SMALL_PRODUCTS if flag in flags) or "not known"
    libraries = ", ".join(f"{name} {_version(name)}" for name in LIBRARIES)
    peers = ", ".join(pinned_peers()).replace("==", " ")
    return [
        f"processor: {processor}, {os.cpu_count()} cores, instructions for small products: {known}",
        f"system: {platform.system()} {platform.machine()}, Python {platform.python_version()}",
        f"libraries: {libraries}; peers: {peers}",
    ]


def _processor() -> tuple[str, list[str]]:
    """Its name and its flags, which only Linux tells."""
    name, information = platform.processor() or platform.machine(), Path("/proc/cpuinfo")
    if not information.exists():
        return name, []
    lines = information.read_text(encoding="utf-8").replace("\t", "").splitlines()
    known = dict(line.split(":", 1) for line in lines if ":" in line)
    return known.get("model name", name).strip(), known.get("flags", "").split()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
