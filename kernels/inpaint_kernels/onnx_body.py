"""The node inpaint_sdk::DirectionalScan as a model-local ONNX function, in standard operators.

There are two bodies, of which an export chooses one:

    scan      ONNX's `Scan`, one step a line's element. Best where a runtime interprets the graph.
    log_step  A parallel scan in log2(length) steps. Best where a runtime unrolls or fuses.

Both keep state in fp32 and need opset 18. The `scan` body does what the definition says of NaN and
infinity as far as the runtime's Relu does. The `log_step` body is for finite values: `_LogStep`.
"""

import enum
from collections.abc import Sequence
from typing import Any

import onnx
from onnx import TensorProto, helper

DOMAIN = "inpaint_sdk"
NAME = "DirectionalScan"
VERSION = 1
OPSET = 18

# Steepest slope that a composed function keeps: its square is still a float.
_STEEPEST = 2.0**63
_LARGEST = 3.4028234663852886e38


class Form(str, enum.Enum):
    """Which body the function has."""

    SCAN = "scan"
    LOG_STEP = "log_step"


def directional_scan_function(
    form: Form | str = Form.SCAN, max_length: int = 1024
) -> onnx.FunctionProto:
    """The function that a model file carries for its DirectionalScan nodes.

    Args:
        form: Which body.
        max_length: For `log_step`, the longest side that the model will be given, from 2 to 65536.
            A longer one fails when the model runs, it never gives wrong values. Cost grows with its
            logarithm.

    Raises:
        ValueError: An argument is out of range.
    """
    form = Form(form)
    if not 2 <= max_length <= 65536:
        raise ValueError(f"max_length: is {max_length}, needs 2 to 65536")
    body = _Body()
    x = body.add("Cast", "X", to=TensorProto.FLOAT)
    weights = body.rows("weight")
    biases = body.rows("bias")
    build = _Scan(body) if form is Form.SCAN else _LogStep(body, max_length)
    maps: dict[str, str] = {}
    for axis, (backward, forward) in ((2, ("up", "down")), (3, ("left", "right"))):
        maps[backward], maps[forward] = build(x, axis, (weights, biases), (backward, forward))
    joined = body.add("Concat", *(maps[name] for name in _ORDER), axis=1)
    body.add("CastLike", joined, "X", output="Y")
    return helper.make_function(
        DOMAIN,
        NAME,
        ["X", "weight", "bias"],
        ["Y"],
        body.nodes,
        [helper.make_opsetid("", OPSET)],
    )


def attach(model: onnx.ModelProto, form: Form | str = Form.SCAN, max_length: int = 1024) -> None:
    """Give a model the function, in place, instead of any that it has.

    See `directional_scan_function` for the arguments.
    """
    drop(model)
    model.functions.append(directional_scan_function(form, max_length))
    if all(entry.domain != DOMAIN for entry in model.opset_import):
        model.opset_import.append(helper.make_opsetid(DOMAIN, VERSION))


def drop(model: onnx.ModelProto) -> None:
    """Take the function out of a model, in place, so that only a native kernel can run the node."""
    kept = [f for f in model.functions if (f.domain, f.name) != (DOMAIN, NAME)]
    del model.functions[:]
    model.functions.extend(kept)


_ORDER = ("up", "right", "down", "left")


