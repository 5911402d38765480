"""Where the graph's nodes stand: in layers, by their distance from the entrypoint.

Computed here, once, so that a browser has nothing to compute. The idea is Sugiyama's (layers, then
order within a layer by the mean place of the neighbours before it); long layers are folded into
columns, so that the whole is about as wide as a screen.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

__all__ = ["block", "layered"]

ROW = 30
"""Pixels from one node of a column to the next."""
_CELL = 26
"""Pixels from one node to the next where labels are not drawn."""
_GAP = 46
"""Pixels between a column's longest label and the next column."""
_LETTER = 7
_LONGEST = 190
"""Pixels of a letter, and of the longest label that is drawn."""
_SHAPE = 1.5
"""Width over height."""


def layered(
    labels: Sequence[str], edges: Iterable[tuple[int, int]], last: Collection[int] = ()
) -> dict[int, tuple[int, int]]:
    """Node → (x, y) in pixels, to the right and down; node 0 is the first layer.

    ``labels`` has the text that is drawn to the right of each node. The nodes of ``last`` (shared
    libraries) stand to the right of all others, and what nothing leads to after all that its
    kind has. Linear but for sorting.
    """
    leads: list[list[int]] = [[] for _ in labels]
    before: list[list[int]] = [[] for _ in labels]
    for source, target in edges:
        if max(source, target) < len(labels):
            leads[source].append(target)
            before[target].append(source)
    layers = _layers(leads, frozenset(last))
    widths = [[_width(labels[node]) for node in layer] for layer in layers]
    rows = _rows([len(layer) for layer in layers], [max(width) for width in widths])
    places: dict[int, tuple[int, int]] = {}
    left = 0
    for layer in layers:
        ordered = sorted(layer, key=lambda node: (_mean(before[node], places), node))
        columns = -(-len(ordered) // rows)
        high = -(-len(ordered) // columns)
        for first in range(0, len(ordered), high):
            column = ordered[first : first + high]
            for row, node in enumerate(column):
                places[node] = (left, row * ROW - (high - 1) * ROW // 2)
            left += max(_width(labels[node]) for node in column)
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


def _width(label: str) -> int:
    return min(len(label) * _LETTER, _LONGEST) + _GAP


def _layers(leads: Sequence[Sequence[int]], last: frozenset[int]) -> list[list[int]]:
    """Nodes by distance: those that are not ``last``, then those that are."""
    seen = {0}
    layers = _distances(leads, [0], seen, last)
    layers.append([node for node in range(len(leads)) if node not in seen and node not in last])
    ends = {target for layer in layers for node in layer for target in leads[node]} - seen
    starts = sorted(ends & last)
    seen |= ends & last
    layers += _distances(leads, starts, seen, frozenset(range(len(leads))) - last)
    layers.append([node for node in sorted(last) if node not in seen])
    return [layer for layer in layers if layer]


def _distances(
    leads: Sequence[Sequence[int]], starts: list[int], seen: set[int], never: frozenset[int]
) -> list[list[int]]:
    """Layers of a breadth-first walk; adds to ``seen``."""
    layers = []
    layer = starts
    while layer:
        layers.append(layer)
        found: list[int] = []
        for node in layer:
            fresh = [item for item in leads[node] if item not in seen and item not in never]
            found += dict.fromkeys(fresh)
            seen.update(fresh)
        layer = found
    return layers


def _rows(sizes: Sequence[int], widths: Sequence[int]) -> int:
    """The most nodes in a column for which the whole has the wanted shape, or is lower."""
    low, high = 1, max(sizes)
    while low < high:
        rows = (low + high) // 2
        across = sum(-(-size // rows) * width for size, width in zip(sizes, widths, strict=True))
        if across > rows * ROW * _SHAPE:
            low = rows + 1
        else:
            high = rows
    return low


def _mean(before: Sequence[int], places: Mapping[int, tuple[int, int]]) -> float:
    found = [places[node][1] for node in before if node in places]
    return sum(found) / len(found) if found else 0.0
