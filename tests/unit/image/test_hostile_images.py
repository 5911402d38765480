"""Hostile images as a whole: links, bombs, documents, and the archive around them."""

from __future__ import annotations

import gzip
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import zstandard

if TYPE_CHECKING:
    from tests.unit.image.conftest import Builder, World

PROGRAM = "/usr/bin/hello"
SCRIPT = b"#!/bin/sh\nexec /usr/bin/hello\n"
ESCAPES = "\x1b[31m\x1b]0;owned\x07\x9b31m\x7f\r\x08\x00"


def test_a_mark_that_hides_the_root_leaves_nothing_to_run(world: World) -> None:
    layer = world.build.files({".wh..wh..opq": b"", "bin/other": SCRIPT})
    path = world.image(layer)
    assert "'/usr/bin/hello' is not in the image" in world.run("scan", str(path)).words
    told = world.run("inspect", str(path), PROGRAM)
    assert "holds nothing at /usr/bin/hello" in told.err


@pytest.mark.parametrize("target", ["../../../../..", "/", "{here}/home", "usr", "bin/../usr"])
def test_a_directory_that_a_later_layer_turns_into_a_link_stays_inside(
    world: World, target: str
) -> None:
    turned = world.build.tar(
        world.build.symlink("usr", target.format(here=world.root)),
        world.build.member("usr/canary", SCRIPT, mode=0o755),
        world.build.member("usr/bin/hello", SCRIPT, mode=0o755),
        world.build.member("usr/.wh.canary"),
    )
    told = world.run("scan", str(world.image(turned)))
    assert told.code == 0


def _loop(build: Builder) -> bytes:
    return build.tar(build.symlink("usr/a", "b"), build.symlink("usr/b", "/usr/a"))


def _hops(build: Builder) -> bytes:
    """Each link leads twice through the next: 2 to the power of 60 steps, followed blindly."""
    last = build.member("usr/60/x", SCRIPT, mode=0o755)
    links = [build.symlink(f"usr/{n}", f"{n + 1}/../{n + 1}") for n in range(60)]
    return build.tar(last, *links)


@pytest.mark.parametrize(("layer", "path"), [(_loop, "/usr/a"), (_hops, "/usr/0/x")])
def test_links_that_never_end_lead_nowhere(
    world: World, layer: Callable[[Builder], bytes], path: str
) -> None:
    built = world.image(layer(world.build), config={"Entrypoint": [path]})
    assert f"'{path}' is not in the image" in world.run("scan", str(built)).words
    assert f"holds nothing at {path}" in world.run("inspect", str(built), path).err


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.compress])
@pytest.mark.parametrize("named", [True, False], ids=["one file", "many empty ones"])
def test_a_bomb_is_stopped_long_before_it_is_unpacked(
    world: World, compress: Callable[[bytes], bytes], *, named: bool
) -> None:
    if named:
        bomb = world.build.files({"zero": bytes(100 << 20)})
        told = world.run("scan", str(world.build.layout(bomb, compress=compress)))
        assert "the bound ratio" in told.err
        (world.root / "outer").write_bytes(compress(bomb))
        told = world.run("scan", f"archive:{world.root}/outer")
        assert "the bound ratio" in told.err
    else:
        bomb = world.build.files({"f": b""})[:512] * 20_000
        path = world.build.layout(bomb, compress=compress)
        told = world.run("scan", str(path), "--limit", "files=10000")
        assert "the bound files" in told.err
    assert told.code == 1


def _deep(build: Builder) -> bytes:
    """Each member is a line in the archive and a thousand directories, or a megabyte of paths."""
    return build.tar(
        *(build.member(f"{n}/{'d/' * 1000}f") for n in range(10)), format_=tarfile.GNU_FORMAT
    )


def _long(build: Builder) -> bytes:
    return build.files({f"{n}{'n' * 1000}": b"" for n in range(2000)})


def _climbing(build: Builder) -> bytes:
    return build.files({f"../{n}{'n' * 1000}": b"" for n in range(2000)})


def _through_a_link(build: Builder) -> bytes:
    deep = "/".join(["d" * 250] * 16)
    names = (f"l/{n}" for n in range(500))
    return build.tar(build.directory(deep), build.symlink("l", deep), *map(build.member, names))


