"""Where the graph's nodes stand: in layers, by their distance from the entrypoint.

Computed here, once, so that a browser has nothing to compute. The idea is Sugiyama's (layers, then
order within a layer by the mean place of the neighbours before it); long layers are folded into
columns, so that the whole is about as wide as a screen.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence

__all__ = ["block", "layered"]

COLUMN = 230
"""Pixels from one column to the next: a node and its label."""
ROW = 34
_CELL = 30
"""Pixels from one node to the next where labels are not drawn."""
_SHAPE = 1.7
"""Width over height."""


def layered(
    nodes: Sequence[int], edges: Iterable[tuple[int, int]], start: int
) -> dict[int, tuple[int, int]]:
    """Node → (x, y) in pixels, to the right and down; ``start`` is the first layer.

    What nothing leads to from ``start`` stands in the last layer. Linear but for sorting.
    """
    known = set(nodes)
    leads: dict[int, list[int]] = {node: [] for node in nodes}
    before: dict[int, list[int]] = {node: [] for node in nodes}
    for source, target in edges:
        if source in known and target in known:
            leads[source].append(target)
            before[target].append(source)
    layers = _layers(nodes, leads, start)
    rows = _rows([len(layer) for layer in layers])
    places: dict[int, tuple[int, int]] = {}
    column = 0
    for layer in layers:
        ordered = sorted(layer, key=lambda node: (_mean(before[node], places), node))
        columns = -(-len(ordered) // rows)
        high = -(-len(ordered) // columns)
        for index, node in enumerate(ordered):
            x, y = divmod(index, high)
            places[node] = ((column + x) * COLUMN, y * ROW - (high - 1) * ROW // 2)
        column += columns
    return places


def block(
    nodes: Sequence[int], around: Mapping[int, tuple[int, int]]
) -> dict[int, tuple[int, int]]:
    """Places under ``around`` for nodes that no edge leads to, in rows."""
    right = max((x for x, _ in around.values()), default=0)
    top = max((y for _, y in around.values()), default=0) + 3 * ROW
    across = max(right // _CELL, int((len(nodes) * _SHAPE) ** 0.5), 1)
    return {
        node: (index % across * _CELL, top + index // across * _CELL)
        for index, node in enumerate(nodes)
    }


def _layers(nodes: Sequence[int], leads: Mapping[int, list[int]], start: int) -> list[list[int]]:
    depth = {start: 0}
    waiting = deque([start])
    while waiting:
        node = waiting.popleft()
        for target in leads[node]:
            if target not in depth:
                depth[target] = depth[node] + 1
                waiting.append(target)
    last = max(depth.values()) + 1
    layers: list[list[int]] = [[] for _ in range(last + 1)]
    for node in nodes:
        layers[depth.get(node, last)].append(node)
    return [layer for layer in layers if layer]


def _rows(sizes: Sequence[int]) -> int:
    """The most nodes in a column for which the whole has the wanted shape, or is lower."""
    low, high = 1, max(sizes)
    while low < high:
        rows = (low + high) // 2
        columns = sum(-(-size // rows) for size in sizes)
        if columns * COLUMN > rows * ROW * _SHAPE:
            low = rows + 1
        else:
            high = rows
    return low


def _mean(before: Sequence[int], places: Mapping[int, tuple[int, int]]) -> float:
    found = [places[node][1] for node in before if node in places]
    return sum(found) / len(found) if found else 0.0
