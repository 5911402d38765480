"""What the HTML page holds, read as a browser's parser would read it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

from auditor.report.html import render
from auditor.report.phrases import findings_of

HOSTILE = "/usr/</script><img src=x onerror=alert(1)>\u2028\u202e{{ 7*7 }}\"'\x1b\udc80<!--.so"
ROOT = Path(__file__).parents[4]
RAW = {"script", "style"}


class Page(HTMLParser):
    """Elements with attributes, and the text of scripts and styles."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements = []
        self.raw = []
        self.words = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag in RAW:
            self.raw.append([tag, dict(attrs), ""])

    def handle_data(self, data):
        if self.cdata_elem is not None:
            self.raw[-1][2] += data
        self.words.append(data)

    def named(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    def data(self):
        (found,) = (text for _, attrs, text in self.raw if attrs.get("id") == "data")
        return json.loads(found)


@pytest.fixture(scope="module")
def page(report):
    return Page(render(report))


def test_the_counts_of_each_target_agree_with_the_report(page, report):
    shown: dict[str, dict[str, int]] = {}
    for _, attributes in page.elements:
        if "data-target" in attributes and attributes["data-target"] not in shown:
            counts = shown[attributes["data-target"]] = {}
        elif "data-count" in attributes:
            counts[attributes["data-severity"]] = int(attributes["data-count"])
    for target in report.targets:
        told = Counter(item.severity for item in findings_of(report, target.id))
        assert +Counter(shown[target.id]) == told


def test_the_graph_has_every_component_edge_and_finding(page, report):
    data = page.data()
    texts, nodes, edges = data["texts"], data["nodes"], data["edges"]
    paths = [texts[number] for number in nodes["path"]]
    assert sorted(paths[1:-1]) == sorted(item.path for item in report.components)
    ends = {(paths[a], paths[b]) for a, b in zip(edges["from"], edges["to"], strict=True)}
    path = {item.id: item.path for item in report.components} | {"entrypoint": "entrypoint"}
    assert ends == {(path[edge.from_], path[edge.to]) for edge in report.edges}
    findings = data["findings"]
    told = Counter(
        (data["targets"][target], texts[severity], paths[node], texts[rule], len(facts))
        for target, severity, node, rule, facts in zip(
            *(findings[name] for name in ("target", "severity", "node", "rule", "facts")),
            strict=True,
        )
    )
    assert told == Counter(
        (item.target, item.severity, path[item.component], item.rule, len(item.evidence))
        for item in report.findings
    )
    assert {len(column) for column in findings.values()} == {len(report.findings)}


def test_a_verdict_on_the_graph_is_the_component_s(page, report):
    data = page.data()
    by_path = {item.path: item for item in report.components}
    rows = zip(data["nodes"]["path"], data["nodes"]["verdicts"], strict=True)
    for number, verdicts in list(rows)[1:-1]:
        component = by_path[data["texts"][number]]
        for target, verdict in zip(data["targets"], verdicts, strict=True):
            assert data["texts"][verdict] == component.verdicts[target]


def test_no_name_of_an_image_becomes_markup(report, changed, finding):
    hostile = changed(findings=[finding(path=HOSTILE, remedy=HOSTILE)])
    target = msgspec.structs.replace(hostile.targets[0], blockers=[hostile.findings[0].id])
    component = msgspec.structs.replace(
        hostile.components[0], id=f"executable:{HOSTILE}", path=HOSTILE, reach="reachable"
    )
    image = msgspec.structs.replace(hostile.image, reference=HOSTILE, entrypoint=[HOSTILE])
    hostile = msgspec.structs.replace(
        hostile,
        image=image,
        targets=[target],
        components=[component, *hostile.components],
        notes=[HOSTILE],
    )
    text = render(hostile)
    shown, plain = Page(text), Page(render(report))
    assert {"onerror", "src"}.isdisjoint(
        name for tag, attributes in shown.elements for name in attributes
    )
    assert Counter(tag for tag, _ in shown.elements)["script"] == len(plain.named("script"))
    assert not set(text) & {"\x1b", "\u2028", "\u202e"}
    assert "{{ 7*7 }}" in "".join(shown.words)
    escaped = HOSTILE.replace("\u2028", "\\u2028").replace("\u202e", "\\u202e")
    escaped = escaped.replace("\x1b", "\\x1b").replace("\udc80", "\\x80")
    assert escaped in shown.data()["texts"]
    assert escaped in "".join(shown.words)


def test_a_link_of_a_report_leads_to_the_web_only(report):
    bad = msgspec.structs.replace(report.sources[0], url="javascript:alert(1)")
    page = Page(render(msgspec.structs.replace(report, sources=[bad])))
    assert {attrs["href"][:4] for attrs in page.named("a")} <= {"http"} | {
        attrs["href"][:4] for attrs in page.named("a") if attrs["href"].startswith("#")
    }


def test_the_policy_lets_run_what_the_page_brings_and_nothing_else(page):
    (policy,) = (
        attributes["content"]
        for attributes in page.named("meta")
        if attributes.get("http-equiv") == "Content-Security-Policy"
    )
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'"
    assert "unsafe" not in policy
    for tag, rule in (("script", "script-src"), ("style", "style-src")):
        texts = [text for name, attrs, text in page.raw if name == tag and "type" not in attrs]
        hashes = {
            base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts
        }
        assert {f"'sha256-{digest}'" for digest in hashes} == set(rules[rule].split())


def test_the_page_asks_for_nothing_from_elsewhere(page):
    for tag, attributes in page.elements:
        assert "src" not in attributes, tag
        assert "style" not in attributes, tag
        assert not any(name.startswith("on") for name in attributes), tag
        if tag == "link":
            assert attributes["href"] == "data:,"
    styles = "".join(text for tag, _, text in page.raw if tag == "style")
    assert not re.search(r"@import|url\(", styles)


def test_every_reference_within_the_page_leads_somewhere(page):
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in page.elements:
        for name in ("aria-labelledby", "aria-controls", "for"):
            assert attributes.get(name, ids[0]) in ids
        if attributes.get("href", "").startswith("#"):
            assert attributes["href"][1:] in ids


def test_a_report_without_anything_is_a_page_all_the_same(report):
    empty = msgspec.structs.replace(
        report,
        **{name: [] for name in ("findings", "components", "edges", "packages", "unblock_sets")},
        **{name: [] for name in ("runtimes", "settings", "unknowns", "sources", "rules")},
        capabilities=[],
        split=None,
    )
    assert Page(render(empty)).data()["nodes"]["verdicts"] == [[], []]


def test_the_notice_names_the_version_of_cytoscape_that_is_here():
    notice = (ROOT / "NOTICE").read_text()
    (version,) = re.findall(r"Cytoscape.js \(.*?\), ([\d.]+)", notice)
    script = (ROOT / "auditor/report/html/cytoscape.min.js").read_text()
    assert f'"{version}"' in script
    assert "Permission is hereby granted, free of charge" in script
