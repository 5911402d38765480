"""README, documentation and help texts say what the code does, and the code says nothing else."""

from __future__ import annotations

import argparse
import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import tomli
import yaml

from auditor.cli import configuration, describe, environment, output, parser
from auditor.cli.arguments import sources
from auditor.report.formats import RENDERERS

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
OTHERS = [
    ROOT / "action.yml",
    ROOT / "Dockerfile",
    ROOT / "ARCHITECTURE.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "integrations").rglob("*.*")),
]
COMMANDS = {item.name: item for item in describe.commands().walk()}
OPTIONS = {
    name: {flag for group in item.groups for entry in group.entries for flag in entry.flags}
    for name, item in COMMANDS.items()
}
ALL_OPTIONS = frozenset().union(*OPTIONS.values())
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
OPTION = re.compile(r"(?<![\w./-])--[a-z][a-z-]+")
ENVIRON = re.compile(r"environ\b")
PROSE = {"looks", "are"}
"""Verbs that follow the program's name in help texts."""
FOREIGN = {"--build-arg", "--dir"}
"""Options of other programs that the pages name alone."""
READ_BY_LIBRARIES = {
    "COLUMNS": "rich",
    "FORCE_COLOR": "rich",
    "HTTPS_PROXY": "urllib.request.getproxies",
    "HTTP_PROXY": "urllib.request.getproxies",
    "NO_COLOR": "rich",
    "NO_PROXY": "urllib.request.proxy_bypass",
    "SSL_CERT_DIR": "OpenSSL",
    "SSL_CERT_FILE": "OpenSSL",
    "TMPDIR": "tempfile",
}


def commands_in(text: str) -> Iterator[str]:
    """Command lines of the auditor: in code blocks, and in code within a sentence."""
    fenced = "".join(content.replace("\\\n", " ") for _, content in FENCE.findall(text))
    yield from (line for line in fenced.splitlines() if "auditor " in line)
    yield from (code for code in SPAN.findall(FENCE.sub("", text)) if code.startswith("auditor "))


def the_command(line: str) -> str | None:
    """Its name with all its words; ``None`` where the line runs no command of ours."""
    # Not ``podman build -t auditor .``, nor a path or a name that ends so.
    found = re.search(r"(?:^|[\s$(])auditor ((?:[a-z]+ ?){1,2})", line)
    if found is None:
        return None
    words = found[1].split()
    for count in (2, 1):
        if (name := " ".join(["auditor", *words[:count]])) in COMMANDS:
            return name
    return f"auditor {words[0]}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_command_lines_on_a_page_are_of_commands_and_options_that_are_there(page: Path) -> None:
    for line in commands_in(page.read_text()):
        name = the_command(line)
        if name is None:
            continue
        assert name in COMMANDS, line
        ours = line[line.index("auditor ") :].partition(" | ")[0]
        assert set(OPTION.findall(ours)) <= OPTIONS[name], line


@pytest.mark.parametrize("page", [*PAGES, *OTHERS], ids=lambda page: str(page.relative_to(ROOT)))
def test_options_that_a_page_names_are_there(page: Path) -> None:
    text = page.read_text()
    if page.suffix == ".md":
        named = {
            option
            for code in SPAN.findall(FENCE.sub("", text))
            if code.startswith("-")
            for option in OPTION.findall(code)
        }
        assert named <= ALL_OPTIONS | FOREIGN
    elif page.suffix == ".yml" and "inputs" in (action := yaml.safe_load(text)):
        words = " ".join(item["description"] for item in action["inputs"].values())
        assert set(OPTION.findall(words)) <= OPTIONS["auditor scan"]
        added = set(re.findall(r"option (--[a-z-]+) ", text))
        assert added
        assert added <= OPTIONS["auditor scan"]
    else:
        lines = [line for line in text.replace("\\\n", " ").splitlines() if "auditor scan" in line]
        for line in lines:
            ours = line[line.index("auditor scan") :].partition("#")[0]
            assert set(OPTION.findall(ours)) <= OPTIONS["auditor scan"], line


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_is_documented(name: str) -> None:
    if not COMMANDS[name].commands:
        assert any(name in page.read_text() for page in PAGES), name


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_options_that_a_help_text_names_are_there(name: str) -> None:
    item = COMMANDS[name]
    texts = [item.description, *(group.description or "" for group in item.groups)]
    texts += [entry.help for group in item.groups for entry in group.entries]
    named = {option for text in texts for option in OPTION.findall(text)}
    assert named <= ALL_OPTIONS
    for text in texts:
        for word in re.findall(r"\bauditor ([a-z]+)\b", text):
            assert f"auditor {word}" in COMMANDS or word in PROSE, text


