"""TensorFlow Lite files: the one graph in them, with its constants and the quantisation of its tensors.

A file is a flatbuffer: a table of offsets to tables, in which every field may be absent. Few of the fields of the
schema are needed for a plain chain of layers, so they are read here by their number, without a library for them.

Conventions: a quantised tensor stands for `scale * (number - zero_point)`; constants are quantised per channel along
`axis`, everything else as a whole.
References: schema.fbs of TensorFlow Lite, version 3; the "Internals" page of FlatBuffers.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earmark.errors import BundleError

IDENTIFIER = b"TFL3"
TYPES: dict[int, np.dtype[Any]] = {0: np.dtype("<f4"), 2: np.dtype("<i4"), 9: np.dtype("i1")}
OPERATORS = {
    3: "CONV_2D",
    4: "DEPTHWISE_CONV_2D",
    6: "DEQUANTIZE",
    9: "FULLY_CONNECTED",
    14: "LOGISTIC",
    22: "RESHAPE",
    40: "MEAN",
    49: "SPLIT",
    114: "QUANTIZE",
}
"""The operators that are understood, by their number in the schema."""
CONVOLUTION = {"padding": (0, "<b"), "stride_w": (1, "<i"), "stride_h": (2, "<i")}
OPTIONS = {
    "CONV_2D": CONVOLUTION | {"dilation_w": (4, "<i"), "dilation_h": (5, "<i")},
    "DEPTHWISE_CONV_2D": CONVOLUTION
    | {"depth_multiplier": (3, "<i"), "dilation_w": (5, "<i"), "dilation_h": (6, "<i")},
}
"""Number and type of the options that are read, by operator; an absent one is 0, a dilation 1."""


@dataclass(frozen=True)
class Quantisation:
    """Scales and zero points (channels,) of the 8-bit numbers of a tensor, along `axis`; empty if it holds floats."""

    scale: NDArray[np.float32]
    zero_point: NDArray[np.int64]
    axis: int

    @cached_property
    def limits(self) -> tuple[float, float]:
        """The smallest and the largest value that a tensor quantised as a whole can hold."""
        scale, zero_point = float(self.scale[0]), int(self.zero_point[0])
        return scale * (-128 - zero_point), scale * (127 - zero_point)


@dataclass(frozen=True)
class Tensor:
    """One tensor: its shape, its quantisation and, if it is a constant, the numbers as they are stored."""

    name: str
    shape: tuple[int, ...]
    quantisation: Quantisation
    stored: NDArray[np.generic] | None

    @property
    def values(self) -> NDArray[np.float32]:
        """The constant in real numbers.

        Raises:
            ValueError: it is none.
        """
        if self.stored is None:
            raise ValueError(f"{self.name} is no constant")
        scale, zero_point = self.quantisation.scale, self.quantisation.zero_point
        if not scale.size:
            return self.stored.astype(np.float32)
        across = [1] * self.stored.ndim
        across[self.quantisation.axis] = -1
        centred = self.stored.astype(np.float32) - zero_point.reshape(across).astype(np.float32)
        return centred * scale.reshape(across)


@dataclass(frozen=True)
class Operator:
    """One operator: its name in the schema, the tensors that it takes and gives, and its options."""

    name: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    options: Mapping[str, int]


def read(path: Path, content: bytes) -> list[Operator]:
    """The operators of the first graph of a file, in the order in which they are applied.

    Args:
        path: named in errors.
        content: of the file.

    Raises:
        BundleError: it is no such file, is cut off, or holds an operator or a type that is not understood.
    """
    if content[4:8] != IDENTIFIER:
        raise BundleError(f"{path}: not a model of TensorFlow Lite")
    try:
        return _operators(_Table(content, struct.unpack_from("<I", content)[0]))
    except (struct.error, ValueError, IndexError, UnicodeDecodeError) as error:
        raise BundleError(f"{path}: damaged: {error}") from error
    except KeyError as error:
        raise BundleError(f"{path}: operator or type number {error} is not understood") from error


def _operators(model: "_Table") -> list[Operator]:
    codes = [OPERATORS[max(code.number(3, "<i"), code.number(0, "<b"))] for code in model.tables(1)]
    buffers = [buffer.vector(0, np.dtype("u1")) for buffer in model.tables(4)]
    graph = model.tables(2)[0]
    tensors = [_tensor(table, buffers) for table in graph.tables(0)]
    operators = []
    for table in graph.tables(3):
        name = codes[table.number(0, "<I")]
        inputs, outputs = (tuple(tensors[i] for i in table.vector(field, TYPES[2])) for field in (1, 2))
        options = table.table(4)
        values = {
            option: options.number(number, kind, int(option.startswith("dilation")))
            for option, (number, kind) in OPTIONS.get(name, {}).items()
        }
        operators.append(Operator(name, inputs, outputs, values))
    return operators


def _tensor(table: "_Table", buffers: list[NDArray[np.generic]]) -> Tensor:
    shape = tuple(int(size) for size in table.vector(0, TYPES[2]))
    quantisation = table.table(4)
    stored = buffers[table.number(2, "<I")]  # empty for what is computed
    return Tensor(
        name=table.text(3),
        shape=shape,
        quantisation=Quantisation(
            scale=quantisation.vector(2, TYPES[0]).astype(np.float32),
            zero_point=quantisation.vector(3, np.dtype("<i8")).astype(np.int64),
            axis=quantisation.number(6, "<i"),
        ),
        stored=stored.view(TYPES[table.number(1, "<b")]).reshape(shape) if stored.size else None,
    )


@dataclass(frozen=True)
class _Table:
    """A table of a flatbuffer. At `start` stands how far before it its list of offsets lies; start 0 is no table."""

    content: bytes
    start: int

    def number(self, field: int, kind: str, default: int = 0) -> int:
        place = self._place(field)
        return struct.unpack_from(kind, self.content, place)[0] if place else default

    def table(self, field: int) -> "_Table":
        place = self._place(field)
        return _Table(self.content, self._follow(place) if place else 0)

    def tables(self, field: int) -> list["_Table"]:
        offsets, first = self._vector(field, np.dtype("<u4"))
        return [_Table(self.content, first + 4 * index + int(offset)) for index, offset in enumerate(offsets)]

    def vector(self, field: int, kind: np.dtype[Any]) -> NDArray[np.generic]:
        return self._vector(field, kind)[0]

    def text(self, field: int) -> str:
        return self.vector(field, np.dtype("u1")).tobytes().decode()

    def _vector(self, field: int, kind: np.dtype[Any]) -> tuple[NDArray[np.generic], int]:
        """The elements of a vector, and where the first one stands."""
        place = self._place(field)
        if not place:
            return np.empty(0, kind), 0
        start = self._follow(place)
        (count,) = struct.unpack_from("<I", self.content, start)
        return np.frombuffer(self.content, kind, count, start + 4), start + 4

    def _follow(self, place: int) -> int:
        return int(place + struct.unpack_from("<I", self.content, place)[0])

    def _place(self, field: int) -> int:
        """Offset of a field in the file; 0 if it is absent."""
        if not self.start:
            return 0
        offsets = self.start - struct.unpack_from("<i", self.content, self.start)[0]
        (size,) = struct.unpack_from("<H", self.content, offsets)
        entry = 4 + 2 * field
        if entry >= size:
            return 0
        (offset,) = struct.unpack_from("<H", self.content, offsets + entry)
        return int(self.start + offset) if offset else 0
