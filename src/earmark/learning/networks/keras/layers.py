"""The layers of Keras 2.1 that networks which hear are made of.

A layer's keyword arguments are the options of its Keras config, with the defaults of Keras, so the
constructors say what is understood. Weights have the names and the shapes of a Keras file.

Conventions: images are (batch, height, width, channels), as in Keras with TensorFlow; for a spectrogram that is (batch,
bands, frames, 1). So a flattened image has the order of Keras, and weights are copied as they are: the kernel of a
convolution is (height, width, in, out), that of a dense layer (in, out). `shape` is that of one sample, without the
batch.
"""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

Shape = tuple[int, ...]

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "linear": lambda hidden: hidden,
    "relu": functional.relu,
    "elu": functional.elu,
    "selu": functional.selu,
    "softplus": functional.softplus,
    "softsign": functional.softsign,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "hard_sigmoid": lambda hidden: (0.2 * hidden + 0.5).clamp(0, 1),
    "softmax": lambda hidden: hidden.softmax(-1),
}


class Layer(nn.Module):
    """A layer of Keras; `shape` is what it gives, without the batch."""

    def __init__(self, shape: Sequence[int]) -> None:
        super().__init__()
        self.shape: Shape = tuple(shape)


class Conv2D(Layer):
    """A convolution of an image, (batch, height, width, in) -> (batch, height, width, filters)."""

    def __init__(
        self,
        shape: Shape,
        *,
        filters: int,
        kernel_size: Sequence[int],
        strides: Sequence[int] = (1, 1),
        padding: str = "valid",
        activation: str | None = None,
        use_bias: bool = True,
    ) -> None:
        height, width, channels = image_shape(shape)
        (height, width), self.pads = sliding_2d((height, width), kernel_size, strides, padding)
        super().__init__((height, width, filters))
        self.strides = tuple(strides)
        self.activation = _activation(activation)
        self.kernel = nn.Parameter(torch.empty(*kernel_size, channels, filters))
        self.bias = nn.Parameter(torch.zeros(filters)) if use_bias else None
        nn.init.normal_(self.kernel, std=(math.prod(kernel_size) * channels) ** -0.5)

    def forward(self, hidden: Tensor) -> Tensor:
        image = functional.pad(hidden.permute(0, 3, 1, 2), self.pads)
        convolved = functional.conv2d(image, self.kernel.permute(3, 2, 0, 1), self.bias, self.strides)
        return self.activation(convolved.permute(0, 2, 3, 1))


class _Pooling2D(Layer):
    """The base of both poolings of rectangles: their places; what lies outside the image is no part."""

    def __init__(
        self,
        shape: Shape,
        *,
        pool_size: Sequence[int] = (2, 2),
        strides: Sequence[int] | None = None,
        padding: str = "valid",
    ) -> None:
        height, width, channels = image_shape(shape)
        (height, width), pads = sliding_2d((height, width), pool_size, strides or pool_size, padding)
        super().__init__((height, width, channels))
        self.size, self.strides, self.pads = tuple(pool_size), tuple(strides or pool_size), pads


class MaxPooling2D(_Pooling2D):
    """The largest value of each rectangle."""

    def forward(self, hidden: Tensor) -> Tensor:
        image = hidden.permute(0, 3, 1, 2)
        if any(self.pads):
            image = functional.pad(image, self.pads, value=-torch.inf)
        return functional.max_pool2d(image, self.size, self.strides).permute(0, 2, 3, 1)


class AveragePooling2D(_Pooling2D):
    """The mean of what each rectangle holds of the image."""

    share: Tensor

    def __init__(
        self,
        shape: Shape,
        *,
        pool_size: Sequence[int] = (2, 2),
        strides: Sequence[int] | None = None,
        padding: str = "valid",
    ) -> None:
        super().__init__(shape, pool_size=pool_size, strides=strides, padding=padding)
        inside = functional.pad(torch.ones(1, 1, *shape[:2]), self.pads)
        share = functional.avg_pool2d(inside, self.size, self.strides)  # (1, 1, height, width): of each rectangle
        self.register_buffer("share", share, persistent=False)

    def forward(self, hidden: Tensor) -> Tensor:
        image = functional.pad(hidden.permute(0, 3, 1, 2), self.pads)
        return (functional.avg_pool2d(image, self.size, self.strides) / self.share).permute(0, 2, 3, 1)


class GlobalMaxPooling2D(Layer):
    """The largest value of each channel."""

    def __init__(self, shape: Shape) -> None:
        super().__init__(image_shape(shape)[2:])

    def forward(self, hidden: Tensor) -> Tensor:
        return hidden.amax((1, 2))


class GlobalAveragePooling2D(Layer):
    """The mean of each channel."""

    def __init__(self, shape: Shape) -> None:
        super().__init__(image_shape(shape)[2:])

    def forward(self, hidden: Tensor) -> Tensor:
        return hidden.mean((1, 2))


