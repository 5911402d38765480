"""Which files become components, and what is said of those that cannot be read."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from auditor.inventory import collect, component_at, keep
from auditor.model.inventory import ComponentKind
from auditor.tables import load

SHELL = Path("/bin/sh")
MODULE = b"\0asm\x01\0\0\0"


@pytest.fixture(scope="module")
def runtimes():
    return load().runtimes


@pytest.fixture
def inventory_of(root_of, runtimes):
    return lambda tree: collect(root_of(tree), runtimes)


def kinds(inventory):
    return {component.path: component.kind for component in inventory.components}


def test_files_are_known_by_their_magic_and_not_by_their_name(inventory_of):
    inventory = inventory_of(
        {
            "/a.txt": SHELL.read_bytes(),
            "/b.so": "just text",
            "/c": "#!/bin/sh\n",
            "/d.exe": MODULE,
            "/e": b"\x7fEL",
        }
    )
    assert kinds(inventory) == {
        "/a.txt": ComponentKind.EXECUTABLE,
        "/c": ComponentKind.SCRIPT,
        "/d.exe": ComponentKind.WASM,
    }
    assert inventory.files == 5


def test_a_damaged_binary_is_a_component_and_an_unknown(inventory_of):
    inventory = inventory_of({"/bin/broken": SHELL.read_bytes()[:200]})
    (component,) = inventory.components
    assert component.facts is None
    (unknown,) = inventory.unknowns
    assert (unknown.path, unknown.stage) == ("/bin/broken", "elf")
    assert unknown.component == component.id
    assert unknown.weight == 200


def test_a_damaged_module_is_an_unknown(inventory_of):
    inventory = inventory_of({"/x.wasm": MODULE + b"\x02\xff"})
    assert [unknown.stage for unknown in inventory.unknowns] == ["wasm"]


def test_a_script_names_the_runtime_that_its_first_line_asks_for(inventory_of):
    inventory = inventory_of({"/app": "#!/usr/bin/env python3\nprint()\n"})
    (component,) = inventory.components
    assert component.runtime == "cpython"
    assert inventory.unknowns == ()


def test_a_shell_script_is_understood(inventory_of):
    assert inventory_of({"/run": "#!/bin/sh\nls\n"}).unknowns == ()


def test_shell_text_without_first_line_is_a_script_by_its_suffix(inventory_of):
    assert kinds(inventory_of({"/lib/x.sh": "echo\n", "/lib/y.conf": "a=b\n"})) == {
        "/lib/x.sh": ComponentKind.SCRIPT
    }


def test_a_renamed_interpreter_is_still_known(inventory_of):
    perl = shutil.which("perl")
    if perl is None:
        pytest.skip("no perl on this machine")
    (component,) = inventory_of({"/opt/totally-not-perl": Path(perl).read_bytes()}).components
    assert component.runtime == "perl"


def test_a_program_named_like_an_interpreter_is_none(inventory_of):
    (component,) = inventory_of({"/usr/bin/python3": SHELL.read_bytes()}).components
    assert component.runtime is None


def test_one_component_is_found_through_links(root_of, runtimes):
    rootfs = root_of({"/usr/bin/x": "#!/bin/sh\n", "/bin": "-> usr/bin"})
    component, unknown = component_at(rootfs, "/bin/x", runtimes)
    assert component is not None
    assert component.path == "/usr/bin/x"
    assert unknown is None
    assert component_at(rootfs, "/bin/gone", runtimes) == (None, None)


@pytest.mark.parametrize(
    ("path", "mode", "size", "head", "wanted"),
    [
        ("/x", 0o644, 9, b"\x7fELF\x02\x01\x01\0\0", True),
        ("/x", 0o644, 9, b"#!/bin/sh", True),
        ("/etc/ld.so.conf.d/a.conf", 0o644, 9, b"/opt/lib", True),
        ("/usr/share/doc/readme", 0o644, 9, b"hello", False),
        ("/usr/bin/noshebang", 0o755, 9, b"echo", True),
        ("/usr/bin/huge", 0o755, 1 << 30, b"data", False),
        ("/etc/profile.d/x.sh", 0o644, 9, b"echo", True),
    ],
)
def test_only_what_is_asked_for_later_is_kept(path, mode, size, head, wanted):
    assert keep(path, mode, size, head) is wanted