def test_every_option_has_a_help_text() -> None:
    for name, item in COMMANDS.items():
        for group in item.groups:
            for entry in group.entries:
                assert entry.help, (name, entry)


def test_exit_codes_are_the_same_everywhere() -> None:
    told = ", ".join(f"{code} {meaning}" for code, meaning in parser.EXIT_CODES.items())
    program, _ = parser.build()
    assert told in str(program.epilog)
    assert told in " ".join((ROOT / "README.md").read_text().split())
    rows = re.findall(r"^\| (\d+) \| ", (ROOT / "docs/reports.md").read_text(), re.MULTILINE)
    assert [int(code) for code in rows] == list(parser.EXIT_CODES)


def test_formats_are_the_same_everywhere() -> None:
    assert set(output.REPORT_FORMATS) == {"table", "template", *RENDERERS}
    page = (ROOT / "docs/reports.md").read_text()
    head, _, rest = page.partition("| format |")
    rows = [line for line in rest.partition("\n\n")[0].splitlines() if line.startswith("| `")]
    named = [code.split("=")[0] for row in rows for code in SPAN.findall(row.split("|")[1])]
    assert head
    assert set(named) == set(output.SCAN_FORMATS)
    readme = (ROOT / "README.md").read_text()
    assert [name for name in RENDERERS if f"`{name}`" not in readme and name not in readme] == []


def test_sources_of_images_are_those_that_from_takes() -> None:
    _, commands = parser.build()
    action = configuration.keys(commands["scan"])["from"]
    images = [name for name in sources() if name not in {"sbom", "trace"}]  # these hold none
    assert [name for name in images if name not in str(action.help)] == []
    table = (ROOT / "README.md").read_text()
    assert [name for name in sources() if f"`{name}:" not in table] == []


def test_configuration_files_on_the_pages_have_only_keys_that_are_there(tmp_path: Path) -> None:
    _, commands = parser.build()
    known = frozenset(key for command in commands.values() for key in configuration.keys(command))
    seen = 0
    for page in PAGES:
        for language, text in FENCE.findall(page.read_text()):
            if language != "toml" or "[[waivers]]" not in text:
                continue
            file = tmp_path / ".auditor.toml"
            file.write_text(text)
            parsed = commands["scan"].parse_args(["image", "--config", str(file)])
            configuration.merge(parsed, argparse.Namespace(), commands["scan"], known)
            found = configuration.of(parsed)
            assert len(found.waivers) == len(tomli.loads(text)["waivers"])
            seen += 1
    assert seen >= 2


def read_in_code() -> set[str]:
    """Variables of the environment that the code reads, by their names in it."""
    found: set[str] = set()
    ours = re.compile(r"(AUDITOR|XDG|DOCKER|CONTAINERS?|REGISTRY|SOURCE_DATE)_[A-Z_]+")
    for file in (ROOT / "auditor").rglob("*.py"):
        if file.name == "environment.py":
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            match node:
                case ast.Call(
                    ast.Attribute(value, "get" | "pop"), [ast.Constant(str() as name), *_]
                ):
                    if ENVIRON.search(ast.unparse(value)):
                        found.add(name)
                case ast.Subscript(value, ast.Constant(str() as name)):
                    if ENVIRON.search(ast.unparse(value)):
                        found.add(name)
                case ast.Constant(str() as name) if ours.fullmatch(name):
                    found.add(name)
                case _:
                    pass
    return found


def test_variables_that_are_documented_are_those_that_are_read() -> None:
    read = read_in_code()
    assert {"SOURCE_DATE_EPOCH", "DOCKER_HOST", "AUDITOR_REGISTRY_TOKEN"} <= read
    assert (
        read - READ_BY_LIBRARIES.keys() == environment.VARIABLES.keys() - READ_BY_LIBRARIES.keys()
    )


@pytest.mark.parametrize("page", [*PAGES, *OTHERS], ids=lambda page: str(page.relative_to(ROOT)))
def test_variables_that_a_page_names_are_read(page: Path) -> None:
    _, commands = parser.build()
    keys = {key for command in commands.values() for key in configuration.keys(command)}
    known = {configuration.variable(key) for key in keys} | environment.VARIABLES.keys()
    known |= {"AUDITOR_NO_SKIP", "AUDITOR_REGISTRY_", "AUDITOR_IMAGE", "AUDITOR_"}
    named = set(re.findall(r"\bAUDITOR_[A-Z_]*", page.read_text()))
    assert named <= known


def test_a_line_of_a_page_can_be_split_by_a_shell() -> None:
    for page in PAGES:
        for language, text in FENCE.findall(page.read_text()):
            if language == "sh":
                for line in text.replace("\\\n", " ").splitlines():
                    assert shlex.split(line, comments=True) or not line.strip(), line
