"""What the instructions of a method use (Java Virtual Machine Specification, 6.5)."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from struct import unpack_from

from auditor.formats import FormatError
from auditor.formats.classfile_pool import ConstantPool, Handle, Member
from auditor.model.source import Use, UseKind

__all__ = ["CLASS_LITERAL", "Code", "Guard", "Owner", "guards", "read_uses"]

MAX_USES = 300_000
"""Uses of one class; a file that has more is refused."""
_MAX_GUARDS = 64
"""Ranges of one method that count as guarded."""
_NEAR = 6
"""Instructions between a constant and the call that takes it."""

_LDC, _LDC_W, _LDC2_W = 18, 19, 20
_TABLESWITCH, _LOOKUPSWITCH, _WIDE, _IINC = 170, 171, 196, 132
_GETSTATIC, _PUTSTATIC = 178, 179
_INVOKEVIRTUAL, _INVOKESPECIAL, _INVOKESTATIC, _INVOKEINTERFACE, _INVOKEDYNAMIC = range(182, 187)
_RETURNS = range(172, 178)
_GOTO, _ATHROW = 167, 191
_LENGTHS = bytearray([1]) * 202
for _length, _opcodes in {
    2: (16, _LDC, *range(21, 26), *range(54, 59), 169, 188),
    3: (17, 19, 20, _IINC, *range(153, 169), *range(178, 185), 187, 189, 192, 193, 198, 199),
    4: (197,),
    5: (185, 186, 200, 201),
}.items():
    for _opcode in _opcodes:
        _LENGTHS[_opcode] = _length
_VARIABLE = frozenset({_TABLESWITCH, _LOOKUPSWITCH, _WIDE})
_TELLING = frozenset({_LDC, _LDC_W, _LDC2_W, _GETSTATIC, _PUTSTATIC, *range(182, 187)})

CLASS_LITERAL = "class$"
"""What compilers before Java 5 made of ``Main.class``: a method that takes a constant name."""
_CLASS_TEXT = re.compile(r"(?:[a-z_][\w]*\.)+[A-Z][\w$]*\Z")
_LOADERS = frozenset({("java.lang.Class", "forName"), ("java.lang.ClassLoader", "loadClass")})
_DEFINERS = frozenset({"defineClass", "defineHiddenClass", "defineAnonymousClass"})
_TOLD_BY_NAME = _DEFINERS | {"loadClass", CLASS_LITERAL}
"""Methods that mean the same in whichever class they are called."""
_GIVES_CLASS = ")Ljava/lang/Class;"
_GETTERS = frozenset({"getMethod", "getDeclaredMethod"})
_FINDERS = frozenset({"findVirtual", "findStatic", "findSpecial"})
_MAKERS = frozenset({("java.lang.Class", "newInstance")}) | {
    ("java.lang.reflect.Constructor", "newInstance")
}
_FIELD_KINDS = range(1, 5)
"""Method handles that read or write a field."""


@dataclass(frozen=True, slots=True)
class Guard:
    """Instructions from ``start`` up to ``end`` whose missing class or library is caught."""

    start: int
    end: int


@dataclass(slots=True)
class Owner:
    """The class that a method is in."""

    name: str
    unit: str
    methods: frozenset[str]
    bootstraps: tuple[tuple[int, ...], ...]
    """For each bootstrap method the constants that it is given, itself first."""
    left: int = MAX_USES
    """How many more uses are taken."""


@dataclass(frozen=True, slots=True)
class Code:
    """A Code attribute."""

    start: int
    end: int
    """Of the instructions, in the class file."""
    lines: tuple[tuple[int, int], ...]
    """Offset and line, sorted."""
    guards: tuple[Guard, ...] = ()

    def line(self, offset: int) -> int:
        """Line of an instruction; 0 where the table does not tell."""
        at = bisect_right(self.lines, (offset, 0xFFFF)) - 1
        return self.lines[at][1] if at >= 0 else 0

    def guarded(self, offset: int) -> bool:
        """Whether the program goes on where what the instruction names is missing."""
        return any(guard.start <= offset < guard.end for guard in self.guards)


def read_uses(pool: ConstantPool, code: Code, owner: Owner) -> list[Use]:
    """What a method's instructions use. Raises ``FormatError`` for damaged code."""
    scan = _Scan(pool, code, owner)
    data, position, end = pool.data, code.start, code.end
    while position < end:
        opcode = data[position]
        if opcode >= len(_LENGTHS):
            raise FormatError(f"The class file has an unknown instruction: {opcode}.")
        if opcode in _VARIABLE:
            length = _variable_length(data, code.start, position, end)
        else:
            length = _LENGTHS[opcode]
        if position + length > end:
            raise FormatError("An instruction of the class file is cut off.")
        scan.count += 1
        if opcode in _TELLING:
            index = data[position + 1]
            if opcode != _LDC:
                index = index << 8 | data[position + 2]
            scan.instruction(opcode, index, position - code.start)
        position += length
    return scan.finish()


