"""The schemes' formulas, written out task by task and expert by expert in numpy.

Each function takes a network's variables by name (see ``by_name``), inputs (rows, features) and the spec, and
returns each task's representation, (rows, width), before its head.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from skmtl._records import NetworkSpec

Values = Mapping[str, np.ndarray]
Rows = list[np.ndarray]


def softmax(x: np.ndarray) -> np.ndarray:
    powers = np.exp(x - x.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def dense(values: Values, layer: str, x: np.ndarray) -> np.ndarray:
    return np.tanh(x @ values[f"{layer}/kernel"] + values[f"{layer}/bias"])


def block(values: Values, layer: str, inputs: Sequence[np.ndarray], maps: int) -> Rows:
    """Outputs of each of ``maps`` kernels of a layer, which take the inputs in order."""
    kernel, bias = values[f"{layer}/kernel"], values.get(f"{layer}/bias")
    if kernel.ndim == 2:
        assert all(x is inputs[0] for x in inputs)
        kernels = np.split(kernel, maps, axis=1)
        biases = [0.0] * maps if bias is None else np.split(bias.reshape(-1), maps)
    else:
        per = maps // len(kernel)
        kernels = [part for group in kernel for part in np.split(group, per, axis=1)]
        biases = [0.0] * maps if bias is None else [part for row in bias for part in np.split(row.reshape(-1), per)]
        inputs = [x for x in inputs for _ in range(per)] if len(inputs) == len(kernel) else inputs
    if len(inputs) == 1:
        inputs = list(inputs) * maps
    return [x @ kernel + bias for x, kernel, bias in zip(inputs, kernels, biases, strict=True)]


def experts(values: Values, name: str, x: np.ndarray, maps: int, depth: int) -> Rows:
    hidden = [x]
    for layer in range(depth):
        hidden = [np.tanh(out) for out in block(values, f"{name}_{layer}", hidden, maps)]
    return hidden


def mixture(logits: np.ndarray, of: Rows) -> np.ndarray:
    shares = softmax(logits)
    return sum(shares[:, [i]] * output for i, output in enumerate(of))


def shared_bottom(values: Values, x: np.ndarray, spec: NetworkSpec) -> Rows:
    for depth in range(len(spec.hidden_layer_sizes)):
        x = dense(values, f"trunk_{depth}", x)
    return [x] * len(spec.heads)


def bypass(values: Values, x: np.ndarray, spec: NetworkSpec) -> Rows:
    tasks = len(spec.heads)
    depth = sum(name.startswith("bypass_") and name.endswith("kernel") for name in values)
    around = experts(values, "bypass", x, tasks, depth)
    return [np.hstack(pair) for pair in zip(shared_bottom(values, x, spec), around, strict=True)]


def mmoe(values: Values, x: np.ndarray, spec: NetworkSpec) -> Rows:
    n = dict(spec.options)["n_experts"]
    outputs = experts(values, "experts", x, n, len(spec.hidden_layer_sizes))
    if n == 1:
        return outputs * len(spec.heads)
    return [mixture(logits, outputs) for logits in block(values, "gates", [x], len(spec.heads))]


def omoe(values: Values, x: np.ndarray, spec: NetworkSpec) -> Rows:
    n = dict(spec.options)["n_experts"]
    outputs = experts(values, "experts", x, n, len(spec.hidden_layer_sizes))
    logits = x @ values["gate/kernel"] if n > 1 else np.zeros((len(x), 1))
    return [mixture(logits, outputs)] * len(spec.heads)


def cgc(values: Values, x: np.ndarray, spec: NetworkSpec) -> Rows:
    options, tasks, depth = dict(spec.options), len(spec.heads), len(spec.hidden_layer_sizes)
    n = options["n_task_experts"]
    shared = experts(values, "shared_experts", x, options["n_shared_experts"], depth)
    own = experts(values, "task_experts", x, tasks * n, depth) if n else []
    logits = block(values, "task_gates", [x], tasks)
    return [mixture(logits[t], own[t * n : (t + 1) * n] + shared) for t in range(tasks)]


def ple(values: Values, x: np.ndarray, spec: NetworkSpec) -> Rows:
    options, tasks = dict(spec.options), len(spec.heads)
    n, n_shared = options["n_task_experts"], options["n_shared_experts"]
    streams, common = [x], x
    for level in range(len(spec.hidden_layer_sizes)):
        name = f"level_{level}"
        shared = [np.tanh(out) for out in block(values, f"{name}_shared_experts", [common], n_shared)]
        own = [np.tanh(out) for out in block(values, f"{name}_task_experts", streams, tasks * n)] if n else []
        logits = block(values, f"{name}_task_gates", streams, tasks)
        streams = [mixture(logits[t], own[t * n : (t + 1) * n] + shared) for t in range(tasks)]
        if level < len(spec.hidden_layer_sizes) - 1:
            common = mixture(common @ values[f"{name}_shared_gate/kernel"], own + shared)
    return streams


def cross_stitch(values: Values, x: np.ndarray, spec: NetworkSpec) -> Rows:
    tasks, hidden = len(spec.heads), [x]
    for depth in range(len(spec.hidden_layer_sizes)):
        hidden = [np.tanh(out) for out in block(values, f"columns_{depth}", hidden, tasks)]
        weights = values[f"cross_stitch_{depth}/mixing"]
        hidden = [sum(weights[t, other] * hidden[other] for other in range(tasks)) for t in range(tasks)]
    return hidden


def independent(values: Values, x: np.ndarray, spec: NetworkSpec) -> Rows:
    return experts(values, "columns", x, len(spec.heads), len(spec.hidden_layer_sizes))


def low_rank(values: Values, x: np.ndarray, spec: NetworkSpec) -> Rows:
    tasks, hidden = len(spec.heads), [x] * len(spec.heads)
    for depth in range(len(spec.hidden_layer_sizes)):
        down, up = values[f"adapters_{depth}/down"], values[f"adapters_{depth}/up"]
        downs = down if down.ndim == 3 else np.split(down, tasks, axis=1)
        kernel, bias = values[f"trunk_{depth}/kernel"], values[f"trunk_{depth}/bias"]
        hidden = [np.tanh(hidden[t] @ (kernel + downs[t] @ up[t]) + bias) for t in range(tasks)]
    return hidden


def task_conditioned(values: Values, x: np.ndarray, spec: NetworkSpec) -> Rows:
    hidden = shared_bottom(values, x, spec)
    embedding, scale, shift = (values[f"task_modulation/{name}"] for name in ("embedding", "scale", "shift"))
    return [(1 + e @ scale) * h + e @ shift for e, h in zip(embedding, hidden, strict=True)]


def own_heads(values: Values, hidden: Rows, spec: NetworkSpec) -> np.ndarray:
    """Raw outputs side by side: a tower and a linear head for each task."""
    for depth in range(len(spec.head_layer_sizes)):
        hidden = [np.tanh(out) for out in block(values, f"tower_{depth}", hidden, len(spec.heads))]
    kernel, bias = values["heads/kernel"], values["heads/bias"]
    outputs, start = [], 0
    for task, (x, head) in enumerate(zip(hidden, spec.heads, strict=True)):
        if kernel.ndim == 2:  # all tasks' columns side by side
            outputs.append((x @ kernel + bias.reshape(-1))[:, start : start + head.units])
        else:
            outputs.append((x @ kernel[task] + bias[task])[:, : head.units])
        start += head.units
    return np.hstack(outputs)


def shared_head(values: Values, hidden: Rows, spec: NetworkSpec) -> np.ndarray:
    """Raw outputs of a head that all tasks share, with one set of columns per kind of task."""
    for depth in range(len(spec.head_layer_sizes)):
        hidden = [dense(values, f"head_{depth}", x) for x in hidden]
    starts: dict[tuple[int, str], int] = {}
    for head in spec.heads:
        starts.setdefault((head.units, head.link), sum(units for units, _ in starts))
    outputs = []
    for x, head in zip(hidden, spec.heads, strict=True):
        raw = x @ values["shared_head/kernel"] + values["shared_head/bias"].reshape(-1)
        start = starts[head.units, head.link]
        outputs.append(raw[:, start : start + head.units])
    return np.hstack(outputs)


REPRESENTATIONS: dict[str, Callable[[Values, np.ndarray, NetworkSpec], Rows]] = {
    function.__name__: function
    for function in (
        shared_bottom,
        bypass,
        mmoe,
        omoe,
        cgc,
        ple,
        cross_stitch,
        independent,
        low_rank,
        task_conditioned,
    )
}


def raw_outputs(values: Values, x: np.ndarray, spec: NetworkSpec) -> np.ndarray:
    """Raw outputs (rows, units) of a scheme's network."""
    hidden = REPRESENTATIONS[spec.architecture](values, x, spec)
    heads = shared_head if spec.architecture == "task_conditioned" else own_heads
    return heads(values, hidden, spec)
