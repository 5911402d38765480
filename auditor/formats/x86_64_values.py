"""Which constants a register can hold at a place of a function, by walking backwards.

All predecessors are followed. What comes from outside is a *parameter*: a register at the entry,
a slot of the caller's stack, or a field of what a register points to. What cannot be followed makes
the answer open.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from iced_x86 import (
    FlowControl,
    Instruction,
    InstructionInfoFactory,
    MemorySizeExt,
    Mnemonic,
    OpAccess,
    OpKind,
    Register,
    RegisterExt,
)

from auditor.formats.x86_64 import decode

__all__ = ["FIRST_ARGUMENT", "NUMBER", "Flow", "Location", "Values"]

Location: TypeAlias = tuple[str, int, int]
"""``("register", n, 0)``; ``("stack", 0, offset from the entry's stack pointer)``;
``("field", n, offset)``: what register n points to at the entry."""

NUMBER: Location = ("register", int(Register.RAX), 0)
FIRST_ARGUMENT: Location = ("register", int(Register.RDI), 0)

_MOST_STEPS = 20_000
_MOST_VALUES = 256
_DEPTH = 24
_MASK32 = 0xFFFFFFFF
_MASK64 = (1 << 64) - 1
_FULL = [int(RegisterExt.full_register(register)) for register in range(249)]
_WIDTH = [RegisterExt.size(register) for register in range(249)]
_RSP, _RBP, _RAX = int(Register.RSP), int(Register.RBP), int(Register.RAX)
_CLOBBERED = frozenset(
    int(register)
    for register in (
        Register.RAX, Register.RCX, Register.RDX, Register.RSI, Register.RDI,
        Register.R8, Register.R9, Register.R10, Register.R11,
    )
)  # fmt: skip
_PASSED = _CLOBBERED
"""Registers that a caller may pass something in; R10 and R11 included, for code of one's own."""
_WRITES = frozenset(
    {OpAccess.WRITE, OpAccess.COND_WRITE, OpAccess.READ_WRITE, OpAccess.READ_COND_WRITE}
)
_IMMEDIATES = frozenset(
    getattr(OpKind, name)
    for name in (
        "IMMEDIATE8", "IMMEDIATE16", "IMMEDIATE32", "IMMEDIATE64",
        "IMMEDIATE8TO16", "IMMEDIATE8TO32", "IMMEDIATE8TO64", "IMMEDIATE32TO64",
    )
)  # fmt: skip
_ENDS = frozenset(
    {
        FlowControl.UNCONDITIONAL_BRANCH,
        FlowControl.INDIRECT_BRANCH,
        FlowControl.RETURN,
        FlowControl.EXCEPTION,
    }
)
_PADDING = frozenset({Mnemonic.NOP, Mnemonic.INT3, Mnemonic.XCHG})
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
_ARITHMETIC: dict[int, Callable[[int, int], int]] = {
    Mnemonic.ADD: lambda a, b: a + b,
    Mnemonic.SUB: lambda a, b: a - b,
    Mnemonic.AND: lambda a, b: a & b,
    Mnemonic.OR: lambda a, b: a | b,
    Mnemonic.XOR: lambda a, b: a ^ b,
    Mnemonic.SHL: lambda a, b: a << (b & 63),
    Mnemonic.SHR: lambda a, b: (a & _MASK64) >> (b & 63),
}
_INFO = InstructionInfoFactory()


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


class Flow:
    """One function's instructions with their predecessors."""

    def __init__(self, code: bytes, start: int) -> None:
        self.items: list[Instruction] = decode(code, start)
        self.addresses = [item.ip for item in self.items]
        self._sources: dict[int, list[int]] = {}
        """Index of a jump's target → indices of the jumps."""
        self._indirect: list[int] = []
        for index, item in enumerate(self.items):
            kind = item.flow_control
            if kind in {FlowControl.CONDITIONAL_BRANCH, FlowControl.UNCONDITIONAL_BRANCH}:
                target = self.index(item.near_branch_target)
                if target is not None:
                    self._sources.setdefault(target, []).append(index)
            elif kind == FlowControl.INDIRECT_BRANCH:
                self._indirect.append(index)
        self._stops = self._find_stops()
        self._depths, self._frames = self._stack_depths()
        self._steps = 0
        self._written: dict[int, frozenset[int]] = {}
        self._known: dict[tuple[int, Location], Values] = {}

    def index(self, address: int) -> int | None:
        """Position of the instruction at an address."""
        at = bisect_left(self.addresses, address)
        return at if at < len(self.addresses) and self.addresses[at] == address else None

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
            depth = self._depths.get(index)
            if depth is None:
                return Values(open=True)
            return self._walk(index, ("stack", 0, depth + offset - (8 if call else 0)), 0)
        return self._field(index, register, offset, 0)

    def _find_stops(self) -> list[bool]:
        """Whether an instruction never runs into the next one: padding that nothing leads to too."""
        stops: list[bool] = []
        for index, item in enumerate(self.items):
            if item.flow_control in _ENDS or item.mnemonic == Mnemonic.HLT:
                stops.append(True)
            else:
                idle = item.mnemonic in _PADDING and index not in self._sources
                stops.append(bool(idle and index and stops[-1]))
        return stops

    def _predecessors(self, index: int) -> tuple[list[int], bool]:
        """Indices of what may run before, and whether it can be entered from outside."""
        before = list(self._sources.get(index, ()))
        if index and not self._stops[index - 1]:
            before.append(index - 1)
        if index == 0:
            return before, True
        if not before:
            return list(self._indirect), not self._indirect
        return before, False

    def _stack_depths(self) -> tuple[dict[int, int], dict[int, int | None]]:
        """Index → stack pointer, and frame pointer, before it, less the entry's stack pointer."""
        found: dict[int, int] = {}
        frames: dict[int, int | None] = {}
        stack: list[tuple[int, int, int | None]] = [(0, 0, None)] if self.items else []
        while stack:
            index, depth, frame = stack.pop()
            while index < len(self.items) and index not in found:
                found[index], frames[index] = depth, frame
                item = self.items[index]
                kind = item.flow_control
                if kind in {FlowControl.CONDITIONAL_BRANCH, FlowControl.UNCONDITIONAL_BRANCH}:
                    target = self.index(item.near_branch_target)
                    if target is not None:
                        stack.append((target, depth, frame))
                if kind in _ENDS:
                    break
                after = _stack_after(item, depth, frame)
                if after is None:
                    break
                depth, frame = after
                index += 1
        return found, frames

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
            before, outside = self._predecessors(index)
            if outside:
                self._enter(where, found)
            for previous in before:
                self._steps += 1
                if self._steps > _MOST_STEPS:
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
        if kind == "register" and register == _RSP:
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
        if where[0] == "stack":
            return self._define_slot(index, item, where, found)
        register = where[1]
        flow = item.flow_control
        if flow in {FlowControl.CALL, FlowControl.INDIRECT_CALL} and register in _CLOBBERED:
            kernel = item.mnemonic == Mnemonic.SYSCALL
            if kernel and register not in {_RAX, int(Register.RCX), int(Register.R11)}:
                return where
            found.open = True
            return None
        if (
            item.op_count
            and item.op0_kind == OpKind.REGISTER
            and (_FULL[item.op0_register] == register)
        ):
            return self._define_register(index, item, register, found, level)
        if register in self._writes(index):
            if item.mnemonic == Mnemonic.XCHG and item.op1_kind == OpKind.REGISTER:
                return ("register", _FULL[item.op0_register], 0)
            found.open = True
            return None
        return where

    def _writes(self, index: int) -> frozenset[int]:
        """The registers that an instruction changes, in part or whole."""
        known = self._written.get(index)
        if known is None:
            known = self._written[index] = _written(self.items[index])
        return known

    def _define_register(  # noqa: C901, PLR0911 - one case for each kind of instruction
        self, index: int, item: Instruction, register: int, found: Values, level: int
    ) -> Location | None:
        mnemonic = item.mnemonic
        where: Location = ("register", register, 0)
        if register not in self._writes(index):
            return where
        wide = _WIDTH[item.op0_register]
        if mnemonic in _COPIES:
            return self._copied(index, item, found, level)
        if mnemonic in _CMOV:
            self._add(found, self._source(index, item, 1, level), wide)
            return where
        if mnemonic == Mnemonic.LEA:
            found.join(self._address(index, item, level, wide))
            return None
        if mnemonic in _SET:
            found.constants |= {0, 1}
            return None
        if mnemonic in {Mnemonic.CDQE, Mnemonic.NOP, Mnemonic.ENDBR64}:
            return where
        if mnemonic == Mnemonic.POP:
            depth = self._depths.get(index)
            if depth is not None:
                return ("stack", 0, depth)
        same = (
            item.op_count == 2
            and item.op1_kind == OpKind.REGISTER
            and (  # noqa: PLR2004
                _FULL[item.op1_register] == register
            )
        )
        if same and mnemonic in {Mnemonic.XOR, Mnemonic.SUB}:
            found.constants.add(0)
            return None
        if same and mnemonic == Mnemonic.SBB:
            found.constants |= {0, _MASK32 if wide == 4 else _MASK64}  # noqa: PLR2004
            return None
        if mnemonic in _ARITHMETIC and item.op_count == 2 and item.op1_kind in _IMMEDIATES:  # noqa: PLR2004
            amount = item.immediate(1)
            if mnemonic == Mnemonic.OR and amount & _MASK32 == _MASK32:
                found.constants.add(_MASK32 if wide == 4 else _MASK64)  # noqa: PLR2004
                return None
            self._computed(index, register, found, level, wide, mnemonic, amount)
            return None
        if mnemonic == Mnemonic.XCHG and item.op1_kind == OpKind.REGISTER:
            return ("register", _FULL[item.op1_register], 0)
        found.open = True
        return None

    def _computed(
        self, index: int, register: int, found: Values, level: int, wide: int, kind: int, by: int
    ) -> None:
        before = self._walk(index, ("register", register, 0), level + 1)
        compute = _ARITHMETIC[kind]
        mask = (1 << 8 * wide) - 1
        if kind == Mnemonic.AND and (before.open or before.parameters) and 0 <= by < 16:  # noqa: PLR2004
            found.constants |= {value & by for value in range(by + 1)}
            return
        found.constants |= {compute(value, by) & mask for value in before.constants}
        if kind in {Mnemonic.ADD, Mnemonic.SUB}:
            signed = by - (1 << 64) if by >> 63 else by
            found.stack |= {compute(offset, signed) for offset in before.stack}
        found.open = found.open or before.open or bool(before.parameters)

    def _copied(self, index: int, item: Instruction, found: Values, level: int) -> Location | None:
        wide = _WIDTH[item.op0_register]
        if wide < 4:  # noqa: PLR2004 - the upper bits stay
            found.open = True
            return None
        if item.op1_kind == OpKind.REGISTER and _FULL[item.op1_register] != 0:
            return ("register", _FULL[item.op1_register], 0)
        if item.op1_kind == OpKind.MEMORY:
            slot = self._slot(index, item)
            if slot is not None:
                return ("stack", 0, slot)
        self._add(found, self._source(index, item, 1, level), wide)
        return None

    def _source(self, index: int, item: Instruction, operand: int, level: int) -> Values:
        """What an operand holds just before the instruction."""
        kind = item.op_kind(operand)
        if kind in _IMMEDIATES:
            return Values(constants={item.immediate(operand) & _MASK64})
        if kind == OpKind.REGISTER:
            return self._walk(index, ("register", _FULL[item.op_register(operand)], 0), level + 1)
        if kind == OpKind.MEMORY and not item.is_ip_rel_memory_operand:
            slot = self._slot(index, item)
            if slot is not None:
                return self._walk(index, ("stack", 0, slot), level + 1)
            if item.memory_index == Register.NONE and item.memory_base != Register.NONE:
                base = _FULL[item.memory_base]
                return self._field(index, base, _signed(item.memory_displacement), level + 1)
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
        offset = _signed(item.memory_displacement)
        if item.memory_base == Register.NONE:
            return Values(constants={offset & _MASK64})
        base = self._walk(index, ("register", _FULL[item.memory_base], 0), level + 1)
        mask = (1 << 8 * wide) - 1
        return Values(
            constants={(value + offset) & mask for value in base.constants},
            stack={value + offset for value in base.stack},
            open=base.open or bool(base.parameters),
        )

    def _slot(self, index: int, item: Instruction) -> int | None:
        """The place of the frame that an operand names, from the entry's stack pointer."""
        if item.memory_index != Register.NONE or item.memory_base not in {_RSP, _RBP}:
            return None
        if item.memory_base == _RBP:
            frame = self._frames.get(index)
            return None if frame is None else frame + _signed(item.memory_displacement)
        depth = self._depths.get(index)
        return None if depth is None else depth + _signed(item.memory_displacement)

    def _define_slot(
        self, index: int, item: Instruction, where: Location, found: Values
    ) -> Location | None:
        wanted = where[2]
        if item.mnemonic == Mnemonic.PUSH:
            depth = self._depths.get(index)
            if depth is not None and depth - 8 == wanted:
                if item.op0_kind == OpKind.REGISTER:
                    return ("register", _FULL[item.op0_register], 0)
                self._add(found, self._source(index, item, 0, 0), 8)
                return None
            return where
        if not item.op_count or item.op0_kind != OpKind.MEMORY:
            return where
        if item.memory_base not in {_RSP, _RBP}:
            return where
        slot = self._slot(index, item)
        if slot is None or item.mnemonic in {Mnemonic.CMP, Mnemonic.TEST, Mnemonic.LEA}:
            return where
        size = _memory_size(item)
        if not slot <= wanted < slot + size:
            return where
        if item.mnemonic == Mnemonic.MOV and slot == wanted:
            if item.op1_kind == OpKind.REGISTER:
                return ("register", _FULL[item.op1_register], 0)
            if item.op1_kind in _IMMEDIATES:
                found.constants.add(item.immediate(1) & _MASK64)
                return None
        if not _writes_memory(item):
            return where
        found.open = True
        return None

    @staticmethod
    def _add(found: Values, more: Values, wide: int) -> None:
        mask = (1 << 8 * wide) - 1
        found.join(
            Values(
                {value & mask for value in more.constants}, more.parameters, more.stack, more.open
            )
        )


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def _stack_after(item: Instruction, depth: int, frame: int | None) -> tuple[int, int | None] | None:
    """Stack pointer and frame pointer after an instruction, or ``None`` where they get lost."""
    mnemonic = item.mnemonic
    if mnemonic in {Mnemonic.CALL, Mnemonic.SYSCALL, Mnemonic.INT}:
        return depth, frame
    if mnemonic == Mnemonic.LEAVE:
        return None if frame is None else (frame + 8, None)
    moved = item.stack_pointer_increment
    if item.op_count and item.op0_kind == OpKind.REGISTER:
        target = item.op0_register
        if target == _RSP and not moved and _RSP in _written(item):
            return _moved_stack(item, depth, frame)
        if target == _RBP and _RBP in _written(item):
            copies = mnemonic == Mnemonic.MOV and item.op1_kind == OpKind.REGISTER
            frame = depth if copies and item.op1_register == _RSP else None
    return depth + moved, frame


def _moved_stack(item: Instruction, depth: int, frame: int | None) -> tuple[int, int | None] | None:
    mnemonic = item.mnemonic
    if mnemonic in {Mnemonic.ADD, Mnemonic.SUB} and item.op1_kind in _IMMEDIATES:
        amount = _signed(item.immediate(1) & _MASK64)
        return depth + (amount if mnemonic == Mnemonic.ADD else -amount), frame
    if mnemonic == Mnemonic.LEA and item.memory_index == Register.NONE:
        offset = _signed(item.memory_displacement)
        if item.memory_base == _RSP:
            return depth + offset, frame
        if item.memory_base == _RBP and frame is not None:
            return frame + offset, frame
    if mnemonic == Mnemonic.MOV and item.op1_kind == OpKind.REGISTER:
        return (frame, frame) if item.op1_register == _RBP and frame is not None else None
    return (depth, frame) if mnemonic == Mnemonic.AND else None


def _written(item: Instruction) -> frozenset[int]:
    return frozenset(
        _FULL[used.register] for used in _INFO.info(item).used_registers() if used.access in _WRITES
    )


def _writes_memory(item: Instruction) -> bool:
    return any(used.access in _WRITES for used in _INFO.info(item).used_memory())


def _memory_size(item: Instruction) -> int:
    return max(MemorySizeExt.size(item.memory_size), 1)
