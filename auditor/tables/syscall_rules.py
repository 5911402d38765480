"""``signatures/syscalls/arguments.toml``: what a system call asks for where an argument decides."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass

import msgspec

from auditor.model.terms import Need
from auditor.tables.files import Files, complain
from auditor.tables.rows import CapabilityRow, Source

__all__ = ["Condition", "RuleRow", "load_constants", "load_rules"]

ARGUMENTS = "syscalls/arguments.toml"
CONSTANTS = "syscalls/constants.csv"
REGISTERS = 6
"""Arguments that a system call can have."""
WORD = 0xFFFFFFFF
"""The bits that are compared: every argument that decides is an ``int``."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What one argument must be."""

    argument: int
    """From 0."""
    memory: bool
    """Not the argument, but the first eight bytes of what it points to."""
    mask: int
    all: int
    """Bits that are all set."""
    any: int
    """Bits of which one is set; 0 asks nothing."""
    none: int
    """Bits of which none is set."""
    equals: frozenset[int] | None
    """The masked value is one of these; ``None`` asks nothing."""
    excluded: frozenset[int]
    """The masked value is none of these."""

    def holds(self, arguments: Mapping[int, int], memory: Mapping[int, int]) -> bool:
        """Whether it is known to hold."""
        value = (memory if self.memory else arguments).get(self.argument)
        if value is None:
            return False
        value &= self.mask
        return (
            value & self.all == self.all
            and (not self.any or value & self.any != 0)
            and not value & self.none
            and (self.equals is None or value in self.equals)
            and value not in self.excluded
        )


@dataclass(frozen=True, slots=True)
class RuleRow:
    """What a call asks for where its arguments are these."""

    call: str
    when: tuple[Condition, ...]
    """All must hold."""
    capability: str
    need: Need
    """The capability's own, unless this rule overrides it."""
    reason: str
    source: str


class _Shape(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One table of ``arguments.toml``."""


class ConditionShape(_Shape, frozen=True):
    """One condition of a rule. Strings hold names of constants, or numbers."""

    argument: int
    memory: bool = False
    mask: str = ""
    all: str = ""
    any: str = ""
    none: str = ""
    equals: str = ""
    excluded: str = msgspec.field(default="", name="except")


class RuleShape(_Shape, frozen=True):
    """One rule."""

    call: str
    when: tuple[ConditionShape, ...]
    capability: str
    reason: str
    need: Need | None = None


class ArgumentsShape(_Shape, frozen=True):
    """The whole file."""

    source: str
    rule: tuple[RuleShape, ...]


def load_constants(files: Files, sources: Mapping[str, Source]) -> dict[str, int]:
    """Constant → value, the same wherever it exists. Raises ``TableError``."""
    found: dict[str, int] = {}
    columns = ("name", "x86_64", "aarch64", "header", "source")
    for line, (name, x86_64, aarch64, _, source) in files.rows(CONSTANTS, columns):
        where = f"line {line}"
        if source not in sources:
            raise complain(CONSTANTS, where, f"source {source!r} is not in sources.toml")
        cells = {cell for cell in (x86_64, aarch64) if cell}
        if len(cells) != 1:
            reason = f"{name} needs one value that holds on all architectures that have it"
            raise complain(CONSTANTS, where, reason)
        found[name] = _number(CONSTANTS, where, cells.pop())
    return found


def _number(file: str, where: str, text: str) -> int:
    try:
        value = int(text, 0)
    except ValueError:
        value = -1
    if not 0 <= value <= WORD:
        raise complain(file, where, f"{text!r} is neither a constant nor a number of 32 bits")
    return value


def load_rules(
    files: Files,
    sources: Mapping[str, Source],
    capabilities: Mapping[str, CapabilityRow],
    calls: Container[str],
    constants: Mapping[str, int],
) -> dict[str, tuple[RuleRow, ...]]:
    """Call → its rules, in the order in which they are tried. Raises ``TableError``."""
    document = files.toml(ARGUMENTS, ArgumentsShape)
    if document.source not in sources:
        raise complain(ARGUMENTS, "source", f"{document.source!r} is not in sources.toml")
    found: dict[str, tuple[RuleRow, ...]] = {}
    for position, shape in enumerate(document.rule, 1):
        where = f"rule {position} ({shape.call})"
        if shape.call not in calls:
            raise complain(ARGUMENTS, where, f"no call {shape.call!r} in syscalls/syscalls.csv")
        if shape.capability not in capabilities:
            reason = f"capability {shape.capability!r} is not in capabilities.toml"
            raise complain(ARGUMENTS, where, reason)
        when = tuple(_condition(where, item, constants) for item in shape.when)
        if not when or not shape.reason:
            lack = "condition" if shape.reason else "reason"
            raise complain(ARGUMENTS, where, f"a rule without a {lack}")
        before = found.get(shape.call, ())
        if any(set(rule.when) <= set(when) for rule in before):
            raise complain(ARGUMENTS, where, "an earlier rule always holds where this one does")
        need = shape.need or capabilities[shape.capability].need
        source = document.source
        row = RuleRow(shape.call, when, shape.capability, need, shape.reason, source)
        found[shape.call] = (*before, row)
    return found


def _condition(where: str, shape: ConditionShape, constants: Mapping[str, int]) -> Condition:
    def values(words: str) -> frozenset[int]:
        return frozenset(
            constants[word] if word in constants else _number(ARGUMENTS, where, word)
            for word in words.split()
        )

    def bits(words: str) -> int:
        together = 0
        for value in values(words) if words else ():
            together |= value
        return together

    if not 0 <= shape.argument < REGISTERS:
        raise complain(ARGUMENTS, where, f"there is no argument {shape.argument}, only 0 to 5")
    if not any((shape.all, shape.any, shape.none, shape.equals, shape.excluded)):
        raise complain(ARGUMENTS, where, "a condition that asks nothing")
    return Condition(
        argument=shape.argument,
        memory=shape.memory,
        mask=bits(shape.mask) or WORD,
        all=bits(shape.all),
        any=bits(shape.any),
        none=bits(shape.none),
        equals=values(shape.equals) if shape.equals else None,
        excluded=values(shape.excluded) if shape.excluded else frozenset(),
    )