class _Body:
    """Nodes in order, with names made up for what lies between them."""

    def __init__(self, prefix: str = "") -> None:
        self.nodes: list[onnx.NodeProto] = []
        self._prefix = prefix

    def add(self, op: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        name = output or f"{self._prefix}v{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], **attributes))
        return name

    def add_many(self, op: str, *inputs: str, outputs: int, **attributes: Any) -> list[str]:
        names = [f"{self._prefix}v{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op, inputs, names, **attributes))
        return names

    def floats(self, *values: float) -> str:
        tensor = helper.make_tensor("", TensorProto.FLOAT, [len(values)], values)
        return self.add("Constant", value=tensor)

    def ints(self, *values: int) -> str:
        tensor = helper.make_tensor("", TensorProto.INT64, [len(values)], values)
        return self.add("Constant", value=tensor)

    def rows(self, parameter: str) -> dict[str, str]:
        """The four rows of a [4, C] input, each [1, C, 1, 1], in fp32."""
        wide = self.add("Cast", parameter, to=TensorProto.FLOAT)
        rows = self.add_many("Split", wide, outputs=4, axis=0, num_outputs=4)  # [1, C] each
        axes = self.ints(2, 3)
        return {
            name: self.add("Unsqueeze", row, axes) for name, row in zip(_ORDER, rows, strict=True)
        }


_Rows = tuple[dict[str, str], dict[str, str]]


class _Scan:
    """Both directions along one axis in one ONNX `Scan`.

    A line's first element has neither weight nor bias. So both are part of the state: zero before
    the first step, and the parameters after it.
    """

    def __init__(self, body: _Body) -> None:
        self._body = body

    def __call__(self, x: str, axis: int, rows: _Rows, names: tuple[str, str]) -> Sequence[str]:
        add, ints = self._body.add, self._body.ints
        weights, biases = rows
        # Within the Scan an element of a line is [N, C, other].
        inner = ints(3)
        weight = [add("Squeeze", weights[name], inner) for name in names]  # [1, C, 1]
        bias = [add("Squeeze", biases[name], inner) for name in names]
        others = add("Gather", add("Shape", x), ints(0, 1, 5 - axis))
        zeros = add("ConstantOfShape", others)
        nothing = add("ConstantOfShape", add("Shape", bias[0]))
        # `names` has the direction towards index 0 first.
        outputs = self._body.add_many(
            "Scan",
            *(zeros, zeros, *[nothing] * 4, x, x),
            outputs=8,
            body=self._step(weight, bias),
            num_scan_inputs=2,
            scan_input_axes=[axis, axis],
            scan_input_directions=[1, 0],
            scan_output_axes=[axis, axis],
            scan_output_directions=[1, 0],
        )
        return outputs[6:]

    def _step(self, weight: Sequence[str], bias: Sequence[str]) -> onnx.GraphProto:
        step = _Body(prefix=f"{weight[0]}_")
        hs, parameters, maps = [], [], []
        for i in range(2):
            shifted = step.add("Add", f"b{i}", f"x{i}")
            h = step.add("Relu", step.add("Add", step.add("Mul", f"w{i}", f"h{i}"), shifted))
            hs.append(h)
            parameters += [step.add("Identity", weight[i]), step.add("Identity", bias[i])]
            maps.append(step.add("Identity", h))

        def values(*names: str) -> list[onnx.ValueInfoProto]:
            shape = [None] * 3
            return [helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n in names]

        return helper.make_graph(
            step.nodes,
            "step",
            values("h0", "h1", "w0", "b0", "w1", "b1", "x0", "x1"),
            values(*hs, *parameters, *maps),
        )


class _LogStep:
    """Steps composed in a binary fashion, all elements of a line at once.

    A step h -> relu(w*h + c), and any run of steps, is h -> clamp(a*h + b, lo, hi). After step k
    each element holds the run of the last 2^k elements up to itself; those nearer than that to the
    line's start hold a constant, because the first element's function is one: a is 0 there, so it
    does not matter what is shifted in from outside the image.

    Where |w| > 1, a would grow past what a float holds. Past 2^63 both a and b are scaled down: the
    run is then a step from lo to hi at -b/a, which stays where it is. Values that the definition
    lets grow past 1e18 may differ.
    """

    def __init__(self, body: _Body, max_length: int) -> None:
        self._body = body
        self._steps = max((max_length - 1).bit_length(), 2)

    def __call__(self, x: str, axis: int, rows: _Rows, names: tuple[str, str]) -> Sequence[str]:
        weights, biases = rows
        return [
            self._direction(x, axis, weights[name], biases[name], backward=i == 0)
            for i, name in enumerate(names)
        ]

    def _direction(self, x: str, axis: int, weight: str, bias: str, backward: bool) -> str:
        add, floats = self._body.add, self._body.floats
        zero, one = floats(0.0), floats(1.0)
        distance = self._distance(x, axis, backward)
        first = add("Less", distance, one)
        slope = weight  # a, where it is not 0: [1, C, 1, 1]
        a = add("Where", first, zero, slope)  # [1, C, L, 1] or [1, C, 1, L]
        b = add("Add", x, add("Where", first, zero, bias))
        low, high = zero, floats(_LARGEST)
        for k in range(self._steps):
            b_before = self._shift(b, axis, 2**k, backward)
            if k == 0:
                low_before, high_before = low, high
            else:
                low_before = self._shift(low, axis, 2**k, backward)
                high_before = self._shift(high, axis, 2**k, backward)
            ends = [add("Add", add("Mul", a, end), b) for end in (low_before, high_before)]
            if k == self._steps - 1:  # what came before is a constant now
                return add("Max", low, add("Min", high, ends[0]))
            least, greatest = add("Min", *ends), add("Max", *ends)
            square = add("Mul", slope, slope)
            scale = add("Min", one, add("Div", floats(_STEEPEST), add("Abs", square)))
            near = add("Less", distance, floats(float(2 ** (k + 1))))
            slope = add("Mul", square, scale)
            composed = add("Add", add("Mul", a, b_before), b)
            b = add("Mul", composed, add("Where", near, one, scale))
            a = add("Where", near, zero, slope)
            low, high = (
                add("Max", low, add("Min", high, least)),
                add("Max", low, add("Min", high, greatest)),
            )
        raise AssertionError("there are at least two steps")

    def _distance(self, x: str, axis: int, backward: bool) -> str:
        """How far each element is from its line's start, [1, 1, L, 1] or [1, 1, 1, L].

        The positions are a constant that is cut to size, so that a line which is longer than the
        steps can span makes the next node fail instead of giving wrong values.
        """
        add, ints = self._body.add, self._body.ints
        positions = self._body.floats(*(float(i) for i in range(2**self._steps)))
        length = add("Gather", add("Shape", x), ints(axis))
        known = add("Slice", positions, ints(0), length, ints(0))
        if backward:
            last = add("Cast", add("Sub", length, ints(1)), to=TensorProto.FLOAT)
            known = add("Sub", last, known)
        return add("Unsqueeze", known, ints(*((0, 1, 3) if axis == 2 else (0, 1, 2))))

    def _shift(self, values: str, axis: int, by: int, backward: bool) -> str:
        """Each element's value from `by` elements earlier in the line."""
        add, ints = self._body.add, self._body.ints
        pads = [0] * 8
        pads[axis + 4 if backward else axis] = by
        padded = add("Pad", values, ints(*pads))
        if backward:
            return add("Slice", padded, ints(by), ints(2**62), ints(axis))
        return add("Slice", padded, ints(0), ints(-by), ints(axis))
