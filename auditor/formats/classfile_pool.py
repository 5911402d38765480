"""The constant pool of a class file, read lazily (Java Virtual Machine Specification, 4.4)."""

from __future__ import annotations

from dataclasses import dataclass, field
from struct import Struct, unpack_from

from auditor.formats import FormatError

__all__ = ["ConstantPool", "Handle", "Member", "Reader", "dotted"]

_U2 = Struct(">H")
_U4 = Struct(">I")

_UTF8, _CLASS, _STRING, _NAME_AND_TYPE, _HANDLE = 1, 7, 8, 12, 15
_MEMBERS = (9, 10, 11)
"""Fieldref, Methodref, InterfaceMethodref."""
_DYNAMIC = (17, 18)
"""Dynamic, InvokeDynamic."""
_MODULE = 19
_WIDE = (5, 6)
"""Long and Double take two places."""
_LENGTHS = {
    **dict.fromkeys((3, 4, 9, 10, 11, _NAME_AND_TYPE, 17, 18), 4),
    **dict.fromkeys(_WIDE, 8),
    **dict.fromkeys((_CLASS, _STRING, 16, _MODULE, 20), 2),
    _HANDLE: 3,
}
_LONGEST_NAME = 1024
"""Bytes of a name that is still taken for one."""


@dataclass(frozen=True, slots=True)
class Member:
    """A field or method of a class, as an instruction names it."""

    owner: str
    """``java.lang.Runtime``; of an array its descriptor (``[I``)."""
    name: str
    descriptor: str
    qualified: str
    """``java.lang.Runtime.exec``. Kept here, so that it is in memory once."""
    dispatch: str
    """``java/lang/Runtime#exec``: that method, of whichever class the receiver is."""


@dataclass(frozen=True, slots=True)
class Handle:
    """A method handle: how it is used (5.4.3.5), and the member."""

    kind: int
    member: Member


class Reader:
    """Walks over bytes; whatever would leave them raises ``FormatError``."""

    __slots__ = ("data", "end", "position")

    def __init__(self, data: bytes, position: int = 0, end: int | None = None) -> None:
        self.data = data
        self.position = position
        self.end = len(data) if end is None else end

    def skip(self, length: int) -> int:
        """Leave out ``length`` bytes; gives where they start."""
        start = self.position
        if length > self.end - start:
            raise FormatError("The class file is cut off, or a length in it is wrong.")
        self.position = start + length
        return start

    def u1(self) -> int:
        """One byte."""
        return self.data[self.skip(1)]

    def u2(self) -> int:
        """Two bytes, big-endian."""
        value: int = _U2.unpack_from(self.data, self.skip(2))[0]
        return value

    def u4(self) -> int:
        """Four bytes, big-endian."""
        value: int = _U4.unpack_from(self.data, self.skip(4))[0]
        return value

    def part(self, length: int) -> Reader:
        """A reader of the next ``length`` bytes, which are skipped here."""
        start = self.skip(length)
        return Reader(self.data, start, start + length)


@dataclass(slots=True)
class ConstantPool:
    """Where each constant starts; what it says is decoded when it is asked for."""

    data: bytes
    tags: list[int]
    places: list[int]
    """Of the bytes after the tag."""
    _texts: dict[int, str] = field(default_factory=dict)
    _members: dict[int, Member | None] = field(default_factory=dict)

    @classmethod
    def read(cls, reader: Reader) -> ConstantPool:
        """Read ``constant_pool_count`` and the table. Raises ``FormatError``."""
        count = reader.u2()
        tags, places = [0], [0]
        while len(tags) < count:
            tag = reader.u1()
            if tag == _UTF8:
                place = reader.position
                reader.skip(reader.u2())
            elif tag in _LENGTHS:
                place = reader.skip(_LENGTHS[tag])
            else:
                raise FormatError(f"The class file has an unknown kind of constant: {tag}.")
            tags.append(tag)
            places.append(place)
            if tag in _WIDE:
                tags.append(0)
                places.append(0)
        return cls(reader.data, tags, places)

    def tag(self, index: int) -> int:
        """Kind of a constant; 0 for a wrong index."""
        return self.tags[index] if index < len(self.tags) else 0

    def utf8(self, index: int) -> str:
        """A Utf8 constant. Raises ``FormatError`` for a wrong index."""
        found = self._texts.get(index)
        if found is None:
            start = self._place(index, _UTF8)
            length = _U2.unpack_from(self.data, start)[0]
            raw = self.data[start + 2 : start + 2 + min(length, _LONGEST_NAME)]
            # Modified UTF-8 (4.4.7): surrogates stand on their own, NUL is two bytes.
            found = raw.decode("utf-8", "replace")
            self._texts[index] = found
        return found

    def class_name(self, index: int) -> str:
        """A Class, by its name with dots. Raises ``FormatError``."""
        return dotted(self.utf8(self._u2(self._place(index, _CLASS))))

    def class_or_none(self, index: int) -> str | None:
        """A Class; ``None`` for index 0."""
        return self.class_name(index) if index else None

    def module_name(self, index: int) -> str:
        """A Module's name. Raises ``FormatError``."""
        return self.utf8(self._u2(self._place(index, _MODULE)))

    def string(self, index: int) -> str | None:
        """A String; ``None`` where the constant is another."""
        if self.tag(index) != _STRING:
            return None
        return self.utf8(self._u2(self.places[index]))

    def class_constant(self, index: int) -> str | None:
        """A Class; ``None`` where the constant is another."""
        return self.class_name(index) if self.tag(index) == _CLASS else None

    def member(self, index: int) -> Member | None:
        """A Fieldref, Methodref or InterfaceMethodref; ``None`` where it is none."""
        if index not in self._members:
            self._members[index] = self._member(index)
        return self._members[index]

    def handle(self, index: int) -> Handle | None:
        """A MethodHandle; ``None`` where the constant is another."""
        if self.tag(index) != _HANDLE:
            return None
        place = self.places[index]
        member = self.member(self._u2(place + 1))
        return None if member is None else Handle(self.data[place], member)

    def bootstrap(self, index: int) -> int | None:
        """Of a Dynamic or InvokeDynamic constant: which bootstrap method it takes."""
        return self._u2(self.places[index]) if self.tag(index) in _DYNAMIC else None

    def _member(self, index: int) -> Member | None:
        if self.tag(index) not in _MEMBERS:
            return None
        owner, name_and_type = unpack_from(">HH", self.data, self.places[index])
        name, descriptor = unpack_from(">HH", self.data, self._place(name_and_type, _NAME_AND_TYPE))
        own, called = self.class_name(owner), self.utf8(name)
        qualified, dispatch = f"{own}.{called}", f"{own.replace('.', '/')}#{called}"
        return Member(own, called, self.utf8(descriptor), qualified, dispatch)

    def _u2(self, place: int) -> int:
        value: int = _U2.unpack_from(self.data, place)[0]
        return value

    def _place(self, index: int, tag: int) -> int:
        if self.tag(index) != tag:
            raise FormatError("The class file names a constant that is not there.")
        return self.places[index]


def dotted(name: str) -> str:
    """``java/lang/Object`` as ``java.lang.Object``."""
    return name.replace("/", ".")