def _goes_on(data: bytes, code: Code, offset: int) -> bool:
    """Whether what starts at an offset goes on, rather than throws: handlers that look away."""
    position, steps = code.start + offset, 0
    while position < code.end and steps < 64:  # noqa: PLR2004
        opcode = data[position]
        if opcode == _ATHROW:
            return False
        if opcode in _RETURNS or opcode == _GOTO or opcode >= len(_LENGTHS):
            return True
        if opcode in _VARIABLE:
            return True
        position += _LENGTHS[opcode]
        steps += 1
    return True


def _variable_length(data: bytes, start: int, position: int, end: int) -> int:
    """Length of a switch, which is padded to four bytes from the start, or of ``wide``."""
    opcode = data[position]
    if opcode == _WIDE:
        return 6 if position + 1 < end and data[position + 1] == _IINC else 4
    padded = position + 1 + (-(position + 1 - start)) % 4
    if padded + 12 > end:
        raise FormatError("A switch of the class file is cut off.")
    if opcode == _TABLESWITCH:
        low, high = unpack_from(">ii", data, padded + 4)
        entries, size, head = int(high - low + 1), 4, 12
    else:
        entries, size, head = int(unpack_from(">i", data, padded + 4)[0]), 8, 8
    if entries < 0 or padded + head + entries * size > end:
        raise FormatError("A switch of the class file is longer than its method.")
    return padded - position + head + entries * size


