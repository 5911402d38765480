from __future__ import annotations

import fnmatch
import re

import pytest

from auditor.inventory.keep import keep
from auditor.inventory.packages import globs
from auditor.inventory.packages.globs import GLOBS, is_program, is_wanted, wants_name
from auditor.inventory.sources import is_source


@pytest.mark.parametrize(
    "path",
    [
        "/var/lib/dpkg/status",
        "/lib/dpkg/status",
        "/var/lib/dpkg/status.d/base-files",
        "/var/lib/dpkg/info/libc6:amd64.list",
        "/usr/share/doc/nginx/copyright",
        "/lib/apk/db/installed",
        "/usr/lib/sysimage/rpm/rpmdb.sqlite",
        "/var/lib/pacman/local/zlib-1.3-1/desc",
        "/app/venv/lib/python3.11/site-packages/flask-3.1.dist-info/RECORD",
        "/package.json",
        "/srv/node_modules/@babel/core/package.json",
        "/srv/app.jar",
        "/usr/bin/python3.11",
        "/opt/go/VERSION",
        "/usr/lib/x86_64-linux-gnu/libruby.so.3.1",
        "/usr/lib/rustlib/libstd-0123456789abcdef.so",
        "/gems/specifications/default/json-2.6.gemspec",
    ],
)
def test_what_a_cataloger_looks_for_is_handed_over(path):
    assert is_wanted(path)


@pytest.mark.parametrize(
    "path",
    [
        "/var/lib/dpkg/info/nginx.postinst",
        "/var/lib/dpkg/available",
        "/usr/lib/python3.11/os.py",
        "/srv/node_modules/express/index.js",
        "/srv/node_modules/express/my-package.json",
        "/usr/share/doc/nginx/deep/copyright",
        "/srv/usr/share/doc/nginx/copyright",
        "/usr/lib/libstd-01.so",
        "/etc/passwd",
    ],
)
def test_what_no_cataloger_looks_for_is_left_out(path):
    assert not is_wanted(path)
    assert keep(path, 0o644, 10, b"x = 1\n") == is_source(path)


@pytest.mark.parametrize("glob", [g for g in GLOBS if g.startswith("**/") and g.count("/") == 1])
def test_a_glob_for_a_name_holds_at_any_depth(glob):
    name = glob[3:].replace("*", "1").replace("?", "a")
    assert fnmatch.fnmatchcase(name, glob[3:])
    assert is_wanted(f"/{name}")
    assert is_wanted(f"/a/b c/{name}")


def test_of_some_files_the_path_is_enough():
    assert wants_name("/nix/store/abc-glibc-2.34/bin/iconv")
    assert not wants_name("/usr/bin/iconv")


def test_programs_of_other_systems_are_kept_since_they_may_name_packages():
    assert keep("/app/tool", 0o644, 10, b"MZ\x90\0")
    assert is_program(b"\xcf\xfa\xed\xfe")
    assert is_program(b"\xca\xfe\xba\xbe\0\0\0\x02")
    assert not is_program(b"\xca\xfe\xba\xbe\0\0\0\x41")  # a class file of Java 21


FILLINGS = ("", "x", "1.2", "a/b")


@pytest.mark.parametrize("filling", FILLINGS)
def test_the_short_way_says_the_same_as_all_globs_one_by_one(filling):
    slow = [globs._any_of([glob]) for glob in globs.GLOBS]
    for glob in globs.GLOBS:
        path = "/" + re.sub(r"\*\*/|\*|\?", lambda star: filling + "/" * (star[0] == "**/"), glob)
        path = re.sub("/+", "/", path)
        for text in (
            path.rstrip("/"),
            f"/opt{path}x",
            f"{path}.bak",
            path.replace("/lib/", "/l/") + "x",
        ):
            assert globs.is_wanted(text) == any(one.match(text) for one in slow), (glob, text)
