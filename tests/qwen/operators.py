"""Makes torchvision importable, before transformers look for it.

Beside a torch without CUDA, the torchvision of the package index lacks two operators; they are declared here.
"""

from __future__ import annotations

import importlib
import sys

import torch

DECLARED = []

try:
    importlib.import_module("torchvision")
except RuntimeError:
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]
    library = torch.library.Library("torchvision", "DEF")
    for operator in ("nms", "qnms"):
        library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    DECLARED.append(library)  # declarations go with the object
    importlib.import_module("torchvision")
