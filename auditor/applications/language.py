"""What a language has to say for its applications to be followed: one implementation each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from auditor.image.rootfs import RootFS
from auditor.model.inventory import Unknown
from auditor.model.source import SourceFacts
from auditor.tables.rows import Tables

__all__ = ["Context", "Language", "Module", "Resolution", "Served", "Start", "Words"]

Words = tuple[str | None, ...]
"""A command line; ``None`` stands for a word that only run time knows."""


@dataclass(frozen=True, slots=True)
class Context:
    """The image as a language sees it."""

    rootfs: RootFS
    variables: Mapping[str, str]
    """The process environment."""
    working_dir: str
    tables: Tables


@dataclass(frozen=True, slots=True)
class Served:
    """What a launcher does for the application, where a target's host can take its place."""

    launcher: str
    """Its name, for people: ``gunicorn``."""
    capability: str
    """What is asked of the host instead (``net.http.serve``)."""
    source: str
    """Id of a ``Source``."""


@dataclass(frozen=True, slots=True)
class Start:
    """What a runtime was told to run."""

    modules: tuple[str, ...] = ()
    """Keys of the entry modules; the first is the one that the command line names."""
    names: tuple[str, ...] = ()
    """More qualified names that are called from outside (``app:create_app()``)."""
    served: tuple[Served, ...] = ()
    commands: tuple[str, ...] = ()
    """Shell text that is run in its place (``npm start``)."""
    problem: str | None = None
    """A sentence, where what is started cannot be told."""
    explains: bool = False
    """Whether a program that was compiled asks for nothing but what its source asks for: what
    else it imports, or does without a loader, is its language's own."""


@dataclass(frozen=True, slots=True)
class Module:
    """A module that was read."""

    key: str
    """As ``Resolution.modules`` names it."""
    file: str
    """The file of the image that it is in: a path, the same for all classes of one jar."""
    facts: SourceFacts
    own: bool
    """Whether it is the application's own, rather than a package's."""
    size: int
    """Bytes of the file."""
    layer: str | None = None
    member: str = ""
    """Where a file holds many modules: which one (``com.example.Main``)."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """Where a qualified name leads."""

    name: str
    """As ``signatures/apis`` writes it: ``subprocess.run``, ``node:net.createServer``."""
    modules: tuple[str, ...] = ()
    """Keys of the modules that naming it loads, outermost first."""
    rest: str = ""
    """What is left of the name inside the last of these."""
    native: str | None = None
    """Path of the shared library that it is in, if it is compiled."""
    standard: bool = False
    """Part of the language's own library, which every build of the runtime brings."""


class Language(Protocol):
    """One language, for one image. Nothing it is given is trusted, and nothing is run."""

    id: str
    """The file of ``signatures/apis`` that tells what its names ask for."""

    def start(self, words: Words) -> Start:
        """What the runtime runs, given its own command line (``python3 -m gunicorn app:app``).

        For a script the words are as the kernel makes them: ``python3 /app/app.py …``.
        """
        ...

    def read(self, key: str) -> Module | Unknown:
        """Read a module that ``start`` or ``resolve`` named; an Unknown where it cannot be."""
        ...

    def resolve(self, name: str, importer: Module) -> Resolution | None:
        """Where a name leads from a module; ``None`` where the image has nothing by it."""
        ...
