"""The pages of reference, as Markdown made from the code: nothing in them is written by hand."""

from __future__ import annotations

import argparse
import ast
import dataclasses
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from auditor import errors
from auditor.cli import configuration, describe, output, parser
from auditor.cli.environment import VARIABLES
from auditor.model.terms import Need, Severity, Support, Verdict
from auditor.report import rules, schema, wire
from auditor.report.console import MEANINGS
from auditor.report.formats import RENDERERS
from auditor.report.targets import target_list
from auditor.report.waivers import Waiver
from auditor.tables import load

__all__ = ["PAGES", "PARTS"]


def cell(text: str) -> str:
    """Text that ends neither its cell nor its line, and is no HTML."""
    plain = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;")
    return plain.replace("|", "\\|").replace("*", "\\*")


def code(text: str) -> str:
    """A code span, also within a table."""
    return f"`{text}`" if text else ""


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table of cells that are Markdown already."""
    heads = list(head)
    lines = [heads, ["---"] * len(heads), *map(list, rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cli() -> str:
    """Every command with its options."""
    program = describe.commands()
    parts = ["# Command line", program.description]
    leaves = [item for item in program.walk() if not item.commands]
    rows = ([f"[`{item.name}`](#{item.name.replace(' ', '-')})", item.summary] for item in leaves)
    parts += [table(("command", "what it does"), rows), exit_table()]
    for item in leaves:
        parts += _command(item)
    return "\n\n".join(parts) + "\n"


def _command(command: describe.Command) -> Iterator[str]:
    yield f"## {command.name}"
    yield f"```\n{command.synopsis}\n```"
    for part in describe.paragraphs(command.description):
        yield f"```\n{part}\n```" if describe.is_literal(part) else _escaped(part)
    for group in command.groups:
        if group.title not in {"operands", "options"}:
            yield f"### {command.name}: {group.title}"
        if group.description is not None:
            yield _escaped(group.description)
        yield table(
            ("operand" if group.title == "operands" else "option", "what"),
            ([code(_shown(entry)), cell(entry.help)] for entry in group.entries),
        )
    if command.bounds:
        yield "Bounds and their defaults:"
        rows = ([code(name), code(value), cell(about)] for name, value, about in command.bounds)
        yield table(("bound", "default", "of what"), rows)


def _escaped(text: str) -> str:
    return text.replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_").replace("[", "\\[")


def _shown(entry: describe.Entry) -> str:
    return f"{', '.join(entry.flags)} {entry.metavar or ''}".strip()


def options() -> str:
    """Keys of the configuration file, variables, and what a waiver has."""
    _, commands = parser.build()
    keys: dict[str, argparse.Action] = {}
    users: dict[str, list[str]] = {}
    for name in ("scan", "inspect", "gate", "convert"):
        for key, action in configuration.keys(commands[name]).items():
            keys.setdefault(key, action)
            users.setdefault(key, []).append(name)
    rows = (
        [code(key), code(configuration.variable(key)), _kind(keys[key]), ", ".join(users[key])]
        for key in sorted(keys)
    )
    waiver = (
        [code(field.name), _field_docs(Waiver).get(field.name, "")]
        for field in dataclasses.fields(Waiver)
        if field.name in configuration.WAIVER_KEYS
    )
    parts = [
        "# Options and variables",
        (
            "Each option may stand in `.auditor.toml` by its key, or in the environment by its "
            "variable. A flag counts before the variable, the variable before the file."
        ),
        table(("key", "variable", "value", "commands"), rows),
        "## Waivers",
        "Tables `[[waivers]]` of `.auditor.toml`:",
        table(("key", "what"), waiver),
        "## Other variables",
        table(("variable", "what"), ([code(k), cell(v)] for k, v in VARIABLES.items())),
    ]
    return "\n\n".join(parts) + "\n"


def _kind(action: argparse.Action) -> str:
    if action.nargs == 0:
        return "true or false"
    return (
        f"list of {code(str(action.metavar))}"
        if action.default == []
        else code(str(action.metavar))
    )


def exit_table() -> str:
    """The exit codes."""
    rows = ([str(number), meaning] for number, meaning in parser.EXIT_CODES.items())
    return table(("exit code", "meaning"), rows)


def exit_codes() -> str:
    """Exit codes, and the errors that lead to them."""

    def below(kind: type[errors.AuditorError]) -> Iterator[list[str]]:
        doc = (kind.__doc__ or "").splitlines()[0]
        yield [code(kind.__name__), str(kind.exit_code), cell(doc)]
        for child in kind.__subclasses__():
            yield from below(child)

    intro = "A scan that failed is not a gate that failed: pipelines can tell 1 from 2."
    tree = table(("error", "exit code", "what"), below(errors.AuditorError))
    parts = ["# Exit codes and errors", intro, exit_table(), "## Errors", tree]
    return "\n\n".join(parts) + "\n"


def formats() -> str:
    """What -o takes."""

    def about(name: str) -> str:
        if name == "table":
            module = sys.modules["auditor.report.table"]
        elif name == "template":
            module = sys.modules["auditor.report.template"]
        else:
            module = sys.modules[RENDERERS[name].__module__]
        return (module.__doc__ or "").split("\n\n")[0]

    import auditor.report.table  # noqa: PLC0415
    import auditor.report.template  # noqa: F401, PLC0415

    rows = ([code(name), cell(about(name))] for name in output.REPORT_FORMATS)
    return "\n\n".join(["# Report formats", table(("format", "what"), rows)]) + "\n"


def report() -> str:
    """The JSON report: every object and key."""
    document = schema.schema()
    parts = [
        "# JSON report",
        (
            f"Schema version {wire.SCHEMA_VERSION}. [The JSON Schema](report.schema.json) is made "
            "from the same types, and `auditor scan -o json` follows it."
        ),
    ]
    for name, shape in document["$defs"].items():
        docs = _field_docs(getattr(wire, name))
        required = set(shape.get("required", ()))
        rows = (
            [code(key), _type(kind), cell(docs.get(key, docs.get(f"{key}_", "")))]
            for key, kind in shape["properties"].items()
        )
        optional = [code(key) for key in shape["properties"] if key not in required]
        parts += [f"## {name}", cell(shape.get("description", ""))]
        parts.append(table(("key", "type", "what"), rows))
        if optional:
            parts.append(f"May be left out: {', '.join(optional)}.")
    return "\n\n".join(parts) + "\n"


def _type(shape: Mapping[str, Any]) -> str:
    if "$ref" in shape:
        name = str(shape["$ref"]).rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in shape:
        return " or ".join(_type(item) for item in shape["anyOf"])
    if shape.get("type") == "array":
        if "prefixItems" in shape:
            return f"({', '.join(_type(item) for item in shape['prefixItems'])})"
        return f"list of {_type(shape['items'])}"
    if shape.get("type") == "object":
        return f"name → {_type(shape['additionalProperties'])}"
    low, high = shape.get("minimum"), shape.get("maximum")
    bound = f" {low} to {high}" if high is not None else f" from {low}" if low is not None else ""
    return f"{shape['type']}{bound}"


def _field_docs(kind: type) -> dict[str, str]:
    """The text under each field of a class."""
    (node,) = ast.parse(inspect.getsource(kind)).body
    assert isinstance(node, ast.ClassDef)
    found = {}
    for field, after in zip(node.body, node.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            match after:
                case ast.Expr(ast.Constant(str() as text)):
                    found[field.target.id] = text
    return found


def rules_page() -> str:
    """Every capability: what it is, what helps, and what each target offers."""
    tables = load()
    names = [line.capability for line in rules.rule_list(tables).rules]
    parts = [
        "# Rules",
        (
            "A rule is a capability that a program may ask of its platform; a finding names one. "
            f"There are {len(names)}, by tables of {tables.as_of}; `auditor rules show` adds "
            "sources."
        ),
        "The levels:",
        table(("level", "meaning"), ([code(k), cell(v)] for k, v in MEANINGS.items())),
    ]
    for name in names:
        item = rules.rule(name, tables)
        levels = ([code(at.target), at.level, cell(at.note)] for at in item.levels)
        parts += [
            f"## {name}",
            f"**{_escaped(item.title)}.** {_escaped(item.summary)} {_escaped(item.why)}",
            f"What helps: {_escaped(item.remedy)}",
            f"Need: {item.need}. Effort: {item.effort} of 13 points, {item.effort_meaning}.",
            table(("target", "level", "note"), levels),
        ]
    return "\n\n".join(parts) + "\n"


def targets() -> str:
    """Every target: what it is, what runs and builds it."""
    parts = ["# Targets"]
    for row in target_list(load()).targets:
        levels = ", ".join(f"{count} {level}" for level, count in row.levels.items() if count)
        parts += [
            f"## {row.id}",
            f"**{_escaped(row.title)}.** {_escaped(row.summary)}"
            + ("" if row.headline else " It stands beside the headline."),
            table(
                ("", ""),
                (
                    ["runs on", cell(", ".join(f"{h.title} {h.version}" for h in row.hosts))],
                    ["built by", cell(row.toolchain)],
                    ["capabilities", cell(levels)],
                    ["read", f"{row.as_of}, {cell(row.url)}"],
                ),
            ),
        ]
    return "\n\n".join(parts) + "\n"


def python() -> str:
    """The library's face."""
    import auditor  # noqa: PLC0415

    names = [f"::: auditor.{name}" for name in auditor.__all__]
    intro = "All that `import auditor` offers; [how to call it](../how-to/python.md)."
    return "\n\n".join(["# Python", intro, *names]) + "\n"


def words() -> str:
    """The ordered words that options and reports use."""
    kinds = {"verdict": Verdict, "severity": Severity, "need": Need, "support": Support}
    rows = ([name, ", ".join(code(word) for word in kind)] for name, kind in kinds.items())
    return table(("", "in this order"), rows)


PAGES: Mapping[str, Callable[[], str]] = {
    "reference/cli.md": cli,
    "reference/options.md": options,
    "reference/exit-codes.md": exit_codes,
    "reference/formats.md": formats,
    "reference/report.md": report,
    "reference/rules.md": rules_page,
    "reference/targets.md": targets,
    "reference/python.md": python,
}
"""Page of the documentation → what makes it."""
PARTS: Mapping[str, Callable[[], str]] = {
    "exit-codes": exit_table,
    "words": words,
}
"""What a mark in a page stands for."""
