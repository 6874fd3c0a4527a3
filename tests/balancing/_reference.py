"""Reference implementations in numpy and scipy, in double precision, on explicit gradients if the paper uses them."""

from __future__ import annotations

import numpy as np
from scipy import optimize

RIDGE = 1e-5


def ridged(gram: np.ndarray, ridge: float = RIDGE) -> np.ndarray:
    """The ridged matrix that the methods document."""
    gram = gram.astype(np.float64)
    return gram + ridge * np.diag(np.diag(gram))


def cone_minimiser(matrix: np.ndarray, linear: np.ndarray) -> np.ndarray:
    """Minimiser of x'Ax/2 - b'x over x >= 0, as a non-negative least squares problem."""
    root = np.linalg.cholesky(matrix)
    return optimize.nnls(root.T, np.linalg.solve(root, linear), maxiter=100 * len(linear))[0]


def mgda(gram: np.ndarray) -> np.ndarray:
    matrix, norms = _unit(ridged(gram))
    point = cone_minimiser(matrix, norms.min() / norms) / norms
    return point / point.sum() * len(point)


def upgrad(gram: np.ndarray, loss_weights: np.ndarray | None = None) -> np.ndarray:
    matrix, norms = _unit(ridged(gram))
    total = np.zeros(len(norms))
    for k, unit in enumerate(np.eye(len(norms))):
        extra = cone_minimiser(matrix, -matrix @ unit)
        total += (1.0 if loss_weights is None else loss_weights[k]) * norms[k] * (unit + extra) / norms
    return total


def imtl_g(gram: np.ndarray) -> np.ndarray:
    norms = np.sqrt(np.diag(gram.astype(np.float64)))
    point = np.linalg.solve(ridged(gram), norms)
    return point / np.abs(point).sum() * len(point)


def nash(gram: np.ndarray) -> np.ndarray:
    norms = np.sqrt(np.diag(gram.astype(np.float64)))
    matrix = ridged(gram, 1e-4) / np.outer(norms, norms)

    def objective(log_a: np.ndarray) -> tuple[float, np.ndarray]:
        a = np.exp(log_a)
        return a @ matrix @ a / 2 - log_a.sum(), a * (matrix @ a) - 1

    def hessian(log_a: np.ndarray) -> np.ndarray:
        a = np.exp(log_a)
        return np.outer(a, a) * matrix + np.diag(a * (matrix @ a))

    found = optimize.minimize(
        objective, np.zeros(len(norms)), jac=True, hess=hessian, method="trust-exact", options={"gtol": 1e-9}
    )
    found = optimize.root(lambda log_a: objective(log_a)[1], found.x, jac=hessian, tol=1e-14)
    assert np.abs(objective(found.x)[1]).max() < 1e-8, found
    point = np.exp(found.x) / norms
    return point / point.sum() * len(point)


def aligned(gram: np.ndarray) -> np.ndarray:
    gram = gram.astype(np.float64)
    values, vectors = np.linalg.eigh(gram)
    keep = values > values.max() * len(values) * np.finfo(np.float32).eps
    values, vectors = values[keep], vectors[:, keep]
    return np.sqrt(values.min()) * (vectors / np.sqrt(values)) @ vectors.T @ np.ones(len(gram))


def cagrad(gram: np.ndarray, c: float = 0.5) -> np.ndarray:
    """From the primal: the largest t such that the polyhedron {d : g_k . d >= t} comes within c |g0| of g0."""
    matrix, norms = _unit(ridged(gram))
    average = norms / len(norms)
    length = np.sqrt(average @ matrix @ average)
    towards = matrix @ average / length
    ratio = norms.min() / norms

    def nearest(t: float) -> np.ndarray:
        return cone_minimiser(matrix, t * ratio - towards)

    def excess(t: float) -> float:
        y = nearest(t)
        return y @ matrix @ y - c**2

    added = np.zeros(len(norms))
    if c > 0:
        low = (towards / ratio).min()  # reached by g0 itself
        high = low + 1.0
        while excess(high) < 0:
            high = low + 2 * (high - low)
        added = nearest(optimize.brentq(excess, low, high, xtol=1e-15, rtol=1e-15))
    return len(norms) * (average + length * added) / norms / (1 + c**2)


def pcgrad(gradients: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """The update itself, not weights."""
    update = np.zeros(gradients.shape[1])
    for i, own in enumerate(gradients):
        h = own.copy()
        for j in np.argsort(noise[i]):
            if j != i and h @ gradients[j] < 0:
                h -= (h @ gradients[j]) / (gradients[j] @ gradients[j]) * gradients[j]
        update += h
    return update


def gradvac(gradients: np.ndarray, noise: np.ndarray, aims: np.ndarray, beta: float) -> tuple[np.ndarray, np.ndarray]:
    """The update itself and the new aims."""
    aims = aims.copy()
    update = np.zeros(gradients.shape[1])
    norm = np.linalg.norm
    for i, own in enumerate(gradients):
        h = own.copy()
        for j in np.argsort(noise[i]):
            if j == i or norm(h) < 1e-6 * norm(own):
                continue
            rho, aim = h @ gradients[j] / norm(h) / norm(gradients[j]), min(aims[i, j], 0.999)
            aims[i, j] += beta * (rho - aims[i, j])
            if rho < aim:
                lack = norm(h) * (aim * np.sqrt(max(1 - rho**2, 0)) - rho * np.sqrt(1 - aim**2))
                h += gradients[j] * lack / (norm(gradients[j]) * np.sqrt(1 - aim**2))
        update += h
    return update, aims


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max())
    return e / e.sum()


class Adam:
    """Adam on one vector, as in the paper."""

    def __init__(self, n: int, learning_rate: float) -> None:
        self.m, self.v, self.t, self.learning_rate = np.zeros(n), np.zeros(n), 0, learning_rate

    def step(self, gradient: np.ndarray) -> np.ndarray:
        """Change of the variable."""
        self.t += 1
        self.m = 0.9 * self.m + 0.1 * gradient
        self.v = 0.999 * self.v + 0.001 * gradient**2
        m, v = self.m / (1 - 0.9**self.t), self.v / (1 - 0.999**self.t)
        return -self.learning_rate * m / (np.sqrt(v) + 1e-8)


def _unit(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    norms = np.sqrt(np.diag(matrix))
    return matrix / np.outer(norms, norms), norms
