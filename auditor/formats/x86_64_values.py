"""Which constants a register can hold at a place of a function, by walking backwards.

All predecessors are followed. What comes from outside is a *parameter*: a register at the entry,
a slot of the caller's stack, or a field of what a register points to. What cannot be followed makes
the answer open.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from iced_x86 import FlowControl, Instruction, Mnemonic, OpKind, Register

from auditor.formats.x86_64_flow import (
    FULL,
    IMMEDIATES,
    RBP,
    RSP,
    WIDTH,
    Graph,
    changes_memory,
    memory_size,
    signed,
    written,
)

__all__ = ["FIRST_ARGUMENT", "NUMBER", "SECOND_ARGUMENT", "Budget", "Flow", "Location", "Values"]

Location: TypeAlias = tuple[str, int, int]
"""``("register", n, 0)``; ``("stack", 0, offset from the entry's stack pointer)``;
``("field", n, offset)``: what register n points to at the entry."""

NUMBER: Location = ("register", int(Register.RAX), 0)
FIRST_ARGUMENT: Location = ("register", int(Register.RDI), 0)
SECOND_ARGUMENT: Location = ("register", int(Register.RSI), 0)

_MOST_STEPS = 20_000
_MOST_VALUES = 256
_DEPTH = 24
_MASK64 = (1 << 64) - 1
_TWO = 2
_HALF = 4
_FEW = 15
_CLOBBERED = frozenset(
    int(register)
    for register in (
        Register.RAX, Register.RCX, Register.RDX, Register.RSI, Register.RDI,
        Register.R8, Register.R9, Register.R10, Register.R11,
    )
)  # fmt: skip
_KERNEL_CHANGES = frozenset({int(Register.RAX), int(Register.RCX), int(Register.R11)})
_REGISTER = OpKind.REGISTER
_CALLS = frozenset({FlowControl.CALL, FlowControl.INDIRECT_CALL})
_RETURNED = frozenset({int(Register.RAX), int(Register.RDX)})
_PASSED = _CLOBBERED
"""Registers that a caller may pass something in; R10 and R11 included, for code of one's own."""
_COPIES = frozenset({Mnemonic.MOV, Mnemonic.MOVZX, Mnemonic.MOVSX, Mnemonic.MOVSXD})
_CMOV = frozenset(
    getattr(Mnemonic, name)
    for name in dir(Mnemonic)
    if name.startswith("CMOV") and isinstance(getattr(Mnemonic, name), int)
)
_SET = frozenset(
    getattr(Mnemonic, name)
    for name in dir(Mnemonic)
    if name.startswith("SET") and isinstance(getattr(Mnemonic, name), int)
) - {Mnemonic.SETSSBSY}
_IN_PLACE = frozenset({Mnemonic.CDQE, Mnemonic.CWDE})
"""They widen what is there."""
_WITH_CARRY = frozenset({Mnemonic.ADC, Mnemonic.SBB})
_ZEROES = frozenset({Mnemonic.XOR, Mnemonic.SUB})
_ARITHMETIC: dict[int, Callable[[int, int], int]] = {
    Mnemonic.ADD: lambda a, b: a + b,
    Mnemonic.SUB: lambda a, b: a - b,
    Mnemonic.AND: lambda a, b: a & b,
    Mnemonic.OR: lambda a, b: a | b,
    Mnemonic.XOR: lambda a, b: a ^ b,
    Mnemonic.SHL: lambda a, b: a << (b & 63),
    Mnemonic.SHR: lambda a, b: (a & _MASK64) >> (b & 63),
}


@dataclass(slots=True)
class Values:
    """What may be there."""

    constants: set[int] = field(default_factory=set)
    parameters: set[Location] = field(default_factory=set)
    stack: set[int] = field(default_factory=set)
    """Addresses in the own frame, as offsets from the entry's stack pointer."""
    open: bool = False
    """Something else may be there too."""

    def join(self, other: Values) -> None:
        """Take what the other has."""
        self.constants |= other.constants
        self.parameters |= other.parameters
        self.stack |= other.stack
        self.open = self.open or other.open or len(self.constants) > _MOST_VALUES


@dataclass(slots=True)
class Budget:
    """How many steps all questions together may take; after that, all answers are open."""

    steps: int = 5_000_000


class Flow(Graph):
    """One function, to look for values in."""

    def __init__(self, code: bytes, start: int, budget: Budget | None = None) -> None:
        super().__init__(code, start)
        self._steps = 0
        self._budget = budget or Budget()
        self._written: dict[int, frozenset[int]] = {}
        self._known: dict[tuple[int, Location], Values] = {}

    def at(self, address: int, location: Location) -> Values:
        """What a location holds just before the instruction at an address."""
        index = self.index(address)
        if index is None:
            return Values(open=True)
        self._steps = 0
        return self._walk(index, location, 0)

    def argument(self, address: int | None, parameter: Location, *, call: bool) -> Values:
        """What a callee's parameter holds where it is called, or jumped to, from an address.

        Without an address: where the function runs into the one behind it.
        """
        kind, register, offset = parameter
        index = len(self.items) if address is None else self.index(address)
        if index is None:
            return Values(open=True)
        self._steps = 0
        if kind == "register":
            return self._walk(index, parameter, 0)
        if kind == "stack":
            depth = self.depths.get(index)
            if depth is None:
                return Values(open=True)
            return self._walk(index, ("stack", 0, depth + offset - (8 if call else 0)), 0)
        return self._field(index, register, offset, 0)

    def _walk(self, start: int, location: Location, level: int) -> Values:
        key = (start, location)
        if key in self._known:
            return self._known[key]
        found = Values()
        if level > _DEPTH:
            found.open = True
            return found
        seen = {key}
        stack = [key]
        while stack:
            index, where = stack.pop()
            before, outside = self.predecessors(index)
            if outside:
                self._enter(where, found)
            for previous in before:
                self._steps += 1
                self._budget.steps -= 1
                if self._steps > _MOST_STEPS or self._budget.steps < 0:
                    found.open = True
                    return found
                further = self._define(previous, where, found, level)
                if further is not None and (previous, further) not in seen:
                    seen.add((previous, further))
                    stack.append((previous, further))
        self._known[key] = found
        return found

    def _enter(self, where: Location, found: Values) -> None:
        kind, register, offset = where
        if kind == "register" and register == RSP:
            found.stack.add(0)
        elif kind == "stack" and offset < 0:
            found.open = True
        elif kind == "stack" or register in _PASSED:
            found.parameters.add(where)
        else:
            found.open = True

    def _define(self, index: int, where: Location, found: Values, level: int) -> Location | None:
        """Add what the instruction puts there, or say where to look before it."""
        item = self.items[index]
        register = where[1]
        if where[0] == "stack":
            return self._define_slot(index, item, where, found)
        if register not in self._writes(index) or item.mnemonic in _IN_PLACE:
            return where
        if item.flow_control in _CALLS and item.mnemonic != Mnemonic.SYSCALL:
            # What is read after a call was left alone by it (-fipa-ra), or is what it returns.
            found.open = found.open or register in _RETURNED
            return where if register != NUMBER[1] else None
        first = FULL[item.op0_register] if item.op_count and item.op0_kind == _REGISTER else None
        if item.mnemonic == Mnemonic.XCHG and first is not None and item.op1_kind == _REGISTER:
            return ("register", FULL[item.op1_register] if first == register else first, 0)
        if first == register:
            return self._define_register(index, item, found, level)
        found.open = True
        return None

    def _writes(self, index: int) -> frozenset[int]:
        """The registers that an instruction changes, in part or whole."""
        known = self._written.get(index)
        if known is None:
            item = self.items[index]
            known = written(item)
            if item.mnemonic == Mnemonic.SYSCALL:
                known = _KERNEL_CHANGES
            elif item.flow_control in _CALLS:
                known = _CLOBBERED
            self._written[index] = known
        return known

    def _define_register(
        self, index: int, item: Instruction, found: Values, level: int
    ) -> Location | None:
        """Of an instruction whose first operand is the register."""
        mnemonic = item.mnemonic
        wide = WIDTH[item.op0_register]
        here: Location = ("register", FULL[item.op0_register], 0)
        if mnemonic in _COPIES:
            return self._copied(index, item, found, level)
        if mnemonic in _CMOV:
            self._add(found, self._source(index, item, 1, level), wide)
            return here
        if mnemonic == Mnemonic.POP and index in self.depths:
            return ("stack", 0, self.depths[index])
        if mnemonic == Mnemonic.LEA:
            found.join(self._address(index, item, level, wide))
        elif mnemonic in _SET:
            found.constants |= {0, 1}
        elif item.op_count == _TWO and mnemonic in _ARITHMETIC:
            self._computed(index, item, found, level)
        elif mnemonic in _WITH_CARRY and item.op1_kind in IMMEDIATES:
            before = self._walk(index, here, level + 1)
            mask = (1 << 8 * wide) - 1
            by = item.immediate(1) if mnemonic == Mnemonic.ADC else -item.immediate(1)
            carry = 1 if mnemonic == Mnemonic.ADC else -1
            for value in before.constants:
                found.constants |= {(value + by) & mask, (value + by + carry) & mask}
            found.open = found.open or before.open or bool(before.parameters)
        elif mnemonic == Mnemonic.SBB and item.op0_register == item.op1_register:
            found.constants |= {0, (1 << 8 * wide) - 1}
        else:
            found.open = True
        return None

    def _computed(self, index: int, item: Instruction, found: Values, level: int) -> None:
        """Of ``add`` and its kin: with itself, or with a constant."""
        mnemonic = item.mnemonic
        mask = (1 << 8 * WIDTH[item.op0_register]) - 1
        same = item.op1_kind == _REGISTER and item.op0_register == item.op1_register
        if same and mnemonic in _ZEROES:
            found.constants.add(0)
            return
        if item.op1_kind not in IMMEDIATES:
            found.open = True
            return
        by = item.immediate(1)
        if mnemonic == Mnemonic.OR and by & mask == mask:
            found.constants.add(mask)
            return
        before = self._walk(index, ("register", FULL[item.op0_register], 0), level + 1)
        if mnemonic == Mnemonic.AND and (before.open or before.parameters) and by <= _FEW:
            found.constants |= {value & by for value in range(by + 1)}
            return
        compute = _ARITHMETIC[mnemonic]
        found.constants |= {compute(value, by) & mask for value in before.constants}
        if mnemonic in {Mnemonic.ADD, Mnemonic.SUB}:
            found.stack |= {compute(offset, signed(by)) for offset in before.stack}
        found.open = found.open or before.open or bool(before.parameters)

    def _copied(self, index: int, item: Instruction, found: Values, level: int) -> Location | None:
        wide = WIDTH[item.op0_register]
        if wide < _HALF:  # the upper bits stay
            found.open = True
            return None
        if item.op1_kind == _REGISTER and FULL[item.op1_register] != 0:
            return ("register", FULL[item.op1_register], 0)
        if item.op1_kind == OpKind.MEMORY:
            slot = self._slot(index, item)
            if slot is not None:
                return ("stack", 0, slot)
        self._add(found, self._source(index, item, 1, level), wide)
        return None

    def _source(self, index: int, item: Instruction, operand: int, level: int) -> Values:
        """What an operand holds just before the instruction."""
        kind = item.op_kind(operand)
        if kind in IMMEDIATES:
            return Values(constants={item.immediate(operand) & _MASK64})
        if kind == _REGISTER:
            return self._walk(index, ("register", FULL[item.op_register(operand)], 0), level + 1)
        if kind == OpKind.MEMORY and not item.is_ip_rel_memory_operand:
            slot = self._slot(index, item)
            if slot is not None:
                return self._walk(index, ("stack", 0, slot), level + 1)
            if item.memory_index == Register.NONE and item.memory_base != Register.NONE:
                base = FULL[item.memory_base]
                return self._field(index, base, signed(item.memory_displacement), level + 1)
        return Values(open=True)

    def _field(self, index: int, base: int, offset: int, level: int) -> Values:
        """What stands at an offset from what a register points to."""
        if level > _DEPTH:
            return Values(open=True)
        pointer = self._walk(index, ("register", base, 0), level + 1)
        found = Values(open=pointer.open or bool(pointer.constants) or level > _DEPTH)
        for kind, register, displacement in pointer.parameters:
            if kind == "register" and displacement == 0:
                found.parameters.add(("field", register, offset))
            else:
                found.open = True
        for start in pointer.stack if not found.open else ():
            found.join(self._walk(index, ("stack", 0, start + offset), level + 1))
        return found

    def _address(self, index: int, item: Instruction, level: int, wide: int) -> Values:
        if item.is_ip_rel_memory_operand:
            return Values(constants={item.memory_displacement})
        slot = self._slot(index, item)
        if slot is not None:
            return Values(stack={slot})
        if item.memory_index != Register.NONE:
            return Values(open=True)
        offset = signed(item.memory_displacement)
        if item.memory_base == Register.NONE:
            return Values(constants={offset & _MASK64})
        base = self._walk(index, ("register", FULL[item.memory_base], 0), level + 1)
        mask = (1 << 8 * wide) - 1
        return Values(
            constants={(value + offset) & mask for value in base.constants},
            stack={value + offset for value in base.stack},
            open=base.open or bool(base.parameters),
        )

    def _slot(self, index: int, item: Instruction) -> int | None:
        """The place of the frame that an operand names, from the entry's stack pointer."""
        if item.memory_index != Register.NONE or item.memory_base not in {RSP, RBP}:
            return None
        if item.memory_base == RBP:
            frame = self.frames.get(index)
            return None if frame is None else frame + signed(item.memory_displacement)
        depth = self.depths.get(index)
        return None if depth is None else depth + signed(item.memory_displacement)

    def _define_slot(
        self, index: int, item: Instruction, where: Location, found: Values
    ) -> Location | None:
        operand = self._stored(index, item, where[2])
        if operand is None:
            return where
        if operand >= 0 and item.op_kind(operand) == _REGISTER:
            return ("register", FULL[item.op_register(operand)], 0)
        if operand >= 0 and item.op_kind(operand) in IMMEDIATES:
            found.constants.add(item.immediate(operand) & _MASK64)
        else:
            found.open = True
        return None

    def _stored(self, index: int, item: Instruction, wanted: int) -> int | None:
        """The operand that is stored to a slot; -1 for something else, ``None`` for nothing."""
        if item.mnemonic == Mnemonic.PUSH:
            return 0 if self.depths.get(index, wanted) - 8 == wanted else None
        if not item.op_count or item.op0_kind != OpKind.MEMORY:
            return None
        slot = self._slot(index, item)
        if slot is None or not slot <= wanted < slot + memory_size(item):
            return None
        if item.mnemonic == Mnemonic.MOV and slot == wanted:
            return 1
        return -1 if changes_memory(item) else None

    @staticmethod
    def _add(found: Values, more: Values, wide: int) -> None:
        mask = (1 << 8 * wide) - 1
        found.join(
            Values(
                {value & mask for value in more.constants}, more.parameters, more.stack, more.open
            )
        )
