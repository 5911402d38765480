"""Which line of a Dockerfile made which layer.

A config's history tells the instruction behind each layer, as BuildKit or the classic builder
wrote it down, with variables expanded. So the last stage's instructions are aligned with the
layers from the last one down, by kind and by words; what lies below is the base's, and belongs
to FROM. The Dockerfile's syntax is that of https://docs.docker.com/reference/dockerfile/.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from auditor.errors import ReportError
from auditor.report.wire import WireLayer, WireReport

__all__ = ["Instruction", "instructions", "with_dockerfile"]

_LARGEST = 1 << 20
_LAYERS = frozenset({"RUN", "COPY", "ADD", "WORKDIR"})
"""Instructions that make a layer; BuildKit's WORKDIR does where the directory is new."""
_DIRECTIVE = re.compile(r"^#\s*escape\s*=\s*(\\|`)\s*$", re.IGNORECASE)
_HEREDOC = re.compile(r"<<-?\s*([\"']?)([A-Za-z_][A-Za-z0-9_]*)\1")
_NOT_OPERATION = re.compile(r"^/bin/sh -c #\(nop\)\s+")
_RUN = re.compile(r"^(RUN )?(\|\d+ .*?)?/bin/sh -c ")
_WORD = re.compile(r"[^\s\"',\[\]]+")


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction; lines count from 1."""

    name: str
    text: str
    first: int
    last: int


def instructions(text: str) -> list[Instruction]:
    """A Dockerfile's instructions, in order; continued lines and here-documents belong to one."""
    lines = text.splitlines()
    escape = _escape(lines)
    found: list[Instruction] = []
    number = 0
    while number < len(lines):
        first = number
        words: list[str] = []
        more = True
        while more and number < len(lines):
            line = lines[number].strip()
            number += 1
            if line.startswith("#"):
                more = bool(words)  # a comment may stand between continued lines
            else:
                more = line.endswith(escape)
                words.append(line.removesuffix(escape).strip())
        whole = " ".join(word for word in words if word)
        name, _, rest = whole.partition(" ")
        if not name:
            continue
        for _, end in _HEREDOC.findall(rest):
            while number < len(lines) and lines[number].strip() != end:
                rest += f" {lines[number].strip()}"
                number += 1
            number += 1
        found.append(Instruction(name.upper(), rest, first + 1, min(number, len(lines))))
    return found


def with_dockerfile(report: WireReport, file: Path) -> WireReport:
    """The report whose layers know their lines in ``file``.

    Raises ``ReportError`` for a file that cannot be read or has no FROM.
    """
    try:
        with file.open("rb") as stream:
            data = stream.read(_LARGEST)
    except OSError as error:
        raise ReportError(f"the Dockerfile {file} cannot be read: {error.strerror}") from None
    every = instructions(data.decode(errors="replace").removeprefix("\ufeff"))
    stages = [number for number, item in enumerate(every) if item.name == "FROM"]
    if not stages:
        raise ReportError(f"{file} is no Dockerfile: it has no FROM")
    layers = list(_placed(report.image.layers, every[stages[-1]], every[stages[-1] + 1 :]))
    image = msgspec.structs.replace(report.image, layers=layers, dockerfile=_relative(file))
    return msgspec.structs.replace(report, image=image)


def _escape(lines: Sequence[str]) -> str:
    for line in lines:
        if not line.startswith("#"):
            break
        if match := _DIRECTIVE.match(line):
            return match[1]
    return "\\"


def _relative(file: Path) -> str:
    """As code scanning wants it: from the repository's root, which is the working directory."""
    try:
        return file.resolve().relative_to(Path.cwd().resolve()).as_posix()
    except ValueError:
        return file.name


def _placed(
    layers: Sequence[WireLayer], base: Instruction, steps: Sequence[Instruction]
) -> Iterator[WireLayer]:
    chosen = _aligned([layer.created_by or "" for layer in layers], steps)
    lowest = min(chosen, default=len(layers))
    for number, layer in enumerate(layers):
        step = chosen.get(number, base if number < lowest else None)
        lines = (step.first, step.last) if step is not None else None
        yield msgspec.structs.replace(layer, dockerfile_lines=lines)


def _aligned(made: Sequence[str], steps: Sequence[Instruction]) -> dict[int, Instruction]:
    """Layer's number → instruction: the best alignment in order (Needleman and Wunsch, 1970).

    A pair counts by the words that both have; the last layers win where two are as good.
    """
    makers = [step for step in steps if step.name in _LAYERS]
    rows, columns = len(made), len(makers)
    best = [[0.0] * (columns + 1) for _ in range(rows + 1)]
    likeness = [[_likeness(line, step) for step in makers] for line in made]
    for row in range(1, rows + 1):
        for column in range(1, columns + 1):
            pair = likeness[row - 1][column - 1]
            paired = best[row - 1][column - 1] + pair if pair else 0.0
            best[row][column] = max(paired, best[row - 1][column], best[row][column - 1])
    chosen: dict[int, Instruction] = {}
    row, column = rows, columns
    while row and column:
        pair = likeness[row - 1][column - 1]
        if pair and best[row][column] == best[row - 1][column - 1] + pair:
            chosen[row - 1] = makers[column - 1]
            row, column = row - 1, column - 1
        elif best[row][column] == best[row][column - 1]:
            column -= 1
        else:
            row -= 1
    return chosen


def _likeness(line: str, step: Instruction) -> float:
    """0 where a layer cannot come from an instruction; up to 1 where every word agrees."""
    plain = line.removesuffix("# buildkit").strip()
    classic = _NOT_OPERATION.match(plain)
    if classic is not None:
        plain = plain[classic.end() :]
    elif step.name == "RUN":
        shell = _RUN.match(plain)
        plain = f"RUN {plain[shell.end() :]}" if shell is not None else plain
    name, _, rest = plain.partition(" ")
    if name.upper() != step.name:
        return 0.0
    said, written = _words(rest), _words(step.text)
    if step.name in {"COPY", "ADD"}:  # the classic builder writes a digest for the source
        return 1.0 if _last(said) == _last(written) else 0.25
    common = len(set(said) & set(written))
    return common / max(len(set(said) | set(written)), 1) if common else 0.0


def _words(text: str) -> list[str]:
    return [word for word in _WORD.findall(text) if not word.startswith("--")]


def _last(words: Sequence[str]) -> str:
    named = [word for word in words if word != "in"]
    return named[-1].rstrip("/") if named else ""
