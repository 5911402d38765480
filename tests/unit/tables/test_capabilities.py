"""Capabilities: their names, which others rely on, and where their needs come from."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from auditor.tables import load
from auditor.tables.rows import Tables

ROOT = Path(__file__).parents[3]

# Reports, baselines and waivers name these. New ones may come; none of these may go.
PROMISED = """
process.fork process.exec process.spawn process.wait process.signal process.daemon process.ids
process.limits process.priority process.trace
thread.create thread.sync thread.tls thread.affinity
memory.heap memory.map.file memory.map.shared memory.protect memory.lock memory.large jit.exec
fs.read fs.write fs.metadata fs.permissions fs.links fs.locks fs.watch fs.special fs.xattr fs.mount
fs.temp fs.sync
net.tcp.connect net.tcp.listen net.udp net.unix net.raw net.netlink net.dns net.options net.fdpass
net.tls net.interfaces
io.poll io.epoll io.pipe io.eventfd io.timerfd io.signalfd io.uring io.aio io.sendfile io.ioctl
io.dup
ipc.sysv ipc.shm ipc.mqueue ipc.semaphore
identity.users identity.setuid identity.capabilities
tty.control tty.pty
time.clock time.sleep time.timer time.set time.zone
dynlink.dlopen control.setjmp control.context control.exceptions
cpu.simd cpu.asm
kernel.namespace kernel.bpf kernel.module kernel.seccomp kernel.reboot
device.gpu device.raw random.bytes locale.iconv locale.messages log.syslog
"""


@pytest.fixture(scope="module", name="tables")
def shipped() -> Tables:
    return load()


@pytest.fixture(scope="module", name="measured")
def measured_needs() -> dict[str, str]:
    """Capability → the need that the measured runs stand for."""
    with (ROOT / "signatures" / "need.csv").open(encoding="utf-8") as file:
        return {row["capability"]: row["derived"] for row in csv.DictReader(file)}


def test_no_promised_name_has_gone(tables: Tables) -> None:
    assert not set(PROMISED.split()) - set(tables.capabilities)


def test_a_need_that_names_the_measurement_is_the_one_measured(
    tables: Tables, measured: dict[str, str]
) -> None:
    named = {name for name, row in tables.capabilities.items() if row.source == "loupedb"}

    assert len(named) > 10
    for name in named:
        assert tables.capabilities[name].need.value == measured[name], name


def test_every_measured_capability_is_a_capability(
    tables: Tables, measured: dict[str, str]
) -> None:
    assert not set(measured) - set(tables.capabilities)


def test_no_two_capabilities_have_the_same_title(tables: Tables) -> None:
    titles = [row.title for row in tables.capabilities.values()]

    assert len(set(titles)) == len(titles)


def test_the_notice_keeps_the_attribution_that_a_licence_asks_for(tables: Tables) -> None:
    asking = {key for key, row in tables.sources.items() if row.licence.startswith("CC-BY-")}
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8")

    assert "loupedb" in asking
    for key in asking:
        assert tables.sources[key].attribution, key
        assert tables.sources[key].url.partition("/tree/")[0] in notice, key
    assert "https://creativecommons.org/licenses/by/4.0/" in notice
