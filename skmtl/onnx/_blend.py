"""A blend in the graph: networks and kernel regressions, weighed, and the blend for far rows as far as rows are far."""

from __future__ import annotations

import numpy as np

from ..blending._columns import LEAST_PROBABILITY
from ..blending._columns import Columns as Layout
from ..blending._fitted import NEVER, BlendPart, FittedBlend, ShiftedBlend, offsets
from ..blending._shift_detector import ShiftDetector
from ..kernels import KernelModel
from ._features import Columns, encode
from ._graph import Graph
from ._network import network_quantities


def blend_quantities(graph: Graph, blend: FittedBlend, columns: Columns) -> list[str]:
    """Per task: predictions of a regression (rows, 1) in its units, class probabilities else."""
    total = _total(graph, blend, columns)
    if blend.shifted is not None:
        probability = _probability(graph, blend.shifted, columns)
        share = graph("Where", graph("Greater", probability, np.float64(NEVER)), probability, np.float64(0))
        beyond = _total(graph, blend.shifted.blend, columns)
        total = graph("Add", total, graph("Mul", share, graph("Sub", beyond, total)))
    layout, outputs, start = blend.layout, [], 0
    for i, width in enumerate(layout.widths):
        own = graph("Gather", total, np.arange(start, start + width), axis=1)
        if layout.tasks[i].kind == "regression":
            own = graph("Add", graph("Mul", own, layout.scaling.scale[i]), layout.scaling.shift[i])
        else:
            own = graph("Max", own, np.float64(LEAST_PROBABILITY))
            own = graph("Div", own, graph.axes("ReduceSum", own, 1, keepdims=1))
        outputs.append(own)
        start += width
    return outputs


def most_numbers(blend: FittedBlend) -> int:
    """Numbers that a row is compared with at a time, where distances are sums of absolute differences."""
    sizes = [
        part.kernel_model.points.size
        for part in blend.parts
        if part.kernel_model is not None
        and part.kernel_model.points is not None
        and part.kernel_model.kernel.name != "rbf"
    ]
    if blend.shifted is not None:
        sizes += [blend.shifted.detector.points.size, most_numbers(blend.shifted.blend)]
    return max(sizes, default=0)


def _total(graph: Graph, blend: FittedBlend, columns: Columns) -> str:
    weights = blend.weights[:, blend.layout.task_of_column]
    used = [(part, own) for part, own in zip(blend.parts, weights, strict=True) if own.any()]
    weighed = [graph("Mul", _part(graph, part, blend.layout, columns), own) for part, own in used]
    if not weighed:
        weighed = [graph("Mul", _part(graph, blend.parts[0], blend.layout, columns), weights[0])]
    total = weighed[0] if len(weighed) == 1 else graph("Sum", *weighed)
    return graph.clipped(total, blend.lower, blend.upper)


def _part(graph: Graph, part: BlendPart, layout: Layout, columns: Columns) -> str:
    """Predictions (rows, columns) in the units in which parts are weighed."""
    own: str | None = None
    if part.network is not None:
        found = network_quantities(graph, part.network, columns)
        factors = part.network.scaling.scale / layout.scaling.divisor
        own = graph.joined(
            [
                graph("Mul", value, factor) if task.kind == "regression" else value
                for value, task, factor in zip(found, layout.tasks, factors, strict=True)
            ],
            axis=1,
        )
        moved = (part.network.scaling.shift - layout.scaling.shift) / layout.scaling.divisor
        if moved.any():
            own = graph("Add", own, offsets(layout, moved[layout.task_of_column]))
    if part.kernel_model is None or part.view is None:
        return str(own)
    plain = encode(graph, part.view, columns).matrix(graph)
    added = _kernel_model(graph, part.kernel_model, plain)
    if own is None:
        return added
    only = offsets(layout, np.ones(len(layout.task_of_column)))
    return graph("Add", own, graph("Mul", added, only))


def _kernel_model(graph: Graph, kernel_model: KernelModel, rows: str) -> str:
    seen = graph("Mul", graph.clipped(rows, kernel_model.smallest, kernel_model.largest), kernel_model.relevance)
    points, kernel = kernel_model.points, kernel_model.kernel
    if points is not None:
        distance = _squared(graph, seen, points) if kernel.name == "rbf" else _absolute(graph, seen, points)
        seen = graph("Exp", graph("Mul", distance, np.float64(-kernel.gamma)))
    raw = graph("Add", graph("MatMul", seen, kernel_model.coefficients), kernel_model.center)
    return graph.clipped(raw, kernel_model.lower, kernel_model.upper)


def _squared(graph: Graph, rows: str, points: np.ndarray) -> str:
    own = graph.axes("ReduceSum", graph("Mul", rows, rows), 1, keepdims=1)
    both = graph("MatMul", rows, np.ascontiguousarray(-2.0 * points.T))
    return graph("Max", graph("Add", graph("Add", both, own), (points**2).sum(axis=1)[None]), np.float64(0))


def _absolute(graph: Graph, rows: str, points: np.ndarray) -> str:
    """Sums of absolute differences, (rows, points).

    ``|a - b|`` is ``2 max(a, b) - a - b``: onnxruntime takes one large array less for that, and adds up quickest along
    the first axis.
    """
    by_column = graph.axes("Unsqueeze", graph("Transpose", rows, perm=[1, 0]), 2)
    larger = graph("Max", by_column, np.ascontiguousarray(points.T)[:, None])
    twice = graph("Mul", graph.axes("ReduceSum", larger, 0, keepdims=0), np.float64(2))
    own = graph.axes("ReduceSum", rows, 1, keepdims=1)
    return graph("Sub", twice, graph("Add", own, points.sum(axis=1)[None]))


def _probability(graph: Graph, shifted: ShiftedBlend, columns: Columns) -> str:
    """How probable it is that rows are from another time or group, (rows, 1)."""
    detector: ShiftDetector = shifted.detector
    plain = encode(graph, shifted.view, columns).matrix(graph)
    seen = graph("Mul", graph.clipped(plain, detector.smallest, detector.largest), detector.scale)
    nearest = graph.axes("ReduceMin", _absolute(graph, seen, detector.points), 1, keepdims=1)
    nearest = graph("Max", nearest, np.float64(0))
    odds = graph("Mul", graph("Log", graph("Add", nearest, np.float64(detector.floor))), np.float64(detector.slope))
    return graph("Sigmoid", graph("Add", odds, np.float64(detector.intercept)))