@dataclass(slots=True)
class _Scan:
    """One pass over the instructions, with the constants that were pushed last."""

    pool: ConstantPool
    code: Code
    owner: Owner
    count: int = 0
    uses: dict[Use, None] = field(default_factory=dict)
    _text: tuple[int, str] = (-1000, "")
    """The last string, and at which instruction."""
    _class: tuple[int, str] = (-1000, "")
    _classes: dict[str, int] = field(default_factory=dict)
    _made: bool = False
    """Whether something is made by reflection."""
    _sought: int = 0
    """Methods that are sought by a constant name."""
    _invoked: list[tuple[str, int]] = field(default_factory=list)

    def instruction(self, opcode: int, index: int, offset: int) -> None:
        """Take one instruction that names a constant."""
        if opcode <= _LDC2_W:
            self._constant(index, offset)
        elif opcode == _INVOKEDYNAMIC:
            self._bootstrap(index, offset)
        else:
            member = self.pool.member(index)
            if member is None:
                raise FormatError("An instruction of the class file names no member.")
            self._member(opcode, member, offset)

    def finish(self) -> list[Use]:
        """All uses, with what only the whole method tells."""
        if self._made:
            for name, line in self._classes.items():
                self._add(UseKind.NAME, f"{name}.<init>", line)
        if not self._sought:
            for name, line in self._invoked:
                self._dynamic(name, line)
        return list(self.uses)

    def _add(
        self, kind: UseKind, name: str, line: int, *, called: bool = False, guarded: bool = False
    ) -> None:
        self.owner.left -= 1
        if self.owner.left < 0:
            raise FormatError(f"The class file uses more than {MAX_USES} things.")
        self.uses[Use(kind, name, line, called, guarded)] = None

    def _dynamic(self, name: str, line: int, *, guarded: bool = False) -> None:
        """Told with its class, since the file that people see holds many."""
        self._add(UseKind.DYNAMIC, f"{name} in {self.owner.name}", line, guarded=guarded)

    def _constant(self, index: int, offset: int) -> None:
        line = self.code.line(offset)
        text = self.pool.string(index)
        if text is not None:
            self._text = (self.count, text)
            if _CLASS_TEXT.match(text):
                self._add(UseKind.TEXT, text, line)
            return
        name = self.pool.class_constant(index)
        if name is not None and not name.startswith("["):
            self._class = (self.count, name)
            self._classes.setdefault(name, line)
            if name != self.owner.name:
                self._add(UseKind.NAME, name, line, guarded=self.code.guarded(offset))
        elif self.pool.bootstrap(index) is not None:
            self._bootstrap(index, offset)
        elif (handle := self.pool.handle(index)) is not None:
            self._handle(handle, line)

    def _bootstrap(self, index: int, offset: int) -> None:
        which = self.pool.bootstrap(index)
        if which is None or which >= len(self.owner.bootstraps):
            raise FormatError("An instruction of the class file names no bootstrap method.")
        for constant in self.owner.bootstraps[which]:
            self.owner.left -= 1
            handle = self.pool.handle(constant)
            if handle is not None and not handle.member.owner.startswith("java.lang.invoke."):
                self._handle(handle, self.code.line(offset))

    def _handle(self, handle: Handle, line: int) -> None:
        if handle.kind not in _FIELD_KINDS:
            virtual = handle.kind in {5, 9}
            self._method(handle.member, line, called=False, virtual=virtual, guarded=False)

    def _member(self, opcode: int, member: Member, offset: int) -> None:
        line, guarded = self.code.line(offset), self.code.guarded(offset)
        if opcode in {_GETSTATIC, _PUTSTATIC}:
            if member.owner != self.owner.name:
                self._add(UseKind.NAME, member.qualified, line, guarded=guarded)
            return
        virtual = opcode in {_INVOKEVIRTUAL, _INVOKEINTERFACE}
        self._method(member, line, called=True, virtual=virtual, guarded=guarded)
        told = member.name in _TOLD_BY_NAME and member.descriptor.endswith(_GIVES_CLASS)
        if told or member.owner.startswith("java."):
            self._reflection(member, line, guarded=guarded)

    def _method(
        self, member: Member, line: int, *, called: bool, virtual: bool, guarded: bool
    ) -> None:
        owner, name = member.owner, member.name
        if owner.startswith("["):
            return
        if owner == self.owner.name and name in self.owner.methods:
            unit = f"{self.owner.unit}.{name}"
            self._add(UseKind.LOCAL, unit, line, called=called, guarded=guarded)
        else:
            self._add(UseKind.NAME, member.qualified, line, called=called, guarded=guarded)
        if virtual and not owner.startswith("java."):
            self._add(UseKind.MEMBER, member.dispatch, line, called=called)

    def _reflection(self, member: Member, line: int, *, guarded: bool) -> None:
        owner, name = member.owner, member.name
        text = self._near(self._text)
        if name == CLASS_LITERAL:
            if text is not None:
                self._add(UseKind.NAME, text, line, guarded=guarded)
        elif (owner, name) in _LOADERS or name == "loadClass":
            if text is None:
                self._dynamic(member.qualified, line, guarded=guarded)
            elif not text.startswith("["):
                self._add(UseKind.NAME, text, line, called=True, guarded=guarded)
                self._add(UseKind.NAME, f"{text}.<init>", line, called=True, guarded=guarded)
        elif name in _DEFINERS:
            self._dynamic(member.qualified, line)
        elif (owner, name) in _MAKERS:
            self._made = True
        elif (owner == "java.lang.Class" and name in _GETTERS) or (
            owner == "java.lang.invoke.MethodHandles$Lookup" and name in _FINDERS
        ):
            self._getter(text, line)
        elif (owner, name) == ("java.lang.reflect.Method", "invoke"):
            self._invoked.append((member.qualified, line))
        else:
            self._library(member, line, guarded=guarded)

    def _getter(self, text: str | None, line: int) -> None:
        """``type.getMethod("name")``: of a constant class that method, else any of that name."""
        if text is None:
            return
        self._sought += 1
        known = [name for name in self._classes if not name.startswith("java.")]
        for name in known:
            self._add(UseKind.NAME, f"{name}.{text}", line)
        if not known:
            self._add(UseKind.MEMBER, text, line)

    def _library(self, member: Member, line: int, *, guarded: bool) -> None:
        """What a library of the platform loads by name: services and native libraries."""
        owner, name = member.owner, member.name
        if owner == "java.util.ServiceLoader" and name.startswith("load"):
            service = self._near(self._class)
            if service is None:
                self._dynamic(member.qualified, line)
            else:
                self._add(UseKind.NAME, f"META-INF/services/{service}", line, called=True)
        elif owner == "java.sql.DriverManager":
            # Its documentation: drivers are loaded by the service-provider mechanism.
            self._add(UseKind.NAME, "META-INF/services/java.sql.Driver", line, called=True)
        elif owner in {"java.lang.System", "java.lang.Runtime"} and name == "loadLibrary":
            text = self._near(self._text)
            if text is not None:
                self._add(UseKind.NAME, f"native/{text}", line, called=True, guarded=guarded)

    def _near(self, constant: tuple[int, str]) -> str | None:
        at, value = constant
        return value if self.count - at <= _NEAR else None


def guards(
    pool: ConstantPool, code: Code, table: Mapping[tuple[int, int, int], str | None]
) -> tuple[Guard, ...]:
    """Ranges whose handlers catch that something is missing, and go on."""
    found = (
        Guard(start, end)
        for (start, end, handler), caught in table.items()
        if caught in _MISSING and _goes_on(pool.data, code, handler)
    )
    return tuple(islice(found, _MAX_GUARDS))


_MISSING = frozenset(
    f"java.lang.{name}"
    for name in (
        "ClassNotFoundException",
        "LinkageError",
        "NoClassDefFoundError",
        "ReflectiveOperationException",
        "UnsatisfiedLinkError",
    )
)
