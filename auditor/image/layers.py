"""All layers of an image: read side by side, and put on top of each other as they are done."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread

from auditor.errors import CorruptImageError
from auditor.image.blob import check_digest, find_blob, missing
from auditor.image.bounds import Budget
from auditor.image.layer_index import STAGE, LayerIndex, index_layer
from auditor.image.layered import LayeredRootFS
from auditor.image.manifest import FOREIGN_MARKS
from auditor.image.rootfs import KeepRule
from auditor.image.source import BlobSource, Descriptor
from auditor.image.spool import Spool
from auditor.image.squash import Squash
from auditor.image.threads import settle
from auditor.model.inventory import Unknown

__all__ = ["read_layers"]

_FEWEST, _MOST = 3, 8
"""Layers read at a time: Docker fetches three, so that one can wait for the network while others
are unpacked; beyond eight, threads of one process get in each other's way."""
_GRACE = 1.0
"""Seconds that threads are given to notice that they should stop."""


@dataclass(frozen=True, slots=True)
class _Reading:
    """One layer, and all that it takes to read it."""

    source: BlobSource
    layer: Descriptor
    diff_id: str
    keep: KeepRule
    budget: Budget

    def run(self) -> LayerIndex | None:
        """The layer's index; ``None`` for one that the source does not hand out."""
        check_digest(self.diff_id)
        algorithm = self.diff_id.partition(":")[0]
        index = self.source.indexed(self.layer)
        if index is None:
            blob = find_blob(self.source, self.layer)
            if blob is None:
                if any(mark in self.layer.media_type for mark in FOREIGN_MARKS):
                    return None
                raise missing(self.source.name(self.layer))
            with blob:
                index = index_layer(blob, self.keep, self.budget, algorithm)
        if index.diff_id != self.diff_id:
            index.spool.close()
            raise CorruptImageError(
                f"{self.source.name(self.layer)} unpacks to the digest {index.diff_id} where the "
                f"config expects {self.diff_id}",
                hint="the image's config and layers do not belong together; pull or build it again",
            )
        return index


def read_layers(
    source: BlobSource,
    layers: Sequence[Descriptor],
    diff_ids: tuple[str, ...],
    keep: KeepRule,
    budget: Budget,
) -> tuple[LayeredRootFS, tuple[int, ...]]:
    """The squashed files, and each layer's uncompressed bytes.

    Raises ``CorruptImageError``, ``BoundExceededError`` and other ``ImageError``s; where several
    layers are at fault, that of the lowest.
    """
    squash = Squash(keep, budget.bounds)
    spools: list[Spool] = []
    sizes: list[int] = []
    lost: list[Unknown] = []
    readings = [
        _Reading(source, layer, diff_id, keep, budget)
        for layer, diff_id in zip(layers, diff_ids, strict=True)
    ]
    try:
        with _started(readings, budget) as running:
            for number, future in enumerate(running):
                index = future.result()
                if index is None:
                    reason = f"layer {diff_ids[number]} is of a kind that is not handed out"
                    lost.append(Unknown("/", STAGE, reason))
                    sizes.append(layers[number].size or 0)
                    continue
                spools.append(index.spool)
                sizes.append(index.size)
                squash.apply(number, index)
                if future not in running[number + 1 :]:
                    index.items = []  # the tree has them now
        unknowns = [*squash.unknowns(), *lost]
        rootfs = LayeredRootFS(squash.tree, diff_ids, spools, unknowns, budget.bounds.links)
    except BaseException:
        for spool in spools:
            spool.close()
        raise
    return rootfs, tuple(sizes)


@contextmanager
def _started(
    readings: Sequence[_Reading], budget: Budget
) -> Iterator[list[Future[LayerIndex | None]]]:
    """The readings, begun in threads; when left early, those still running are stopped.

    A layer that stands there twice (an empty one, mostly) is read once.
    """
    begun = {reading: Future[LayerIndex | None]() for reading in readings}
    waiting: SimpleQueue[tuple[_Reading, Future[LayerIndex | None]]] = SimpleQueue()
    for pair in begun.items():
        waiting.put(pair)
    for _ in range(min(len(begun), max(os.cpu_count() or 1, _FEWEST), _MOST)):
        Thread(target=_work, args=(waiting,), name="layer", daemon=True).start()
    try:
        yield [begun[reading] for reading in readings]
    except BaseException:
        for future in begun.values():
            future.cancel()
        budget.stop()
        for future in wait(begun.values(), _GRACE).done:
            if not future.cancelled() and not future.exception() and (index := future.result()):
                index.spool.close()
        raise


def _work(waiting: SimpleQueue[tuple[_Reading, Future[LayerIndex | None]]]) -> None:
    """Run readings until none is left."""
    while True:
        try:
            reading, future = waiting.get_nowait()
        except Empty:
            return
        settle(future, reading.run)
