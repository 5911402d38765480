"""The directories a loader looks in, against ld.so(8) and musl's dynlink.c."""

from __future__ import annotations

from auditor.linking.search import Seeker, loader_for, search_directories

GLIBC = "/lib64/ld-linux-x86-64.so.2"
MUSL = "/lib/ld-musl-x86_64.so.1"


def directories(rootfs, facts, path="/usr/bin/app", library_path="", ancestors=()):
    loader = loader_for(rootfs, facts, library_path)
    return list(search_directories(loader, Seeker(facts, path, ancestors)))


def test_glibc_looks_in_rpath_then_environment_then_configuration_then_defaults(root_of, elf):
    rootfs = root_of({"/etc/ld.so.conf": "/opt/conf\n"})
    facts = elf(interpreter=GLIBC, rpath=("/opt/rpath",))
    found = directories(rootfs, facts, library_path="/opt/env")
    assert found[:3] == ["/opt/rpath", "/opt/env", "/opt/conf"]
    assert found[3:5] == ["/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu"]
    assert "/lib64" in found


def test_a_runpath_comes_after_the_environment_and_silences_rpath(root_of, elf):
    rootfs = root_of({"/etc/hostname": "x"})
    facts = elf(interpreter=GLIBC, rpath=("/opt/rpath",), runpath=("/opt/runpath",))
    found = directories(rootfs, facts, library_path="/opt/env")
    assert found[:2] == ["/opt/env", "/opt/runpath"]
    assert "/opt/rpath" not in found


def test_a_library_inherits_the_rpath_of_what_loaded_it_but_not_its_runpath(root_of, elf):
    rootfs = root_of({"/etc/hostname": "x"})
    library = elf(soname="libx.so.1")
    with_rpath = (elf(interpreter=GLIBC, rpath=("/opt/rpath",)), "/usr/bin/app")
    with_runpath = (elf(interpreter=GLIBC, runpath=("/opt/runpath",)), "/usr/bin/app")
    loader = loader_for(rootfs, with_rpath[0])
    assert "/opt/rpath" in list(
        search_directories(loader, Seeker(library, "/l/libx.so.1", (with_rpath,)))
    )
    assert "/opt/runpath" not in list(
        search_directories(loader, Seeker(library, "/l/libx.so.1", (with_runpath,)))
    )


def test_origin_and_lib_stand_for_the_object_itself(root_of, elf):
    rootfs = root_of({"/etc/hostname": "x"})
    facts = elf(interpreter=GLIBC, runpath=("$ORIGIN/../lib", "/x/${LIB}"))
    found = directories(rootfs, facts, path="/opt/app/bin/app")
    assert found[:2] == ["/opt/app/bin/../lib", "/x/lib64"]


def test_configuration_includes_are_followed_and_a_loop_ends(root_of, elf):
    rootfs = root_of(
        {
            "/etc/ld.so.conf": "# comment\ninclude /etc/ld.so.conf.d/*.conf\n",
            "/etc/ld.so.conf.d/b.conf": "/opt/b\ninclude /etc/ld.so.conf\n",
            "/etc/ld.so.conf.d/a.conf": "/opt/a # why\n",
            "/etc/ld.so.conf.d/c.txt": "/opt/c\n",
        }
    )
    found = directories(rootfs, elf(interpreter=GLIBC))
    assert found[:2] == ["/opt/a", "/opt/b"]
    assert "/opt/c" not in found


def test_nodeflib_drops_the_defaults(root_of, elf):
    rootfs = root_of({"/etc/hostname": "x"})
    assert directories(rootfs, elf(interpreter=GLIBC, nodeflib=True)) == []


def test_musl_takes_both_tags_alike_and_its_own_default(root_of, elf):
    rootfs = root_of({"/etc/ld.so.conf": "/opt/glibc-only\n"})
    facts = elf(interpreter=MUSL, rpath=("/opt/rpath",), runpath=("/opt/runpath",))
    found = directories(rootfs, facts, library_path="/opt/env")
    assert found == ["/opt/env", "/opt/rpath", "/opt/runpath", "/lib", "/usr/local/lib", "/usr/lib"]


def test_musl_reads_its_path_file(root_of, elf):
    rootfs = root_of({"/etc/ld-musl-x86_64.path": "/a:/b\n/c\n"})
    assert directories(rootfs, elf(interpreter=MUSL)) == ["/a", "/b", "/c"]
