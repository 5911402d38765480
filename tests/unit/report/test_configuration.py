"""The report says what the image's configuration and its runtimes say."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from auditor.model.image import ImageConfig
from auditor.model.inventory import Runtime, RuntimeKind
from auditor.model.settings import Setting, Unit
from auditor.model.terms import Need
from auditor.pipeline import Options, scan
from auditor.report import to_wire
from auditor.report.json import render
from auditor.report.schema import schema

HELLO = Path(__file__).parents[3] / "fixtures" / "small" / "hello"
CONFIG = ImageConfig(
    cmd=("/hello",),
    volumes=("/data",),
    stop_signal="SIGQUIT",
    healthcheck=("CMD-SHELL", "curl -f localhost"),
)
JVM = Runtime(
    id="jvm",
    title="Java virtual machine",
    kind=RuntimeKind.INTERPRETER,
    path="/opt/j/bin/java",
    version="21.0.4",
    vendor="Eclipse Adoptium",
    modules=("java.base",),
)
HEAP = Setting(
    name="jvm.heap",
    title="Largest heap of the JVM",
    value=6 << 30,
    unit=Unit.BYTES,
    where="/etc/jvm.options",
    line=3,
    text="-Xmx6g",
    capability="memory.large",
    need=Need.ESSENTIAL,
    source="java-man",
)


@pytest.fixture(scope="module")
def document():
    scanned = scan(f"oci-dir:{HELLO}", Options(packages="none"))
    scanned = replace(
        scanned,
        image=replace(scanned.image, config=CONFIG),
        inventory=replace(scanned.inventory, runtimes=(JVM,), settings=(HEAP,)),
    )
    written = json.loads(render(to_wire(scanned)))
    jsonschema.validate(written, schema())
    return written


def test_the_image_says_how_it_is_meant_to_run(document):
    image = document["image"]
    assert image["volumes"] == ["/data"]
    assert image["stop_signal"] == "SIGQUIT"
    assert image["healthcheck"] == ["CMD-SHELL", "curl -f localhost"]


def test_a_runtime_has_its_version_vendor_and_modules(document):
    assert document["runtimes"] == [
        {
            "name": "Java virtual machine",
            "version": "21.0.4",
            "path": "/opt/j/bin/java",
            "id": "jvm",
            "kind": "interpreter",
            "vendor": "Eclipse Adoptium",
            "modules": ["java.base"],
        }
    ]


def test_a_setting_says_where_it_stands_and_what_it_asks_for(document):
    (setting,) = document["settings"]
    assert (setting["where"], setting["line"], setting["text"]) == ("/etc/jvm.options", 3, "-Xmx6g")
    assert (setting["value"], setting["unit"]) == (6 << 30, "bytes")
    assert setting["capability"] == "memory.large"
