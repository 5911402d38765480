"""A blob that arrives over a network: a transfer that breaks goes on where it stopped."""

from __future__ import annotations

from collections.abc import Callable

from auditor.errors import UnreachableError
from auditor.image.registry.patience import Patience
from auditor.image.registry.transport import Answer, Failure, Fault

__all__ = ["Transfer"]

_PROGRESS = 64 * 1024
"""Bytes after which a transfer that breaks has got on, and is as good as new."""


class Transfer:
    """A ``Readable`` over answers to the same question from different offsets."""

    def __init__(
        self,
        open_at: Callable[[int], Answer],
        size: int | None,
        patience: Patience,
        name: str,
    ) -> None:
        """Open it at once.

        ``open_at`` takes an offset in bytes. It raises ``ImageError``s, and ``Failure`` for what
        is worth another try.
        """
        self._open_at = open_at
        self._size = size
        self._patience = patience
        self._name = name
        self._offset = 0
        self._mark = 0
        self._tried = 0
        self._closed = False
        self._answer: Answer | None = open_at(0)

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes, as soon as some are there; none at the end only."""
        if self._closed or self._offset == self._size:
            return self._after_end(size)
        while True:
            try:
                if self._answer is None:
                    self._answer = self._open_at(self._offset)
                data = self._some(self._answer, size)
            except Failure as failure:
                self._again(failure)
                continue
            self._offset += len(data)
            return data

    def close(self) -> None:
        """Give the connection back; closing twice is harmless."""
        self._closed = True
        if self._answer is not None:
            self._answer.close()
            self._answer = None

    def _after_end(self, size: int) -> bytes:
        """Once everything is there, a connection that breaks does no harm; more bytes would."""
        if self._closed or self._answer is None:
            return b""
        try:
            return self._answer.read(size)
        except Failure:
            return b""

    def _some(self, answer: Answer, size: int) -> bytes:
        """Bytes; an end that may be a broken connection is a ``Failure``."""
        data = answer.read(size)
        early = self._size is not None and self._offset < self._size
        if not data and early and answer.length is None and not answer.chunked:
            raise Failure("the connection broke", Fault.BROKEN)
        return data

    def _again(self, failure: Failure) -> None:
        """Let go of a broken answer and wait; raises where that was done often enough."""
        if self._answer is not None:
            self._answer.close()
            self._answer = None
        if self._offset - self._mark >= _PROGRESS:
            self._tried = 0
            self._mark = self._offset
        self._tried += 1
        if self._tried >= self._patience.tries:
            raise UnreachableError(
                f"{self._name} broke off {self._tried} times, the last time after "
                f"{self._offset} bytes: {failure}",
                hint="try again later",
            ) from failure
        self._patience.wait(self._tried)
