"""x86-64 code: where a function goes, what it refers to, and where it enters the kernel.

Decoding is iced-x86's (Intel SDM volume 2). A function is a range of bytes, decoded from its start
to its end, so that what a jump table leads to is seen without knowing the table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

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
_ENDS = frozenset({_JUMP, _INDIRECT_JUMP, _RETURN, _EXCEPTION})
_KERNEL = {Mnemonic.SYSCALL: "syscall", Mnemonic.SYSENTER: "sysenter"}
_LINUX_VECTOR = 0x80
_NOP = Mnemonic.NOP
_THUNK = 16
"""Bytes that a stub of the linker takes at most."""
_NEAR = OpKind.NEAR_BRANCH64
_IMMEDIATES = frozenset({OpKind.IMMEDIATE32, OpKind.IMMEDIATE32TO64, OpKind.IMMEDIATE64})


class Branch(NamedTuple):
    """A call or a jump out of the function, to an address or through a slot that holds one."""

    site: int
    target: int
    call: bool


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
    branches: list[Branch] = []
    slots: list[Branch] = []
    references: list[int] = []
    gates: list[Gate] = []
    indirect = returns = called = False
    falls = True
    limit = start + len(code)
    furthest = start
    ip = start
    for item in Decoder(64, code, ip=start):
        flow = item.flow_control
        if flow == _NEXT:
            called = called and item.mnemonic == _NOP
            if item.is_ip_rel_memory_operand:
                references.append(item.memory_displacement)
            if absolute:
                references += _absolute(item)
            continue
        ip = item.ip
        called = flow in {_CALL, _INDIRECT_CALL}
        falls = flow not in _ENDS
        if flow in {_CONDITIONAL, _JUMP, _CALL}:
            if item.op0_kind != _NEAR:
                if (kind := is_site(item)) is not None:
                    gates.append(Gate(ip, kind))
            else:
                target = item.near_branch_target
                if flow == _CALL or not start <= target < limit:
                    branches.append(Branch(ip, target, flow == _CALL))
                elif target > furthest:
                    furthest = target
        elif flow in {_INDIRECT_CALL, _INDIRECT_JUMP}:
            if item.is_ip_rel_memory_operand:
                slots.append(Branch(ip, item.memory_displacement, flow == _INDIRECT_CALL))
            else:
                indirect = True
                if absolute:
                    references += _absolute(item)
                if flow == _INDIRECT_JUMP:
                    furthest = limit if _is_table(item) else furthest
        elif flow == _RETURN:
            returns = True
        elif flow == _INTERRUPT and (kind := is_site(item)) is not None:
            gates.append(Gate(ip, kind))
        if stop and not falls and item.next_ip > furthest:
            limit = item.next_ip
            break
    return Scan(
        end=limit,
        branches=tuple(branches),
        slots=tuple(slots),
        references=tuple(dict.fromkeys(references)),
        gates=tuple(gates),
        indirect=indirect,
        returns=returns,
        falls=falls and bool(code) and (stop or not called),
    )


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
