"""Shell scripts: every command that one can run, read from its text and never run.

The grammar is tree-sitter's for bash, which also covers POSIX sh, ash and ksh scripts.

What the facts leave out on purpose: builtins, functions of the script (their bodies are read
where they stand), redirections, and what ``alias`` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from auditor.formats.shell_calls import Calls, Context, Sink
from auditor.formats.shell_scope import survey
from auditor.formats.shell_tree import MAX_SECONDS, MAX_SIZE, Node, Source, parse_source
from auditor.formats.shell_words import Scope, Words
from auditor.model.facts import ShellFacts

__all__ = ["MAX_SECONDS", "MAX_SIZE", "parse_shell"]

_NESTING = 4
"""``eval`` inside ``eval``, and ``trap`` inside either, that are followed."""
_APART = frozenset({"subshell", "command_substitution", "process_substitution"})
_AFTER_OPERATOR = frozenset({"list", "heredoc_redirect"})
_BODIES = frozenset({"do_group", "elif_clause", "else_clause", "case_item"})


def parse_shell(
    text: bytes, *, first_line: int = 1, env: Mapping[str, str] | None = None
) -> ShellFacts:
    """Find the commands in a script, or in the string of ``sh -c``.

    ``first_line`` is the number of the text's first line. ``env`` is the environment that the
    script starts in; it gives values to variables that the script never assigns, and lets
    ``${NAME:-default}`` fall to its default. Without it, both stay unknown.

    In words, ``"$@"``, ``$@`` and ``"$*"`` all read ``$@``; ``"$0"`` and ``"$BASH_SOURCE"`` read
    ``$0``; a single ``None`` may stand for several words. ``eval`` and ``trap`` of what is not
    literal give the words ``(None,)``. ``exec`` sets ``replaces`` only where it ends the script's
    own process: not in a subshell, a pipeline, a substitution or the background. ``shift``
    outside functions gives a ``positional`` with the words ``(None,)``. Inside a function
    ``"$@"`` stands for that function's arguments, so there each call of it in the script gives
    commands of its own. Of a path with variable or pattern parts, ``paths`` has the fixed
    directories.

    Raises ``FormatError`` where the text is longer than ``MAX_SIZE``, or takes the parser longer
    than ``MAX_SECONDS``.
    """
    source = parse_source(text, first_line)
    seen = survey(source)
    sink = Sink(functions=frozenset(seen.functions))
    scope = Scope(source, seen.assignments, env)
    _Walk(source, Words(source, scope), sink, 0).run(Context())
    return ShellFacts(
        commands=sink.resolved(),
        functions=tuple(seen.functions),
        sources=tuple(sink.sources),
        positional=sink.changes(),
        paths=tuple(sorted(seen.paths)),
        errors=seen.errors,
    )


@dataclass(frozen=True, slots=True)
class _Walk:
    """Visits one tree in source order and hands every simple command to ``Calls``."""

    source: Source
    words: Words
    sink: Sink
    depth: int

    def run(self, start: Context) -> None:
        """Visit the whole tree, without recursion: hostile text nests as deep as it is long."""
        calls = Calls(self.sink, self._nested)
        stack: list[tuple[Node, Context, tuple[Node, ...]]] = [(self.source.root, start, ())]
        while stack:
            node, context, stray = stack.pop()
            if node.type == "command":
                self._simple(calls, node, context, stray)
            if node.type == "function_definition":
                context = self._into_function(node, context)
            stray = _stray(node)
            below = list(_children(node, context))
            for child, inner in reversed(below):
                stack.append((child, inner, stray if child.type == "command" else ()))

    def _simple(self, calls: Calls, node: Node, context: Context, stray: tuple[Node, ...]) -> None:
        name = node.child_by_field_name("name")
        if name is None:
            return
        arguments = (*node.children_by_field_name("argument"), *_stray(node), *stray)
        inner = name.named_children[0] if name.named_children else name
        words = [word for part in (inner, *arguments) for word in self.words.of(part)]
        line, shown = self.source.line(node), self.source.shown(node)
        calls.run(tuple(words), replace(context, line=line, text=shown))

    def _into_function(self, node: Node, context: Context) -> Context:
        name = node.child_by_field_name("name")
        return replace(context, function=self.source.text(name) if name is not None else None)

    def _nested(self, text: str, context: Context) -> bool:
        """Read the string of ``eval`` or ``trap``; False where it is nested too deep."""
        if self.depth >= _NESTING:
            return False
        source = parse_source(text.encode(), context.line)
        scope = self.words.scope
        inner = Scope(source, survey(source).assignments, scope.env, scope)
        _Walk(source, Words(source, inner), self.sink, self.depth + 1).run(context)
        return True


def _stray(node: Node) -> tuple[Node, ...]:
    """Words of a command that stand behind a redirection, where the grammar hangs them."""
    found: list[Node] = []
    for child in node.children:
        if child.type == "file_redirect":
            found += child.children_by_field_name("destination")[1:]
        elif child.type == "heredoc_redirect":
            found += child.children_by_field_name("argument")
    return tuple(found)


def _children(node: Node, context: Context) -> list[tuple[Node, Context]]:
    """A node's children, each with what its place says of whether and how it runs."""
    if node.type in _APART:
        context = replace(context, apart=True)
    if node.type in _BODIES:
        context = replace(context, conditional=True)
    children = node.children
    piped = node.type == "pipeline"
    found: list[tuple[Node, Context]] = []
    for position, child in enumerate(children):
        if child.type == "then" and node.type == "if_statement":
            context = replace(context, conditional=True)
        if child.type in {"&&", "||"} and node.type in _AFTER_OPERATOR:
            context = replace(context, conditional=True)
        if not child.is_named:
            continue
        inner = replace(context, apart=True) if piped else context
        following = children[position + 1].type if position + 1 < len(children) else ""
        if following == "&":
            inner = replace(inner, apart=True, background=True)
        found.append((child, inner))
    return found
