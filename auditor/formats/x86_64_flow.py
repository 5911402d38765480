"""One function's instructions: what runs before what, and where the stack pointer is."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Collection, Iterator
from functools import cached_property

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

__all__ = [
    "FULL",
    "IMMEDIATES",
    "RBP",
    "RSP",
    "WIDTH",
    "Graph",
    "changes_memory",
    "memory_size",
    "signed",
    "written",
]

FULL: list[int] = [RegisterExt.full_register(register) for register in range(249)]  # type: ignore[arg-type]
"""Register → the one of 64 bits that it is part of."""
WIDTH: list[int] = [RegisterExt.size(register) for register in range(249)]  # type: ignore[arg-type]
"""Register → its size in bytes."""
RSP, RBP = int(Register.RSP), int(Register.RBP)
_SIGN = 63
_CALLS = frozenset({FlowControl.CALL, FlowControl.INDIRECT_CALL})
_BRANCHES = frozenset({FlowControl.CONDITIONAL_BRANCH, FlowControl.UNCONDITIONAL_BRANCH})
_WRITES = frozenset(
    {OpAccess.WRITE, OpAccess.COND_WRITE, OpAccess.READ_WRITE, OpAccess.READ_COND_WRITE}
)
IMMEDIATES = frozenset(
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
_INFO = InstructionInfoFactory()


class Graph:
    """Instructions of a range, with their predecessors.

    What nothing leads to is taken for the target of the function's indirect jumps; where it has
    none, it may be entered from outside.
    """

    def __init__(self, code: bytes, start: int) -> None:
        self.items: list[Instruction] = decode(code, start)
        self.addresses = [item.ip for item in self.items]
        self._sources: dict[int, list[int]] = {}
        """Index of a jump's target → indices of the jumps."""
        self._indirect: list[int] = []
        for index, item in enumerate(self.items):
            kind = item.flow_control
            if kind in _BRANCHES:
                target = self.index(item.near_branch_target)
                if target is not None:
                    self._sources.setdefault(target, []).append(index)
            elif kind == FlowControl.INDIRECT_BRANCH:
                self._indirect.append(index)
        self._stops = self._find_stops()

    def index(self, address: int) -> int | None:
        """Position of the instruction at an address."""
        at = bisect_left(self.addresses, address)
        return at if at < len(self.addresses) and self.addresses[at] == address else None

    def _find_stops(self) -> list[bool]:
        """Whether an instruction never runs into the next one; padding after such a one neither."""
        stops: list[bool] = []
        for index, item in enumerate(self.items):
            if item.flow_control in _ENDS or item.mnemonic == Mnemonic.HLT:
                stops.append(True)
            else:
                idle = item.mnemonic in _PADDING and index not in self._sources
                stops.append(bool(idle and index and stops[-1]))
        return stops

    def predecessors(self, index: int) -> tuple[list[int], bool]:
        """Indices of what may run before, and whether it can be entered from outside."""
        before = list(self._sources.get(index, ()))
        if index and not self._stops[index - 1]:
            before.append(index - 1)
        if index == 0:
            return before, True
        if not before:
            return list(self._indirect), not self._indirect
        return before, False

    def inevitable(self) -> list[int]:
        """Addresses of the calls, and ways into the kernel, that every run to the end comes by.

        The end is where it returns or leaves by a jump; an indirect jump counts as one. Of a
        function without such an end nothing is known.
        """
        path = self._path()
        place = {index: at for at, index in enumerate(path)}
        found: list[int] = []
        furthest = 0  # how far along the path other ways lead that leave it so far
        beside: set[int] = set()
        for at, index in enumerate(path):
            if furthest <= at and self._goes(index):
                found.append(self.addresses[index])
            work = [index]
            while work:
                for following in self._successors(work.pop()):
                    if following in place:
                        furthest = max(furthest, place[following])
                    elif following not in beside:
                        beside.add(following)
                        work.append(following)
                        if self._is_end(following):
                            furthest = len(path)
        return found

    def _goes(self, index: int) -> bool:
        item = self.items[index]
        leaves = item.flow_control in _BRANCHES and self.index(item.near_branch_target) is None
        return leaves or item.flow_control in _CALLS

    def _path(self) -> list[int]:
        """Indices on a shortest way from the entry to an end; empty where there is none."""
        before: dict[int, int] = {0: -1} if self.items else {}
        work = deque(before)
        while work:
            index = work.popleft()
            if self._is_end(index):
                path = []
                while index >= 0:
                    path.append(index)
                    index = before[index]
                return path[::-1]
            for following in self._successors(index):
                if following not in before:
                    before[following] = index
                    work.append(following)
        return []

    def _is_end(self, index: int) -> bool:
        item = self.items[index]
        kind = item.flow_control
        if kind == FlowControl.UNCONDITIONAL_BRANCH:
            return self.index(item.near_branch_target) is None
        return kind in {FlowControl.RETURN, FlowControl.INDIRECT_BRANCH}

    def _successors(self, index: int) -> Iterator[int]:
        item = self.items[index]
        if item.flow_control in _BRANCHES:
            target = self.index(item.near_branch_target)
            if target is not None:
                yield target
        if not self._stops[index] and index + 1 < len(self.items):
            yield index + 1

    def reachable(self, ends: Collection[int]) -> set[int]:
        """Addresses that run if what stands at ``ends`` never comes back."""
        count = len(self.items)
        seen: set[int] = set()
        work = [0] if count else []
        tables = False
        while work:
            index = work.pop()
            while index < count and index not in seen:
                seen.add(index)
                item = self.items[index]
                kind = item.flow_control
                if kind in _BRANCHES:
                    target = self.index(item.near_branch_target)
                    if target is not None:
                        work.append(target)
                if kind == FlowControl.INDIRECT_BRANCH and not tables:
                    tables = True
                    work += [at for at in range(1, count) if not self.predecessors(at)[0]]
                    work += [at for at in range(1, count) if self._follows_table(at)]
                if self._stops[index] or item.ip in ends:
                    break
                index += 1
        return {self.addresses[index] for index in seen}

    def _follows_table(self, index: int) -> bool:
        before, _ = self.predecessors(index)
        return bool(before) and before == self._indirect

    @property
    def depths(self) -> dict[int, int]:
        """Index → stack pointer before it, less that of the entry, where it is known."""
        return self._stack[0]

    @property
    def frames(self) -> dict[int, int | None]:
        """Index → frame pointer before it, in the same way; ``None`` where it is another value."""
        return self._stack[1]

    @cached_property
    def _stack(self) -> tuple[dict[int, int], dict[int, int | None]]:
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
                if kind in _BRANCHES:
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


