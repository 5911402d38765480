"""The applications of one image: which language takes a command line, and what it starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import cast

from auditor.applications.follow import Followed, follow
from auditor.applications.language import Context, Language, Start, Words
from auditor.tables.apis import Apis

__all__ = ["LANGUAGES", "Applications"]

LANGUAGES: Mapping[str, str] = {
    "cpython": "python",
    "pypy": "python",
    "nodejs": "javascript",
    "deno": "javascript",
    "bun": "javascript",
    "electron": "javascript",
    "jvm": "jvm",
    "cruby": "ruby",
    "php": "php",
    "perl": "perl",
    "lua": "lua",
    "luajit": "lua",
    "dotnet": "dotnet",
    "go": "go",
}
"""Id of a runtime → module of this room that has ``make(context)``. Each is loaded when a runtime
of that kind is started, since most images need one parser at most."""


@dataclass(slots=True)
class Applications:
    """All languages for one image; each is made once."""

    context: Context
    _made: dict[str, Language] = field(default_factory=dict)

    def start(self, runtime: str | None, words: Words) -> Start | None:
        """What a runtime is told to run; ``None`` for a language that is not followed."""
        language = self._language(runtime)
        return language.start(words) if language is not None else None

    def follow(self, runtime: str, start: Start) -> Followed:
        """Follow what was started. The runtime is one that ``start`` took."""
        language = self._language(runtime)
        assert language is not None  # noqa: S101 - ``start`` has given what is followed here
        apis = self.context.tables.apis.get(language.id, Apis({}))
        return follow(language, start, apis)

    def language_of(self, runtime: str) -> str:
        """Id of the language that a followed runtime runs."""
        return self._made[LANGUAGES[runtime]].id

    def _language(self, runtime: str | None) -> Language | None:
        name = LANGUAGES.get(runtime or "")
        if name is None:
            return None
        if name not in self._made:
            module = import_module(f"auditor.applications.{name}")
            self._made[name] = cast("Language", module.make(self.context))
        return self._made[name]
