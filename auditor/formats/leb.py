"""A bounded reader of the encodings that WebAssembly binaries are made of."""

from __future__ import annotations

from collections.abc import Container

from auditor.formats import FormatError

__all__ = ["Reader"]


class Reader:
    """Walks over ``data[start:end]``; whatever would leave it raises ``FormatError``."""

    __slots__ = ("_data", "_end", "_position")

    def __init__(self, data: bytes, start: int, end: int) -> None:
        self._data = data
        self._position = start
        self._end = end

    @property
    def done(self) -> bool:
        """Whether all bytes are read."""
        return self._position >= self._end

    def byte(self) -> int:
        """One byte."""
        if self.done:
            raise FormatError("The WebAssembly file ends in the middle of an item.")
        value = self._data[self._position]
        self._position += 1
        return value

    def u32(self) -> int:
        """LEB128, unsigned, at most 32 bits (core specification, "Integers")."""
        return self._unsigned(32)

    def u64(self) -> int:
        """LEB128, unsigned, at most 64 bits."""
        return self._unsigned(64)

    def s33(self) -> int:
        """LEB128, signed, at most 33 bits: heap types and component value types."""
        value = shift = 0
        for _ in range(5):
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return value - (1 << shift) if byte & 0x40 else value
        raise FormatError("A number in the WebAssembly file is longer than 33 bits.")

    def name(self) -> str:
        """A length and that many bytes of UTF-8."""
        try:
            return self.text().decode("utf-8")
        except UnicodeDecodeError:
            raise FormatError("A name in the WebAssembly file is not UTF-8.") from None

    def text(self) -> bytes:
        """A length and that many bytes."""
        start, length = self._skip(self.u32())
        return self._data[start : start + length]

    def part(self, length: int) -> Reader:
        """A reader of the next ``length`` bytes, which are skipped here."""
        start, length = self._skip(length)
        return Reader(self._data, start, start + length)

    def one_of(self, allowed: Container[int], what: str) -> int:
        """One byte that has to be among ``allowed``."""
        value = self.byte()
        if value not in allowed:
            raise FormatError(f"The WebAssembly file has an unknown {what}: {value:#x}.")
        return value

    def _skip(self, length: int) -> tuple[int, int]:
        start = self._position
        if length > self._end - start:
            raise FormatError("The WebAssembly file is cut off, or a length in it is wrong.")
        self._position += length
        return start, length

    def _unsigned(self, bits: int) -> int:
        value = 0
        for shift in range(0, bits, 7):
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if not byte & 0x80:
                if value >> bits:
                    break
                return value
        raise FormatError(f"A number in the WebAssembly file is longer than {bits} bits.")