def signed(value: int) -> int:
    """A number of 64 bits as two's complement."""
    return value - (1 << 64) if value >> _SIGN else value


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
        if target == RSP and not moved and RSP in written(item):
            return _moved_stack(item, depth, frame)
        if target == RBP and RBP in written(item):
            copies = mnemonic == Mnemonic.MOV and item.op1_kind == OpKind.REGISTER
            frame = depth if copies and item.op1_register == RSP else None
    return depth + moved, frame


def _moved_stack(item: Instruction, depth: int, frame: int | None) -> tuple[int, int | None] | None:
    mnemonic = item.mnemonic
    if mnemonic in {Mnemonic.ADD, Mnemonic.SUB} and item.op1_kind in IMMEDIATES:
        amount = signed(item.immediate(1) & ((1 << 64) - 1))
        return depth + (amount if mnemonic == Mnemonic.ADD else -amount), frame
    if mnemonic == Mnemonic.LEA and item.memory_index == Register.NONE:
        offset = signed(item.memory_displacement)
        if item.memory_base == RSP:
            return depth + offset, frame
        if item.memory_base == RBP and frame is not None:
            return frame + offset, frame
    if mnemonic == Mnemonic.MOV and item.op1_kind == OpKind.REGISTER:
        return (frame, frame) if item.op1_register == RBP and frame is not None else None
    return (depth, frame) if mnemonic == Mnemonic.AND else None


def written(item: Instruction) -> frozenset[int]:
    """The registers that it changes, in part or whole."""
    return frozenset(
        FULL[used.register] for used in _INFO.info(item).used_registers() if used.access in _WRITES
    )


def changes_memory(item: Instruction) -> bool:
    """Whether it stores anything."""
    return any(used.access in _WRITES for used in _INFO.info(item).used_memory())


def memory_size(item: Instruction) -> int:
    """Bytes that its memory operand has, at least one."""
    return max(MemorySizeExt.size(item.memory_size), 1)
