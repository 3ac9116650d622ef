"""Finds TensorRT or TensorRT for RTX, and knows what their versions differ in.

docs/tensorrt.md has the table of differences; :func:`features_of` is the switch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from inpaint_sdk.errors import BackendError

if TYPE_CHECKING:
    import tensorrt_bindings as tensorrt

Version = tuple[int, ...]


@dataclass(frozen=True)
class Features:
    """What one version of a library has.

    typed_by_flag: a network is strongly typed only if it is asked for; later it always is.
    targets: engines are built for compute capabilities that are named, with no GPU present.
    validity: the library says of an engine, before loading it, whether it can run here.
    runtime_config: contexts are made with a configuration, by which the library compiles kernels
        and captures CUDA graphs while it runs.
    """

    typed_by_flag: bool
    targets: bool
    validity: bool
    runtime_config: bool


@dataclass(frozen=True)
class Product:
    """One of the two libraries.

    modules: names to import, the first that is there; NVIDIA's wheels install the second without
    the first. oldest: version that this SDK works with. too_new: first major that it does not know.
    """

    name: str
    title: str
    modules: tuple[str, ...]
    oldest: Version
    too_new: int
    remedy: str


PRODUCTS: Mapping[str, Product] = {
    product.name: product
    for product in (
        Product(
            "tensorrt",
            "TensorRT",
            ("tensorrt", "tensorrt_bindings"),
            (10, 3),
            12,
            "On a Jetson it comes with JetPack (see docs/jetson.md); elsewhere: "
            'pip install "inpaint-sdk[tensorrt]"',
        ),
        Product(
            "tensorrt_rtx",
            "TensorRT for RTX",
            ("tensorrt_rtx", "tensorrt_rtx_bindings"),
            (1, 7),
            2,
            'pip install "inpaint-sdk[tensorrt-rtx]"',
        ),
    )
}


def features_of(product: str, version: Version) -> Features:
    """What the product of that name has in that version."""
    if product == "tensorrt_rtx":
        return Features(typed_by_flag=True, targets=True, validity=True, runtime_config=True)
    return Features(
        typed_by_flag=version < (11,), targets=False, validity=False, runtime_config=False
    )


@dataclass(frozen=True)
class Library:
    """An imported library. module: to be used as ``tensorrt`` is, whichever of the two it is."""

    product: Product
    module: Any
    version: str
    features: Features

    @property
    def title(self) -> str:
        """Name and version, for people."""
        return f"{self.product.title} {self.version}"


def open_library(name: str) -> Library:
    """Imports the library ``tensorrt`` or ``tensorrt_rtx``.

    Raises:
        BackendError: it is not installed, broken, or of a version that this SDK does not know.
    """
    product = PRODUCTS[name]
    module = _import(product)
    text = str(module.__version__)
    version = _parse(text)
    if version < product.oldest:
        oldest = ".".join(map(str, product.oldest))
        raise BackendError(
            f"{product.title} {text} is too old; {oldest} or later is needed. {product.remedy}"
        )
    if version[0] >= product.too_new:
        raise BackendError(
            f"{product.title} {text} is newer than this inpaint-sdk knows; it works with versions "
            f"below {product.too_new}. Upgrade it: pip install --upgrade inpaint-sdk"
        )
    return Library(product, module, text, features_of(name, version))


def _import(product: Product) -> Any:
    reasons = []
    for name in product.modules:
        try:
            module = import_module(name)
        except Exception as error:  # missing libraries fail in many ways; each is a reason
            reasons.append(str(error) or type(error).__name__)
            continue
        # A folder of type stubs can be imported too, as an empty module.
        if hasattr(module, "__version__"):
            return module
    reason = reasons[-1] if reasons else f"no module named {product.modules[0]!r}"
    raise BackendError(f"{product.title} is not usable here: {reason}. {product.remedy}")


def _parse(text: str) -> Version:
    """The leading numbers of a version, ``10.3.0.post1`` as (10, 3, 0)."""
    numbers = []
    for part in text.split("."):
        if not part.isdigit():
            break
        numbers.append(int(part))
    return tuple(numbers) or (0,)


class Log(Protocol):
    """A TensorRT logger that remembers errors."""

    def take_errors(self) -> str:
        """The errors since the last call, in one line, or ""."""


def make_logger(library: Library) -> tensorrt.ILogger:
    """A logger for the library; it also is a :class:`Log`."""
    if TYPE_CHECKING:
        import tensorrt_bindings as trt
    else:
        trt = library.module

    class Logger(trt.ILogger):  # type: ignore[misc]  # a class of a module that may be missing
        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            self._errors: list[str] = []

        def log(self, severity: Any, message: str) -> None:
            if severity in (trt.ILogger.ERROR, trt.ILogger.INTERNAL_ERROR):
                self._errors.append(message.strip())

        def take_errors(self) -> str:
            # One cause is often told several times over, by each function that it passes.
            text = "; ".join(dict.fromkeys(self._errors))
            self._errors.clear()
            return text

    return Logger()