@pytest.mark.parametrize(
    ("layer", "bound"),
    [
        (_deep, "files=9000"),
        (_deep, "paths-size=1MiB"),
        (_long, "paths-size=1MiB"),
        (_climbing, "paths-size=1MiB"),
        (_through_a_link, "paths-size=1MiB"),
    ],
)
def test_paths_that_multiply_are_bounded_together(
    world: World, layer: Callable[[Builder], bytes], bound: str
) -> None:
    path = world.image(layer(world.build))
    assert world.run("scan", str(path), "--packages", "none").code == 0
    told = world.run("scan", str(path), "--limit", bound)
    assert f"exceeds the bound {bound.partition('=')[0]}" in told.err


def test_what_is_written_for_syft_stays_in_the_store(world: World) -> None:
    metadata = b"Metadata-Version: 2.1\nName: \x1b[31mred\nVersion: 1\n"
    build, escapes = world.build, ESCAPES[:-1]
    packages = build.tar(
        build.symlink("lib", f"{world.root}/home"),
        build.member("lib/dpkg/status", b"Package: a\nStatus: install ok installed\nVersion: 1\n"),
        build.symlink("var", "../" * 40),
        build.member("var/lib/dpkg/status", b"Package: \x1b[31mb\nVersion: 1\n"),
        build.member(f"{'../' * 40}{world.root}/planted/package.json", b'{"name": "a"}'),
        build.member(f"{world.root}/planted/package.json", b'{"name": "b", "version": "1"}'),
        build.member(f"app/{escapes}/red-1.dist-info/METADATA", metadata),
        build.member("app/new\nline/package.json", b'{"name": "\\u001b[31m", "version": "2"}'),
        build.symlink("app/package.json", f"{world.root}/home/canary"),
        build.member("etc/os-release", kind=tarfile.FIFOTYPE),
        build.symlink("app/go.mod", "go.mod"),
        build.hard_link("app/Gemfile.lock", f"{world.root}/home/canary"),
    )
    report = world.all(world.image(packages), packages="syft")
    assert isinstance(report, dict), report
    assert report["packages"]
    assert "alive" not in str(report)


@pytest.mark.parametrize("mark", ["d/.wh..wh..opq", ".wh.d", ".wh..wh..opq"])
def test_a_mark_that_is_there_thousands_of_times_costs_no_more_than_other_members(
    world: World, mark: str
) -> None:
    build = world.build
    count = 5_000
    own = [build.member(f"d/{n}") for n in range(count)]
    layer = build.tar(*own, *[build.member(mark)] * count, format_=tarfile.GNU_FORMAT)
    begun = time.monotonic()
    rootfs = build.rootfs(build.files({"d/below": b""}), layer)
    assert len(rootfs.listdir("/d")) == count
    assert time.monotonic() - begun < 10  # the square of it would take more than twice that


# Documents: whatever they hold, nothing of it steers the terminal.


@pytest.mark.parametrize(
    "config",
    [
        {"Entrypoint": [PROGRAM, ESCAPES], "Cmd": [ESCAPES]},
        {
            "Entrypoint": [PROGRAM],
            "Env": [f"A={'x' * (8 << 20)}", "=", "B", f"{ESCAPES}={ESCAPES}"],
        },
        {"Entrypoint": [PROGRAM], "Env": [f"V{n}=${{V{n + 1}}}${{V{n + 1}}}" for n in range(2000)]},
        {"Entrypoint": [PROGRAM], "WorkingDir": f"../../{ESCAPES}", "User": ESCAPES},
        {"Entrypoint": [PROGRAM], "Labels": {ESCAPES: ESCAPES}, "StopSignal": ESCAPES},
        {"Entrypoint": [PROGRAM], "ExposedPorts": {ESCAPES: {}}, "Volumes": {ESCAPES: {}}},
        {"Entrypoint": [PROGRAM], "Healthcheck": {"Test": ["CMD-SHELL", ESCAPES * 999]}},
    ],
    ids=["words", "a huge variable", "variables", "directory", "labels", "ports", "health check"],
)
def test_a_hostile_config_gives_a_report(world: World, config: dict[str, Any]) -> None:
    history = [{"created_by": ESCAPES * 1000}]
    report = world.all(world.image(config=config, history=history))
    assert isinstance(report, dict), report
    assert report["recommendation"]["verdict"] == "rebuild"


