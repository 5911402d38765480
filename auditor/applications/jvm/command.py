"""The command line of ``java`` ("The java Command", Java SE 21, and java.c of OpenJDK)."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from auditor.applications.language import Context, Words
from auditor.errors import PathInImageError
from auditor.model.image import EntryKind

__all__ = ["Command", "read_command", "system_property"]

_WITH_VALUE = frozenset(
    {
        "-cp",
        "-classpath",
        "--class-path",
        "-p",
        "--module-path",
        "-m",
        "--module",
        "--upgrade-module-path",
        "--add-modules",
        "--enable-native-access",
        "--limit-modules",
        "--add-exports",
        "--add-opens",
        "--add-reads",
        "--patch-module",
        "--source",
    }
)
"""Options that take the next word (``IsWhiteSpaceOption`` of java.c)."""
_TELLS = frozenset(
    {
        "-version",
        "--version",
        "-fullversion",
        "--full-version",
        "-help",
        "--help",
        "-h",
        "-?",
        "-X",
        "--help-extra",
        "--list-modules",
        "--validate-modules",
        "-d",
        "--describe-module",
    }
)
"""Options after which nothing is started."""
_LARGEST_FILE = 1 << 20


@dataclass(slots=True)
class Command:
    """What a command line says."""

    jar: str | None = None
    main: str | None = None
    """Main class, or module and main class (``shop/com.example.Main``) for ``module``."""
    module: bool = False
    class_path: tuple[str, ...] = ()
    open: bool = False
    """Whether only run time knows the class path."""
    module_path: tuple[str, ...] = ()
    boot_path: tuple[str, ...] = ()
    """What ``-Xbootclasspath/a:`` adds."""
    agents: tuple[str, ...] = ()
    properties: dict[str, str] = field(default_factory=dict)
    arguments: Words = ()
    """For the application."""
    problem: str | None = None


def read_command(words: Words, context: Context) -> Command:
    """Read a command line, its argument files and the variables that add to it."""
    command = Command()
    variables = context.variables
    for option in _split(variables.get("JAVA_TOOL_OPTIONS", "")):
        _simple(command, option)
    launcher = _split(variables.get("JDK_JAVA_OPTIONS", ""))
    pending = _Words([*launcher, *words[1:]], context)
    class_path = _options(command, pending)
    command.arguments = tuple(pending.rest())
    if command.jar is None and not command.module:
        text = class_path if class_path is not None else variables.get("CLASSPATH", ".")
        command.class_path = tuple(_expanded(text, context))
    if command.jar is None and command.main is None and command.problem is None:
        command.problem = "the command line of java names no application"
    return command


class _Words:
    """Words; what an argument file holds comes in its place, and is not expanded again."""

    def __init__(self, words: list[str | None], context: Context) -> None:
        self._words = words[::-1]
        self._literal = 0
        """How many of the words that come next are from an argument file."""
        self._context = context

    def next(self) -> tuple[bool, str | None]:
        """Whether there is one more, and the word."""
        while self._words:
            word = self._words.pop()
            literal = self._literal > 0
            self._literal = max(self._literal - 1, 0)
            if literal or word is None or not word.startswith("@") or len(word) == 1:
                return True, word
            if word.startswith("@@"):
                return True, word[1:]
            content = _file(word[1:], self._context)
            if content is None:
                return True, None
            inside = _argument_file(content)
            self._words += inside[::-1]
            self._literal = len(inside)
        return False, None

    def rest(self) -> list[str | None]:
        """All that is left."""
        return self._words[::-1]


def _options(command: Command, words: _Words) -> str | None:
    """Take options up to the application's name; gives the class path that they name."""
    class_path: str | None = None
    while True:
        there, word = words.next()
        if not there:
            return class_path
        if word is None:
            continue
        name, value = _option(word, words)
        if name in {"-cp", "-classpath", "--class-path"}:
            class_path = value or ""
            command.open = value is None
        elif name in {"-p", "--module-path"}:
            command.module_path = tuple((value or "").split(":"))
        elif name == "--source":
            command.problem = "java compiles the program from source as it starts"
        elif _ends(command, name, word, value):
            return class_path


def _option(word: str, words: _Words) -> tuple[str, str | None]:
    """An option that has a value, and the value; an empty name for other words."""
    if word in _WITH_VALUE or word == "-jar":
        return word, words.next()[1]
    name, equals, value = word.partition("=")
    return (name, value) if equals and name.startswith("--") and name in _WITH_VALUE else ("", None)


def _ends(command: Command, name: str, word: str, value: str | None) -> bool:
    """Take a word that may name the application; whether it was the last of java's own."""
    if name in {"-jar", "-m", "--module"}:
        _named(command, name, value)
        return True
    if name:
        return False
    if word in _TELLS:
        command.problem = f"java {word} starts no application"
        return True
    if word.startswith("-"):
        _simple(command, word)
        return False
    _main(command, word)
    return True


def _named(command: Command, option: str, value: str | None) -> None:
    if value is None:
        command.problem = "only run time knows which application java starts"
    elif option == "-jar":
        command.jar = value
    else:
        command.module = True
        command.main = value


def _main(command: Command, word: str) -> None:
    if word.endswith(".java"):
        command.problem = f"java compiles {word} from source as it starts"
    else:
        command.main = word.replace("/", ".")


def _simple(command: Command, word: str) -> None:
    """Options that are one word."""
    if word.startswith("-D"):
        name, _, value = word[2:].partition("=")
        command.properties[name] = value
    elif word.startswith("-javaagent:"):
        agent = word.removeprefix("-javaagent:").partition("=")[0]
        command.agents = (*command.agents, agent)
    elif word.startswith("-Xbootclasspath/a:"):
        path = word.removeprefix("-Xbootclasspath/a:")
        command.boot_path = (*command.boot_path, *path.split(":"))


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def _argument_file(content: str) -> list[str | None]:
    """Words of an argument file: quotes, backslashes inside of them, and # for comments."""
    lexer = shlex.shlex(content, posix=True, punctuation_chars="")
    lexer.whitespace_split = True
    lexer.escapedquotes = "\"'"
    try:
        return list(lexer)
    except ValueError:
        return [*content.split()]


def _file(name: str, context: Context) -> str | None:
    entry = context.rootfs.resolve(posixpath.join("/", context.working_dir, name))
    if entry is None or entry.kind is not EntryKind.FILE or entry.size > _LARGEST_FILE:
        return None
    try:
        return context.rootfs.read(entry).decode("utf-8", "replace")
    except PathInImageError:
        return None


def _expanded(text: str, context: Context) -> Iterator[str]:
    """Entries of a class path: ``lib/*`` is every archive of the folder, nothing is here."""
    for part in text.split(":"):
        path = posixpath.join("/", context.working_dir, part or ".")
        if part == "*" or part.endswith("/*"):
            folder = path[:-1]
            for name in context.rootfs.listdir(folder):
                if name.endswith((".jar", ".JAR")):
                    yield posixpath.join(folder, name)
        else:
            yield posixpath.normpath(path)


def system_property(command: Command, name: str, variables: Mapping[str, str]) -> str | None:
    """A property that the command line sets (``catalina.base``), else the variable of its name."""
    value = command.properties.get(name)
    return value or variables.get(name.upper().replace(".", "_"))
