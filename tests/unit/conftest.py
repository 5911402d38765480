"""Builders that unit tests share: a directory as root file system, and facts made by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from auditor.image import open_image, parse_reference
from auditor.image.rootfs import RootFS
from auditor.inventory import keep
from auditor.model.facts import ElfFacts, ElfType, Symbol
from auditor.model.inventory import Component, ComponentKind

Tree = Mapping[str, bytes | str]
"""Path → content, or ``-> target`` for a symbolic link. Content that starts with ``#!`` or
``\\x7fELF`` is made executable."""


@pytest.fixture(scope="session", autouse=True)
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache of the tests' own, so that none looks into the home of who runs them."""
    with pytest.MonkeyPatch.context() as patch:
        cache = tmp_path_factory.mktemp("cache")
        patch.setenv("XDG_CACHE_HOME", str(cache))
        yield cache


@pytest.fixture
def root_of(tmp_path: Path) -> Iterator[Callable[[Tree], RootFS]]:
    """Lay a tree down and open it as ``dir:`` does."""
    with ExitStack() as stack:

        def make(tree: Tree) -> RootFS:
            for name, content in tree.items():
                path = tmp_path / name.lstrip("/")
                path.parent.mkdir(parents=True, exist_ok=True)
                if isinstance(content, str) and content.startswith("-> "):
                    path.symlink_to(content.removeprefix("-> "))
                    continue
                data = content.encode() if isinstance(content, str) else content
                path.write_bytes(data)
                if data[:2] == b"#!" or data[:4] == b"\x7fELF":
                    path.chmod(0o755)
            opened = open_image(parse_reference(f"dir:{tmp_path}"), keep)
            return stack.enter_context(opened).rootfs

        yield make


def elf(
    *,
    needed: tuple[str, ...] = (),
    imports: tuple[str | Symbol, ...] = (),
    exports: tuple[str | Symbol, ...] = (),
    interpreter: str | None = None,
    soname: str | None = None,
    rpath: tuple[str, ...] = (),
    runpath: tuple[str, ...] = (),
    machine: str = "amd64",
    static: bool = False,
    nodeflib: bool = False,
    code_size: int = 1000,
) -> ElfFacts:
    """Facts of an ELF file, made by hand."""
    return ElfFacts(
        type=ElfType.LIBRARY if soname else ElfType.EXECUTABLE,
        machine=machine,
        bits=64,
        interpreter=interpreter,
        needed=needed,
        soname=soname,
        rpath=rpath,
        runpath=runpath,
        imports=tuple(s if isinstance(s, Symbol) else Symbol(s) for s in imports),
        exports=tuple(s if isinstance(s, Symbol) else Symbol(s) for s in exports),
        static=static,
        stripped=True,
        build_id=None,
        code_size=code_size,
        nodeflib=nodeflib,
    )


def component(path: str, facts: ElfFacts, *, runtime: str | None = None) -> Component:
    """A component for facts made by hand."""
    library = facts.type is ElfType.LIBRARY
    kind = ComponentKind.LIBRARY if library else ComponentKind.EXECUTABLE
    return Component(
        id=f"{kind}:{path}",
        kind=kind,
        path=path,
        size=facts.code_size,
        layer=None,
        facts=facts,
        runtime=runtime,
    )


@pytest.fixture(name="elf")
def elf_fixture() -> Callable[..., ElfFacts]:
    """``elf(...)`` for tests, which cannot import a conftest."""
    return elf


@pytest.fixture(name="component")
def component_fixture() -> Callable[..., Component]:
    """``component(...)`` for tests."""
    return component