def test_a_variable_longer_than_linux_takes_is_not_searched_and_not_shown(world: World) -> None:
    env = ["A=" + "x" * (8 << 20), "B=" + "x" * (1 << 16)]
    opened = world.build.open(world.image(config={"Env": env, "Labels": {"l": "x" * (4 << 20)}}))
    assert opened.image.config.env == (("A", "[redacted]"), ("B", "x" * (1 << 16)))
    assert opened.image.config.labels == (("l", "[redacted]"),)


def test_an_entrypoint_of_escapes_is_shown_without_them(world: World) -> None:
    path = f"/bin/{ESCAPES[:-1]}"
    layer = world.build.tar(world.build.member(path, SCRIPT, mode=0o755))
    built = world.image(layer, config={"Entrypoint": [path]})
    report = world.all(built, path)
    assert isinstance(report, dict)
    assert report["image"]["entrypoint"] == [path]
    assert "\\x1b[31m" in world.run("scan", str(built)).out


def _documents(world: World) -> dict[str, Path]:
    """Layouts that are wrong in a word which the sentence repeats."""
    build = world.build
    names = iter(range(99))

    def layout(*roots: dict[str, Any]) -> Path:
        path = build.root / f"wrong{next(names)}"
        images = (build.image(path, build.files({f"{n}": b""})) for n in range(len(roots)))
        return build.finish(path, *({**a, **b} for a, b in zip(images, roots, strict=True)))

    def manifest(**more: Any) -> Path:
        path = build.root / f"wrong{next(names)}"
        value = {"schemaVersion": 2, "mediaType": ESCAPES, **more}
        return build.finish(path, build.json_blob(path, value, ESCAPES))

    tag = "org.opencontainers.image.ref.name"
    config = {"digest": ESCAPES, "size": 1, "mediaType": ESCAPES}
    return {
        "two tags": layout(*({"annotations": {tag: f"{n}{ESCAPES}"}} for n in range(2))),
        "platform": layout(
            *({"platform": {"os": f"{n}", "architecture": ESCAPES}} for n in range(2))
        ),
        "digest": layout({"digest": f"sha256:{ESCAPES}"}),
        "a digest that climbs": layout({"digest": "sha256:../../../../home/canary"}),
        "artifact": manifest(config=config, layers=[], artifactType=ESCAPES),
        "config": manifest(config={**config, "mediaType": ""}, layers=[]),
        "size": manifest(config={**config, "size": ESCAPES}),
        "negative": manifest(config={**config, "size": -1}),
        "key": manifest(**{ESCAPES: 1}),
    }


def test_a_hostile_document_is_a_sentence_that_steers_nothing(world: World) -> None:
    for what, path in _documents(world).items():
        told = world.run("scan", str(path))
        assert told.code == (64 if what == "two tags" else 1), what


def test_a_document_nested_without_end_is_a_sentence(world: World) -> None:
    path = world.image()
    (path / "index.json").write_text('{"x": ' + "[" * 500_000)
    assert "is not valid JSON" in world.run("scan", str(path)).err
    (path / "index.json").write_text('{"manifests": ' + '[{"a":' * 100_000)
    assert "index.json" in world.run("scan", str(path)).err


# The archive around the image is as hostile as what is in it.


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.compress])
def test_a_hostile_outer_archive_writes_nothing(
    world: World, pack: Callable[[bytes], bytes]
) -> None:
    good = world.build.docker_archive(world.program).read_bytes()
    odd = world.build.tar(
        world.build.member(f"{'../' * 40}{world.root}/planted", b"x"),
        world.build.member(f"{world.root}/planted", b"x"),
        world.build.symlink("0/layer.tar", "/etc/passwd"),
        world.build.symlink("a", "b"),
        world.build.symlink("b", "a"),
        world.build.member("pipe", kind=tarfile.FIFOTYPE),
        world.build.member(f"{ESCAPES[:-1]}/layer.tar", b"\x1f\x8b broken"),
    )
    path = world.root / "outer.tar"
    path.write_bytes(pack(odd[: odd.rindex(b"broken") // 512 * 512 + 512] + good))
    assert world.run("scan", str(path)).code == 0


@pytest.mark.parametrize("link", ["a", "/etc/passwd", "../../../../../etc/passwd", ESCAPES[:-1]])
def test_an_outer_archive_whose_documents_are_links_is_a_sentence(world: World, link: str) -> None:
    for name in ("manifest.json", "index.json"):
        path = world.root / f"{name}.tar"
        path.write_bytes(
            world.build.tar(world.build.symlink(name, link), world.build.symlink("a", name))
        )
        assert world.run("scan", str(path)).code == 1
