"""Java class files (Java Virtual Machine Specification, Java SE 25 Edition, chapter 4)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from auditor.formats import FormatError
from auditor.formats.classfile_code import CLASS_LITERAL, Code, Owner, guards, read_uses
from auditor.formats.classfile_pool import ConstantPool, Reader, dotted
from auditor.model.source import SourceFacts, Unit, Use, UseKind

__all__ = ["LANGUAGE", "ClassFacts", "Method", "parse_class", "unit_of"]

LANGUAGE = "java"
MAGIC = b"\xca\xfe\xba\xbe"
MAX_SIZE = 8 << 20
"""Bytes of a class file; a larger one is refused."""
_OLDEST = 45
_LONGEST_CODE = 0xFFFF
_MOST_ARGUMENTS = 255
_LITERAL_CODE = 40
"""Bytes; compilers made some 20."""
_PRIVATE, _STATIC, _NATIVE, _ABSTRACT, _INTERFACE = 0x2, 0x8, 0x100, 0x400, 0x200
_NAME = re.compile(r"[^.;\[/<>]+|<init>|<clinit>")
_CLASS_NAME = re.compile(r"[^.;\[/]+(?:\.[^.;\[/]+)*")
_INITIALISER = "<clinit>"
_MODULE_INFO = "module-info"


@dataclass(frozen=True, slots=True)
class Method:
    """The methods of one name: overloads are one."""

    name: str
    static: bool = True
    """Whether all of them are."""
    private: bool = True
    """Whether all of them are."""
    abstract: bool = True
    """Whether all of them are."""
    native: bool = False
    """Whether one of them is."""
    descriptors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ClassFacts:
    """What one class file says."""

    name: str
    """Binary name, with dots: ``com.example.Outer$Inner``."""
    superclass: str | None
    interfaces: tuple[str, ...]
    interface: bool
    methods: dict[str, Method]
    annotations: tuple[str, ...]
    """Types of the class's own annotations that are visible at run time, sorted."""
    source: SourceFacts
    """Units: ``""`` for the static initialiser, ``Outer$Inner`` for the class, whose uses are
    what it extends and implements, and ``Outer$Inner.run`` for its methods."""
    module: str = ""
    """Name of the module that a ``module-info`` describes."""
    module_main: str = ""
    """The class that starts that module."""


def unit_of(name: str) -> str:
    """The unit of a class: the last part of its name."""
    return name.rpartition(".")[2]


def parse_class(data: bytes) -> ClassFacts:
    """Read a class file. Raises ``FormatError`` where it is damaged."""
    if len(data) > MAX_SIZE:
        raise FormatError(f"The class file is larger than {MAX_SIZE >> 20} MiB.")
    reader = Reader(data)
    if data[:4] != MAGIC or len(data) < 10 or int.from_bytes(data[6:8], "big") < _OLDEST:  # noqa: PLR2004
        raise FormatError("The file is no Java class file.")
    reader.skip(8)
    pool = ConstantPool.read(reader)
    return _Class(data, reader, pool).read()


@dataclass(slots=True)
class _Body:
    """One method with its code, before its instructions are read."""

    name: str
    descriptor: str
    access: int
    code: Code | None


@dataclass(slots=True)
class _Attributes:
    """What the attributes of the class say."""

    bootstraps: tuple[tuple[int, ...], ...] = ()
    annotations: set[str] = field(default_factory=set)
    module: str = ""
    module_main: str = ""


