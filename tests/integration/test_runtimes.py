"""Runtimes and settings of a real image: what is there, under whichever name, and what is not."""

from __future__ import annotations

import pytest

from auditor.image import open_image, parse_reference
from auditor.inventory import collect, keep
from auditor.inventory.settings import settings
from auditor.tables import load

TABLES = load()


@pytest.fixture(scope="module")
def opened(real_image):
    """The image, opened, with its inventory."""
    reference = parse_reference(f"oci-dir:{real_image('many-runtimes')}")
    with open_image(reference, keep) as image:
        yield image, collect(image.rootfs, TABLES.runtimes)


@pytest.fixture(scope="module")
def runtimes(opened):
    """Path → runtime."""
    return {runtime.path: runtime for runtime in opened[1].runtimes}


@pytest.mark.parametrize(
    ("path", "id_", "kind", "version"),
    [
        ("/usr/bin/perl", "perl", "interpreter", "5.36."),
        ("/opt/names/one", "perl", "interpreter", "5.36."),
        ("/usr/bin/python3.11", "cpython", "interpreter", "3.11."),
        ("/opt/names/two", "cpython", "interpreter", "3.11."),
        ("/usr/bin/php8.2", "php", "interpreter", "8.2."),
        ("/opt/names/three", "php", "interpreter", "8.2."),
        ("/usr/bin/ruby3.1", "cruby", "interpreter", "3.1."),
        ("/usr/bin/lua5.4", "lua", "interpreter", "5.4."),
        ("/usr/bin/luajit", "luajit", "interpreter", "2.1."),
        ("/usr/bin/tclsh8.6", "tcl", "interpreter", "8.6."),
        ("/usr/lib/erlang/erts-13.1.5/bin/beam.smp", "beam", "interpreter", "25.2.3"),
        ("/usr/sbin/gosu", "go", "compiled", "1."),
        ("/usr/bin/rg", "rust", "compiled", "1."),
        ("/usr/bin/unison-2.52", "ocaml", "compiled", "4.13."),
        ("/usr/bin/shellcheck", "haskell", "compiled", "9.0."),
    ],
)
def test_a_runtime_is_found_with_its_version(runtimes, path, id_, kind, version):
    found = runtimes[path]
    assert (found.id, found.kind.value) == (id_, kind)
    assert found.version.startswith(version)


def test_a_file_that_is_merely_called_python3_is_not_python(opened, runtimes):
    components = {component.path: component for component in opened[1].components}
    assert "/opt/names/python3" not in runtimes
    assert components["/opt/names/python3"].runtime is None


def test_nothing_else_is_a_runtime(opened, runtimes):
    known = {"perl", "cpython", "php", "cruby", "lua", "luajit", "tcl", "beam"}
    compiled = {"go", "rust", "ocaml", "haskell"}
    assert {runtime.id for runtime in runtimes.values()} <= known | compiled
    assert "/usr/bin/redis-server" not in runtimes
    assert not any(path.startswith("/bin") for path in runtimes)


def test_compiled_programs_keep_their_own_needs(opened):
    components = {component.path: component for component in opened[1].components}
    assert components["/usr/sbin/gosu"].runtime is None
    assert components["/usr/bin/rg"].runtime is None


def test_php_lists_its_extensions(runtimes):
    assert {"opcache", "pdo", "phar"} <= set(runtimes["/usr/bin/php8.2"].modules)


def test_settings_count_for_what_runs(opened):
    image = opened[0]
    argv = (*image.image.config.entrypoint, *image.image.config.cmd)
    found = settings(
        image.rootfs, image.image.config, argv, TABLES.settings, running={"redis-server"}
    )
    assert [(item.name, item.value, item.where, item.capability) for item in found] == [
        ("redis.maxmemory", 6 << 30, "/etc/redis/redis.conf", "memory.large")
    ]
    assert found[0].text == "maxmemory 6gb"
    everything = settings(image.rootfs, image.image.config, argv, TABLES.settings)
    assert {"jvm.heap", "gunicorn.workers"} <= {item.name for item in everything}
