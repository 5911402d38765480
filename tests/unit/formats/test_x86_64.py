from __future__ import annotations

import pytest

from auditor.formats.x86_64 import scan, thunk_slot
from auditor.formats.x86_64_values import NUMBER, Flow

START = 0x1000
SYSCALL = bytes.fromhex("0f05")


def values_at_syscall(code: str) -> tuple[set[int], int, bool]:
    """Constants, number of parameters, and whether it is open, at the first ``syscall``."""
    data = bytes.fromhex(code)
    site = scan(data, START, stop=False, absolute=False).gates[0].site
    found = Flow(data, START).at(site, NUMBER)
    return found.constants, len(found.parameters), found.open


@pytest.mark.parametrize(
    ("code", "numbers"),
    [
        ("b8 01000000 0f05 c3", {1}),  # mov eax, 1
        ("31c0 0f05 c3", {0}),  # xor eax, eax
        ("6a05 58 0f05 c3", {5}),  # push 5; pop rax
        ("ba 02000000 8d4201 0f05 c3", {3}),  # mov edx, 2; lea eax, [rdx+1]
        ("b8 03000000 83c004 0f05 c3", {7}),  # mov eax, 3; add eax, 4
        ("b8 01000000 ba 02000000 0f44c2 0f05 c3", {1, 2}),  # cmove eax, edx
        ("85ff 7407 b8 09000000 eb05 b8 0b000000 0f05 c3", {9, 11}),  # two ways, both followed
        ("83c8ff 0f05 c3", {0xFFFFFFFF}),  # or eax, -1
        ("b8 10000000 87c2 89d0 0f05 c3", {16}),  # xchg eax, edx; mov eax, edx
        # sub rsp, 8; mov dword [rsp], 12; mov eax, [rsp]; add rsp, 8
        ("4883ec08 c704240c000000 8b0424 4883c408 0f05 c3", {12}),
    ],
)
def test_numbers_are_found_by_walking_backwards(code: str, numbers: set[int]) -> None:
    assert values_at_syscall(code) == (numbers, 0, False)


def test_a_number_from_the_caller_is_a_parameter() -> None:
    assert values_at_syscall("89f8 0f05 c3") == (set(), 1, False)  # mov eax, edi


@pytest.mark.parametrize(
    "code",
    [
        "8b07 8b00 0f05 c3",  # mov eax, [rdi]; mov eax, [rax]: a pointer from a pointer
        "ffd7 0f05 c3",  # call rdi: the number is what it returns
        "b001 0f05 c3",  # mov al, 1: the rest of the register stays
        "0fafc7 0f05 c3",  # imul eax, edi
    ],
)
def test_what_cannot_be_followed_stays_open(code: str) -> None:
    constants, _, is_open = values_at_syscall(code)
    assert is_open
    assert not constants


def test_a_loop_that_counts_comes_to_an_end() -> None:
    # mov eax, 1; inc by add eax, 1; jmp back: no set of constants holds them all
    constants, _, is_open = values_at_syscall("b8 01000000 83c001 0f05 ebf9")
    assert is_open or len(constants) < 300


def test_padding_leads_nowhere() -> None:
    # jmp over; nop; a: mov eax, edx; syscall; hlt / over: mov edx, 60; jmp a
    code = "eb08 6690 89d0 0f05 f4 90 ba 3c000000 ebf3"
    assert values_at_syscall(code) == ({60}, 0, False)


def test_what_follows_the_last_call_does_not_run() -> None:
    code = bytes.fromhex("b8 e7000000 0f05 b8 3c000000 0f05 f4")
    assert START + 12 not in Flow(code, START).reachable({START + 5})
    assert START + 12 in Flow(code, START).reachable(set())


def test_an_argument_is_found_where_a_function_is_called() -> None:
    code = bytes.fromhex("bf 27000000 e800000000 c3")  # mov edi, 39; call
    found = Flow(code, START).argument(START + 5, ("register", NUMBER[1] + 7, 0), call=True)
    assert found.constants == {39}


def test_a_scan_tells_calls_jumps_slots_and_references() -> None:
    # call +0x100; call [rip+0x200]; lea rdi, [rip+0x300]; jne itself; jmp +0x400
    code = bytes.fromhex("e8fb000000 ff15fa010000 488d3df9020000 75fe e9e7030000")
    found = scan(code, START, stop=False, absolute=False)
    assert [(target - START, call) for _, target, call in found.branches] == [
        (0x100, True),
        (0x400, False),
    ]
    assert [slot for _, slot, _ in found.slots] == [START + 11 + 0x1FA]
    assert found.references == (START + 18 + 0x2F9,)
    assert not found.falls


def test_a_function_of_unknown_end_stops_where_nothing_leads_on() -> None:
    code = bytes.fromhex("85ff 7401 c3 31c0 c3 0f05")  # test; je over ret; ret; xor; ret / syscall
    found = scan(code, START, stop=True, absolute=False)
    assert found.end == START + 8
    assert found.gates == ()


def test_a_call_at_a_known_end_does_not_come_back() -> None:
    code = bytes.fromhex("e800010000")
    assert not scan(code, START, stop=False, absolute=False).falls
    assert scan(code, START, stop=True, absolute=False).falls


def test_absolute_addresses_are_references_where_asked_for() -> None:
    code = bytes.fromhex("bf 00204000 c3")  # mov edi, 0x402000
    assert scan(code, START, stop=False, absolute=True).references == (0x402000,)
    assert scan(code, START, stop=False, absolute=False).references == ()


def test_old_ways_into_the_kernel_are_seen() -> None:
    found = scan(bytes.fromhex("cd80 0f34 cd03 c3"), START, stop=False, absolute=False)
    assert [gate.kind for gate in found.gates] == ["int 0x80", "sysenter"]


@pytest.mark.parametrize(
    ("code", "slot"),
    [
        ("ff2510000000", START + 6 + 0x10),
        ("f30f1efa f2ff2510000000", START + 11 + 0x10),
        ("31c0 c3", None),
        ("", None),
    ],
)
def test_stubs_of_the_linker_are_known(code: str, slot: int | None) -> None:
    assert thunk_slot(bytes.fromhex(code), START) == slot
