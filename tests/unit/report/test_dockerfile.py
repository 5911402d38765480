"""Layers and the lines of a Dockerfile."""

from __future__ import annotations

import json
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.errors import ReportError
from auditor.report.dockerfile import instructions, with_dockerfile
from auditor.report.formats import RENDERERS

TEXT = """\
# syntax=docker/dockerfile:1
FROM golang:1.22 AS build
RUN go build -o /app .

FROM debian:12
ARG VERSION=1
ENV A=1 \\
    # between
    B=2
RUN apt-get update \\
    && apt-get install -y nginx
COPY --from=build /app /usr/bin/app
RUN <<EOF
useradd app
RUN true
EOF
WORKDIR /srv
COPY site/ /srv/
RUN touch /srv/${VERSION}
CMD ["app"]
"""
BUILDKIT = [
    "RUN /bin/sh -c apt-get update     && apt-get install -y nginx # buildkit",
    "COPY /app /usr/bin/app # buildkit",
    "RUN /bin/sh -c useradd app\nRUN true\n # buildkit",
    "WORKDIR /srv",
    "COPY site/ /srv/ # buildkit",
    "RUN |1 VERSION=1 /bin/sh -c touch /srv/${VERSION} # buildkit",
]
CLASSIC = [
    "/bin/sh -c apt-get update     && apt-get install -y nginx",
    "/bin/sh -c #(nop) COPY file:0123 in /usr/bin/app ",
    "/bin/sh -c useradd app\nRUN true",
    "/bin/sh -c #(nop) WORKDIR /srv",
    "/bin/sh -c #(nop) COPY dir:4567 in /srv/ ",
    "/bin/sh -c touch /srv/${VERSION}",
]
LINES = [(10, 11), (12, 12), (13, 16), (17, 17), (18, 18), (19, 19)]
BASE = ["/bin/sh -c #(nop) ADD file:89ab in / ", "RUN /bin/sh -c something old"]


@pytest.fixture
def lines(report, tmp_path):
    """The lines of layers that history lines made."""

    def found(made, text=TEXT):
        file = tmp_path / "Dockerfile"
        file.write_text(text)
        layers = [
            msgspec.structs.replace(report.image.layers[0], diff_id=str(n), created_by=line)
            for n, line in enumerate(made)
        ]
        image = msgspec.structs.replace(report.image, layers=layers)
        placed = with_dockerfile(msgspec.structs.replace(report, image=image), file)
        return [layer.dockerfile_lines for layer in placed.image.layers]

    return found


def test_an_instruction_has_all_of_its_lines():
    found = {item.first: (item.name, item.last) for item in instructions(TEXT)}
    assert found[7] == ("ENV", 9)
    assert found[10] == ("RUN", 11)
    assert found[13] == ("RUN", 16)
    assert len(found) == 12


def test_another_escape_character_may_be_set():
    text = "# escape=`\nFROM x\nRUN a `\n  b\nRUN c \\\n"
    assert [(item.first, item.last) for item in instructions(text)] == [(2, 2), (3, 4), (5, 5)]


@pytest.mark.parametrize("made", [BUILDKIT, CLASSIC])
def test_each_layer_finds_its_instruction_and_the_base_its_from(lines, made):
    assert lines([*BASE, *made]) == [(5, 5), (5, 5), *LINES]


@pytest.mark.parametrize("gone", range(6))
def test_a_layer_that_is_not_there_takes_nothing_else_along(lines, gone):
    made = BUILDKIT[:gone] + BUILDKIT[gone + 1 :]
    assert lines([*BASE, *made])[2:] == LINES[:gone] + LINES[gone + 1 :]


def test_a_layer_that_no_line_made_has_none(lines):
    odd = [*BUILDKIT[:2], "COMMIT by hand", *BUILDKIT[2:]]
    assert lines(odd) == [*LINES[:2], None, *LINES[2:]]


def test_without_a_history_all_belongs_to_the_base(lines):
    assert lines([None, None]) == [(5, 5), (5, 5)]


@given(st.text(), st.lists(st.text(max_size=40), max_size=5))
def test_any_text_gives_lines_that_it_has(text, made):
    found = instructions(text)
    count = len(text.splitlines())
    assert all(1 <= item.first <= item.last <= count for item in found)
    assert all(a.last < b.first for a, b in pairwise(found))


def test_sarif_and_gitlab_point_at_the_line(report, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "build" / "Dockerfile"
    file.parent.mkdir()
    file.write_text("\n\nFROM debian:12\nCOPY x /x\n")
    placed = with_dockerfile(report, file)
    results = json.loads(RENDERERS["sarif"](placed))["runs"][0]["results"]
    place = results[0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "build/Dockerfile"
    assert place["region"]["startLine"] == 3
    assert "primaryLocationLineHash" not in results[0]["partialFingerprints"]
    assert results[0]["relatedLocations"]
    issues = json.loads(RENDERERS["gitlab"](placed))
    assert issues[0]["location"] == {"path": "build/Dockerfile", "lines": {"begin": 3}}


@pytest.mark.parametrize(
    ("data", "sentence"), [(b"RUN a\n", "it has no FROM"), (b"", "no FROM"), (b"\xff\0", "no FROM")]
)
def test_what_is_no_dockerfile_is_said(report, tmp_path, data, sentence):
    file = tmp_path / "Dockerfile"
    file.write_bytes(data)
    with pytest.raises(ReportError, match=sentence):
        with_dockerfile(report, file)
    with pytest.raises(ReportError, match="cannot be read"):
        with_dockerfile(report, tmp_path / "none")
