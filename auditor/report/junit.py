"""JUnit XML: a test suite for each target, a test case for each finding, and one for the gate.

An error is a failure; what is less passes, with its sentence as output. The shape is that which
GitLab, Jenkins and Azure read (https://github.com/testmoapp/junitxml).
"""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from auditor.report.json import plain
from auditor.report.phrases import evidence_text, findings_of, message, path_of
from auditor.report.wire import WireFinding, WireReport, WireTarget

__all__ = ["render", "xml_text"]

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 has no way to write (2.2)."""


def render(report: WireReport) -> str:
    """The whole document, indented."""
    suites = ET.Element("testsuites", name="auditor")
    counts = [0, 0]
    for target in report.targets:
        findings = findings_of(report, target.id)
        failures = sum(item.severity == "error" for item in findings)
        counts = [counts[0] + len(findings), counts[1] + failures]
        suites.append(_suite(report, target, findings, failures))
    if report.gate.conditions:
        suites.append(_gate(report))
        counts = [counts[0] + 1, counts[1] + (not report.gate.met)]
    suites.set("tests", str(counts[0]))
    suites.set("failures", str(counts[1]))
    ET.indent(suites)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(suites, encoding="unicode")}\n'


def _suite(
    report: WireReport, target: WireTarget, findings: list[WireFinding], failures: int
) -> ET.Element:
    suite = ET.Element(
        "testsuite", name=target.id, tests=str(len(findings)), failures=str(failures)
    )
    properties = ET.SubElement(suite, "properties")
    for name, value in (
        ("verdict", target.verdict),
        ("score", target.score),
        ("coverage", target.coverage),
        ("image", report.image.reference),
    ):
        ET.SubElement(properties, "property", name=name, value=xml_text(str(value)))
    for finding in findings:
        case = ET.SubElement(
            suite,
            "testcase",
            classname=xml_text(f"{target.id}.{path_of(finding.component)}"),
            name=finding.rule,
        )
        sentence = xml_text(message(finding, report))
        facts = "\n".join(xml_text(evidence_text(item)) for item in finding.evidence)
        if finding.severity == "error":
            failure = ET.SubElement(case, "failure", message=sentence, type=finding.severity)
            failure.text = f"{facts}\n{xml_text(finding.remedy)}"
        else:
            ET.SubElement(case, "system-out").text = f"{finding.severity}: {sentence}\n{facts}"
    return suite


def _gate(report: WireReport) -> ET.Element:
    failures = 0 if report.gate.met else 1
    suite = ET.Element("testsuite", name="gate", tests="1", failures=str(failures))
    name = xml_text(" ".join(report.gate.conditions))
    case = ET.SubElement(suite, "testcase", classname="gate", name=name)
    if not report.gate.met:
        reasons = xml_text("; ".join(report.gate.reasons))
        ET.SubElement(case, "failure", message=reasons, type="gate").text = reasons
    return suite


def xml_text(text: str) -> str:
    """Text without what XML cannot hold."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", plain(text))