class BatchNormalization(Layer):
    """Normalisation by the mean and variance that were met in training, for each place on one axis."""

    moving_mean: Tensor
    moving_variance: Tensor

    def __init__(
        self,
        shape: Shape,
        *,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
    ) -> None:
        super().__init__(shape)
        self.axis = axis if axis > 0 else axis + len(shape) + 1  # counts the batch, too
        if not 0 < self.axis <= len(shape):
            raise ValueError(f"axis {axis} of the shape {shape}")
        size = shape[self.axis - 1]
        self.momentum, self.epsilon = 1 - momentum, epsilon  # PyTorch's momentum is what is new
        self.gamma = nn.Parameter(torch.ones(size)) if scale else None
        self.beta = nn.Parameter(torch.zeros(size)) if center else None
        self.register_buffer("moving_mean", torch.zeros(size))
        self.register_buffer("moving_variance", torch.ones(size))

    def forward(self, hidden: Tensor) -> Tensor:
        normalised = functional.batch_norm(
            hidden.movedim(self.axis, 1),
            self.moving_mean,
            self.moving_variance,
            self.gamma,
            self.beta,
            training=self.training,
            momentum=self.momentum,
            eps=self.epsilon,
        )
        return normalised.movedim(1, self.axis)


class Dense(Layer):
    """A linear map of the last axis."""

    def __init__(self, shape: Shape, *, units: int, activation: str | None = None, use_bias: bool = True) -> None:
        super().__init__((*shape[:-1], units))
        self.activation = _activation(activation)
        self.kernel = nn.Parameter(torch.empty(shape[-1], units))
        self.bias = nn.Parameter(torch.zeros(units)) if use_bias else None
        nn.init.normal_(self.kernel, std=shape[-1] ** -0.5)

    def forward(self, hidden: Tensor) -> Tensor:
        mapped = hidden @ self.kernel
        return self.activation(mapped if self.bias is None else mapped + self.bias)


class Activation(Layer):
    """A function of each value; the softmax is one of the last axis."""

    def __init__(self, shape: Shape, *, activation: str) -> None:
        super().__init__(shape)
        self.activation = _activation(activation)

    def forward(self, hidden: Tensor) -> Tensor:
        return self.activation(hidden)


class ELU(Layer):
    """x, or alpha (exp(x) - 1) below zero."""

    def __init__(self, shape: Shape, *, alpha: float = 1.0) -> None:
        super().__init__(shape)
        self.alpha = float(alpha)

    def forward(self, hidden: Tensor) -> Tensor:
        return functional.elu(hidden, self.alpha)


class LeakyReLU(Layer):
    """x, or alpha x below zero."""

    def __init__(self, shape: Shape, *, alpha: float = 0.3) -> None:
        super().__init__(shape)
        self.alpha = float(alpha)

    def forward(self, hidden: Tensor) -> Tensor:
        return functional.leaky_relu(hidden, self.alpha)


class Dropout(Layer):
    """Values left out at random in training; nothing otherwise."""

    def __init__(self, shape: Shape, *, rate: float) -> None:
        super().__init__(shape)
        self.rate = float(rate)

    def forward(self, hidden: Tensor) -> Tensor:
        return functional.dropout(hidden, self.rate, self.training)


class Flatten(Layer):
    """All values of a sample in a row."""

    def __init__(self, shape: Shape) -> None:
        super().__init__((math.prod(shape),))

    def forward(self, hidden: Tensor) -> Tensor:
        return hidden.flatten(1)


class Reshape(Layer):
    """The same values in another shape, of which one length may be left open as -1."""

    def __init__(self, shape: Shape, *, target_shape: Sequence[int]) -> None:
        super().__init__(torch.empty(shape, device="meta").reshape(list(target_shape)).shape)

    def forward(self, hidden: Tensor) -> Tensor:
        return torch.unflatten(hidden.flatten(1), 1, self.shape)


class Permute(Layer):
    """The axes in another order; axis 1 is the first after the batch."""

    def __init__(self, shape: Shape, *, dims: Sequence[int]) -> None:
        if sorted(dims) != list(range(1, len(shape) + 1)):
            raise ValueError(f"dims {list(dims)} of the shape {shape}")
        super().__init__([shape[axis - 1] for axis in dims])
        self.order = (0, *dims)

    def forward(self, hidden: Tensor) -> Tensor:
        return hidden.permute(self.order)


def _activation(name: str | None) -> Callable[[Tensor], Tensor]:
    if name is not None and name not in ACTIVATIONS:
        raise ValueError(f"the activation {name!r} is not understood")
    return ACTIVATIONS[name or "linear"]


def image_shape(shape: Shape) -> Shape:
    """The shape of an image, if it is one: height, width, channels."""
    if len(shape) != 3:  # noqa: PLR2004  that many
        raise ValueError(f"it needs an image, not the shape {shape}")
    return shape


def sliding(length: int, size: int, stride: int, padding: str) -> tuple[int, tuple[int, int]]:
    """Number of places that something of a size has, and the padding before and after; "same" is TensorFlow's."""
    if min(size, stride) < 1:
        raise ValueError(f"a size of {size} and a stride of {stride}")
    if padding == "same":
        count = -(-length // stride)
        excess = max(0, (count - 1) * stride + size - length)
        return count, (excess // 2, excess - excess // 2)
    if padding != "valid":
        raise ValueError(f"the padding {padding!r} is not understood")
    if size > length:
        raise ValueError(f"a size of {size} on a length of {length}")
    return (length - size) // stride + 1, (0, 0)


def sliding_2d(
    lengths: Sequence[int], sizes: Sequence[int], strides: Sequence[int], padding: str
) -> tuple[list[int], tuple[int, ...]]:
    """`sliding` for height and width; the padding in PyTorch's order, the last axis first."""
    (height, rows), (width, columns) = (sliding(*each, padding) for each in zip(lengths, sizes, strides, strict=True))
    return [height, width], (*columns, *rows)
