"""What a result depends on beside its configuration: versions, processor, threads."""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

_LIBRARIES = (
    "vesalius", "torch", "torchvision", "timm", "monai", "numpy", "scipy", "scikit-learn", "pandas", "pyarrow", "pillow", "tifffile", "pydicom",
    "nibabel", "SimpleITK", "nilearn", "safetensors", "captum", "lpips",
)  # fmt: skip
"""Those whose code reads pixels, computes, or writes numbers."""


def versions() -> dict[str, str]:
    """Version by name: Python, the system, and the libraries that are installed of those that results depend on."""
    found = {"python": platform.python_version(), "system": platform.system(), "machine": platform.machine()}
    for name in _LIBRARIES:
        try:
            found[name.lower()] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    found["byteorder"] = sys.byteorder
    return found


def hardware() -> dict[str, Any]:
    """``processor`` by name, ``threads`` that torch computes with, ``kernels`` it picked for the processor, and ``gpu`` by name where there is one."""
    import torch

    found = {"processor": _processor(), "threads": torch.get_num_threads(), "kernels": torch.backends.cpu.get_cpu_capability()}
    return found | ({"gpu": torch.cuda.get_device_name()} if torch.cuda.is_available() else {})


def other_than(facts: Mapping[str, Any], **as_then: Any) -> list[str]:
    """``torch 2.13.0, here 2.14.1`` for each version and part of the machine that is other than when the run of ``facts`` was made.

    ``as_then``: what is made as it was.
    """
    before, now = {**facts.get("versions", {}), **facts.get("hardware", {})}, {**versions(), **hardware(), **as_then}
    return [f"{name} {said}, here {now.get(name, 'absent')}" for name, said in before.items() if now.get(name) != said]


def _processor() -> str:
    told = Path("/proc/cpuinfo")
    lines = told.read_text(errors="replace").splitlines() if told.is_file() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()
