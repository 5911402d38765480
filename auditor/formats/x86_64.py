"""x86-64 code: where a function goes, what it refers to, and where it enters the kernel.

Decoding is iced-x86's (Intel SDM volume 2). A function is a range of bytes, decoded from its start
to its end, so that what a jump table leads to is seen without knowing the table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from iced_x86 import Decoder, FlowControl, Instruction, Mnemonic, OpKind, Register

__all__ = ["Branch", "Gate", "Scan", "decode", "is_site", "scan", "thunk_slot"]

_NEXT = FlowControl.NEXT
_JUMP = FlowControl.UNCONDITIONAL_BRANCH
_INDIRECT_JUMP = FlowControl.INDIRECT_BRANCH
_CONDITIONAL = FlowControl.CONDITIONAL_BRANCH
_RETURN = FlowControl.RETURN
_CALL = FlowControl.CALL
_INDIRECT_CALL = FlowControl.INDIRECT_CALL
_INTERRUPT = FlowControl.INTERRUPT
_EXCEPTION = FlowControl.EXCEPTION
_NEAR_FLOWS = frozenset({_CONDITIONAL, _JUMP, _CALL})
_ENDS = frozenset({_JUMP, _INDIRECT_JUMP, _RETURN, _EXCEPTION})
_KERNEL = {Mnemonic.SYSCALL: "syscall", Mnemonic.SYSENTER: "sysenter"}
_LINUX_VECTOR = 0x80
_NOP = Mnemonic.NOP
_THUNK = 16
"""Bytes that a stub of the linker takes at most."""
_NEAR = OpKind.NEAR_BRANCH64
_IMMEDIATES = frozenset({OpKind.IMMEDIATE32, OpKind.IMMEDIATE32TO64, OpKind.IMMEDIATE64})


Branch: TypeAlias = tuple[int, int, bool]
"""A call, or a jump out of the function: where it stands, the address that it goes to or the slot
that it goes through, and whether it is a call. There are too many for a class."""


@dataclass(frozen=True, slots=True)
class Gate:
    """An instruction that enters the kernel."""

    site: int
    kind: str
    """``syscall``, ``sysenter``, ``int 0x80``."""


@dataclass(frozen=True, slots=True)
class Scan:
    """What the bytes of one function show."""

    end: int
    branches: tuple[Branch, ...]
    """Direct; of jumps only those that leave the function."""
    slots: tuple[Branch, ...]
    """Calls and jumps through a word at a known address."""
    references: tuple[int, ...]
    """Other addresses that it takes or reads: rip-relative, or absolute where asked for."""
    gates: tuple[Gate, ...]
    indirect: bool
    """Whether it calls, or leaves by a jump, to an address from a register or from memory."""
    returns: bool
    falls: bool
    """Whether it may run into what follows. A call at a known end does not come back."""


def decode(code: bytes, start: int) -> list[Instruction]:
    """All instructions of a range."""
    return list(Decoder(64, code, ip=start))


def is_site(instruction: Instruction) -> str | None:
    """How an instruction enters the kernel, if it does."""
    if instruction.flow_control == _INTERRUPT:
        vector = instruction.mnemonic == Mnemonic.INT and instruction.immediate8 == _LINUX_VECTOR
        return "int 0x80" if vector else None
    return _KERNEL.get(instruction.mnemonic)


def scan(code: bytes, start: int, *, stop: bool, absolute: bool) -> Scan:
    """Read a function.

    ``stop``: its end is not known, so that it ends where nothing that was seen leads further.
    ``absolute``: immediates and displacements of 32 bits may be addresses.
    """
    limit = start + len(code)
    found = _Found(start, limit)
    references = found.references
    falls, called = True, False
    for item in Decoder(64, code, ip=start):
        flow = item.flow_control
        if flow == _NEXT:  # most of them: here every look at the instruction counts
            called = called and item.mnemonic == _NOP
            if item.is_ip_rel_memory_operand:
                references.append(item.memory_displacement)
            if absolute:
                references += _absolute(item)
            continue
        if flow == _CONDITIONAL and start <= item.near_branch_target < limit:
            falls, called = True, False
            if stop:
                found.leave(item, flow, absolute=absolute)
            continue
        falls, called = flow not in _ENDS, flow in {_CALL, _INDIRECT_CALL}
        found.leave(item, flow, absolute=absolute)
        if stop and not falls and item.next_ip > found.furthest:
            found.limit = item.next_ip
            break
    return Scan(
        end=found.limit,
        branches=tuple(found.branches),
        slots=tuple(found.slots),
        references=tuple(dict.fromkeys(references)),
        gates=tuple(found.gates),
        indirect=found.indirect,
        returns=found.returns,
        falls=falls and bool(code) and (stop or not called),
    )


class _Found:
    """What was seen of a function so far."""

    def __init__(self, start: int, limit: int) -> None:
        self.start, self.limit, self.furthest = start, limit, start
        self.branches: list[Branch] = []
        self.slots: list[Branch] = []
        self.references: list[int] = []
        self.gates: list[Gate] = []
        self.indirect = self.returns = False

    def leave(self, item: Instruction, flow: int, *, absolute: bool) -> None:
        """An instruction that goes elsewhere than to the next one."""
        if flow in _NEAR_FLOWS and item.op0_kind == _NEAR:
            target = item.near_branch_target
            if flow == _CALL or not self.start <= target < self.limit:
                self.branches.append((item.ip, target, flow == _CALL))
            elif target > self.furthest:
                self.furthest = target
        elif flow in {_INDIRECT_CALL, _INDIRECT_JUMP}:
            if item.is_ip_rel_memory_operand:
                slot = item.memory_displacement
                self.slots.append((item.ip, slot, flow == _INDIRECT_CALL))
                return
            self.indirect = True
            if absolute:
                self.references += _absolute(item)
            if flow == _INDIRECT_JUMP and _is_table(item):
                self.furthest = self.limit
        elif flow == _RETURN:
            self.returns = True
        elif (kind := is_site(item)) is not None:
            self.gates.append(Gate(item.ip, kind))


def _is_table(item: Instruction) -> bool:
    """Whether an indirect jump looks like that of a ``switch`` rather than a tail call."""
    return item.op0_kind == OpKind.REGISTER or item.memory_index != Register.NONE


def _absolute(item: Instruction) -> list[int]:
    found = []
    for position in range(item.op_count):
        kind = item.op_kind(position)
        if kind in _IMMEDIATES:
            found.append(item.immediate(position))
        elif kind == OpKind.MEMORY and item.memory_displ_size >= 4:  # noqa: PLR2004
            found.append(item.memory_displacement & 0xFFFFFFFF)
    return found


def thunk_slot(code: bytes, start: int) -> int | None:
    """The slot through which a stub of the linker jumps, where there is nothing else to it."""
    for item in Decoder(64, code[:_THUNK], ip=start):
        if item.mnemonic == Mnemonic.ENDBR64:
            continue
        if item.mnemonic == Mnemonic.JMP and item.is_ip_rel_memory_operand:
            return item.memory_displacement
        return None
    return None