@dataclass(slots=True)
class _Class:
    data: bytes
    reader: Reader
    pool: ConstantPool

    def read(self) -> ClassFacts:
        """All of the class."""
        reader, pool = self.reader, self.pool
        access = reader.u2()
        name = pool.class_name(reader.u2())
        if not _CLASS_NAME.fullmatch(name):
            raise FormatError("The class file has a name that no class can have.")
        superclass = pool.class_or_none(reader.u2())
        interfaces = tuple(pool.class_name(reader.u2()) for _ in range(reader.u2()))
        self._skip_fields()
        bodies = [self._method() for _ in range(reader.u2())]
        attributes = self._attributes()
        methods = _merged(bodies)
        unit = unit_of(name)
        owner = Owner(name, unit, frozenset(methods) - {_INITIALISER}, attributes.bootstraps)
        supers = (*((superclass,) if superclass else ()), *interfaces)
        return ClassFacts(
            name=name,
            superclass=superclass,
            interfaces=interfaces,
            interface=bool(access & _INTERFACE),
            methods=methods,
            annotations=tuple(sorted(attributes.annotations)),
            source=SourceFacts(
                language=LANGUAGE,
                size=len(self.data),
                units=() if unit == _MODULE_INFO else self._units(owner, bodies, supers),
            ),
            module=attributes.module,
            module_main=attributes.module_main,
        )

    def _skip_fields(self) -> None:
        reader = self.reader
        for _ in range(reader.u2()):
            reader.skip(6)
            for _ in range(reader.u2()):
                reader.skip(2)
                reader.skip(reader.u4())

    def _method(self) -> _Body:
        reader, pool = self.reader, self.pool
        access, name, descriptor = reader.u2(), pool.utf8(reader.u2()), pool.utf8(reader.u2())
        if not _NAME.fullmatch(name):
            raise FormatError("The class file has a name that no method can have.")
        code = None
        for kind, body in self._each_attribute(reader):
            if kind == "Code":
                code = self._code(body)
        return _Body(name, descriptor, access, code)

    def _each_attribute(self, reader: Reader) -> Iterator[tuple[str, Reader]]:
        for _ in range(reader.u2()):
            kind = self.pool.utf8(reader.u2())
            yield kind, reader.part(reader.u4())

    def _code(self, body: Reader) -> Code:
        body.skip(4)
        length = body.u4()
        if length > _LONGEST_CODE:
            raise FormatError("A method of the class file is longer than a method can be.")
        start = body.skip(length)
        table: dict[tuple[int, int, int], str | None] = {}
        for _ in range(body.u2()):
            place = (body.u2(), body.u2(), body.u2())
            table[place] = self.pool.class_or_none(body.u2())
        lines: list[tuple[int, int]] = []
        for kind, part in self._each_attribute(body):
            if kind == "LineNumberTable":
                lines += [(part.u2(), part.u2()) for _ in range(part.u2())]
        code = Code(start, start + length, tuple(sorted(lines)))
        return replace(code, guards=guards(self.pool, code, table))

    def _attributes(self) -> _Attributes:
        found = _Attributes()
        for kind, body in self._each_attribute(self.reader):
            match kind:
                case "BootstrapMethods":
                    found.bootstraps = tuple(_bootstrap(body) for _ in range(body.u2()))
                case "RuntimeVisibleAnnotations":
                    found.annotations |= self._annotations(body)
                case "Module":
                    found.module = self.pool.module_name(body.u2())
                case "ModuleMainClass":
                    found.module_main = self.pool.class_name(body.u2())
        return found

    def _annotations(self, body: Reader) -> set[str]:
        found = set()
        for _ in range(body.u2()):
            descriptor = self.pool.utf8(body.u2())
            found.add(dotted(descriptor.removeprefix("L").removesuffix(";")))
            for _ in range(body.u2()):
                body.skip(2)
                _skip_value(body)
        return found

    def _units(
        self, owner: Owner, bodies: list[_Body], supers: tuple[str, ...]
    ) -> tuple[Unit, ...]:
        uses: dict[str, dict[Use, None]] = {"": {}}
        lines: dict[str, int] = {}
        sizes: dict[str, int] = {}
        for body in bodies:
            unit = "" if body.name == _INITIALISER else f"{owner.unit}.{body.name}"
            known = uses.setdefault(unit, {})
            if body.access & _NATIVE:
                name = f"native.{owner.name}.{body.name}"
                known[Use(UseKind.NAME, name, 0, called=True)] = None
            if body.code is None:
                continue
            if not _is_class_literal(body):
                known |= dict.fromkeys(read_uses(self.pool, body.code, owner))
            lines.setdefault(unit, body.code.lines[0][1] if body.code.lines else 0)
            sizes[unit] = sizes.get(unit, 0) + body.code.end - body.code.start
        bases = tuple(Use(UseKind.NAME, name, 0, called=True) for name in supers)
        return (
            _unit("", uses, lines, sizes),
            Unit(owner.unit, 0, 0, bases, is_class=True),
            *(_unit(name, uses, lines, sizes) for name in sorted(uses) if name),
        )


def _is_class_literal(body: _Body) -> bool:
    """Whether a method is what a compiler before Java 5 made for class literals."""
    return (
        body.name == CLASS_LITERAL
        and body.descriptor == "(Ljava/lang/String;)Ljava/lang/Class;"
        and body.code is not None
        and body.code.end - body.code.start < _LITERAL_CODE
    )


def _unit(
    name: str, uses: dict[str, dict[Use, None]], lines: dict[str, int], sizes: dict[str, int]
) -> Unit:
    found = tuple(sorted(uses[name], key=lambda use: (use.line, use)))
    return Unit(name, lines.get(name, 0), sizes.get(name, 0), found)


def _merged(bodies: list[_Body]) -> dict[str, Method]:
    found: dict[str, Method] = {}
    for body in bodies:
        known = found.get(body.name, Method(body.name))
        found[body.name] = Method(
            body.name,
            static=known.static and bool(body.access & _STATIC),
            private=known.private and bool(body.access & _PRIVATE),
            abstract=known.abstract and bool(body.access & _ABSTRACT),
            native=known.native or bool(body.access & _NATIVE),
            descriptors=(*known.descriptors, body.descriptor),
        )
    return found


def _bootstrap(body: Reader) -> tuple[int, ...]:
    method, count = body.u2(), body.u2()
    if count > _MOST_ARGUMENTS:
        raise FormatError("A bootstrap method of the class file is given too many arguments.")
    return (method, *(body.u2() for _ in range(count)))


def _skip_value(body: Reader) -> None:
    """Leave out one element value (4.7.16.1), however deep it is."""
    pending = [(1, False)]
    while pending:
        left, named = pending.pop()
        if not left:
            continue
        pending.append((left - 1, named))
        if named:
            body.skip(2)
        match chr(body.u1()):
            case "e":
                body.skip(4)
            case "@":
                body.skip(2)
                pending.append((body.u2(), True))
            case "[":
                pending.append((body.u2(), False))
            case _:
                body.skip(2)
