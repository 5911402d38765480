"""Libraries and symbols as the loader of an image would find them."""

from __future__ import annotations

import pytest

from auditor.linking import link
from auditor.model.facts import Symbol

GLIBC = "/lib64/ld-linux-x86-64.so.2"
MUSL = "/lib/ld-musl-x86_64.so.1"


@pytest.fixture
def linked(root_of, component):
    """Link the first of some ELF files, laid out in a real directory."""

    def run(files, links=None, **options):
        tree = dict.fromkeys(files, b"\x7fELF") | {k: f"-> {v}" for k, v in (links or {}).items()}
        rootfs = root_of(tree)
        components = {path: component(path, facts) for path, facts in files.items()}
        first = next(iter(components.values()))
        return link(rootfs, first, components.get, **options)

    return run


def paths(result):
    return [item.component.path for item in result.objects]


def test_libraries_are_found_through_symbolic_links(linked, elf):
    result = linked(
        {
            "/usr/bin/app": elf(needed=("libz.so.1",), interpreter=GLIBC),
            "/usr/lib/libz.so.1.2.13": elf(soname="libz.so.1"),
        },
        links={"/lib": "usr/lib", "/usr/lib/libz.so.1": "libz.so.1.2.13"},
    )
    assert paths(result) == ["/usr/bin/app", "/usr/lib/libz.so.1.2.13"]
    assert result.missing == ()


def test_libraries_load_breadth_first_and_once(linked, elf):
    result = linked(
        {
            "/bin/app": elf(needed=("liba.so", "libb.so"), interpreter=GLIBC),
            "/lib/liba.so": elf(soname="liba.so", needed=("libc1.so",)),
            "/lib/libb.so": elf(soname="libb.so", needed=("libc1.so", "liba.so")),
            "/lib/libc1.so": elf(soname="libc1.so", needed=("libb.so",)),
        }
    )
    assert paths(result) == ["/bin/app", "/lib/liba.so", "/lib/libb.so", "/lib/libc1.so"]


def test_a_library_of_another_machine_is_passed_over(linked, elf):
    result = linked(
        {
            "/bin/app": elf(needed=("liba.so",), interpreter=GLIBC, rpath=("/arm", "/amd")),
            "/arm/liba.so": elf(soname="liba.so", machine="arm64"),
            "/amd/liba.so": elf(soname="liba.so"),
        }
    )
    assert paths(result) == ["/bin/app", "/amd/liba.so"]


def test_a_missing_library_is_said_with_who_needs_it(linked, elf):
    result = linked(
        {
            "/bin/app": elf(needed=("liba.so",), interpreter=GLIBC),
            "/lib/liba.so": elf(soname="liba.so", needed=("libgone.so.3",)),
        }
    )
    assert [(item.needed_by, item.soname) for item in result.missing] == [
        ("shared-library:/lib/liba.so", "libgone.so.3")
    ]


def test_the_first_exporter_in_load_order_provides_a_symbol(linked, elf):
    result = linked(
        {
            "/bin/app": elf(needed=("libj.so", "libc.so.6"), imports=("malloc",)),
            "/lib/libj.so": elf(soname="libj.so", exports=("malloc",)),
            "/lib/libc.so.6": elf(soname="libc.so.6", exports=("malloc",)),
        }
    )
    (binding,) = result.bindings()["executable:/bin/app"]
    assert binding.provider == "shared-library:/lib/libj.so"


def test_a_symbol_version_chooses_among_exporters(linked, elf):
    result = linked(
        {
            "/bin/app": elf(needed=("libo.so", "libn.so"), imports=(Symbol("f", "V2"),)),
            "/lib/libo.so": elf(soname="libo.so", exports=(Symbol("f", "V1"),)),
            "/lib/libn.so": elf(soname="libn.so", exports=(Symbol("f", "V2"),)),
        }
    )
    (binding,) = result.bindings()["executable:/bin/app"]
    assert binding.provider == "shared-library:/lib/libn.so"


def test_a_symbol_that_nobody_exports_is_bound_to_nobody(linked, elf):
    result = linked({"/bin/app": elf(imports=("gone",))})
    assert result.bindings()["executable:/bin/app"][0].provider is None


@pytest.mark.parametrize("name", ["libc.musl-x86_64.so.1", "libc.so", "libpthread.so.0"])
def test_musl_is_its_own_c_library(linked, elf, name):
    result = linked(
        {
            "/bin/app": elf(needed=(name,), interpreter=MUSL, imports=("open",)),
            MUSL: elf(soname="libc.so", exports=("open",)),
        }
    )
    assert result.interpreter == f"shared-library:{MUSL}"
    (binding,) = result.bindings()["executable:/bin/app"]
    assert binding.provider == f"shared-library:{MUSL}"


def test_a_needed_path_is_taken_as_it_stands(linked, elf):
    result = linked(
        {
            "/bin/app": elf(needed=("/opt/x/libq.so",), interpreter=GLIBC),
            "/opt/x/libq.so": elf(soname="libq.so"),
        }
    )
    assert paths(result) == ["/bin/app", "/opt/x/libq.so"]
