"""What is read out of JavaScript and TypeScript source."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.formats import FormatError
from auditor.formats.javascript_literal import parse_literal
from auditor.formats.javascript_source import Dialect, parse_javascript
from auditor.model.source import UseKind

LINUX = {"process.platform": "linux", "process.arch": "x64"}


def facts(text, **options):
    return parse_javascript(
        text.encode(), constants={**LINUX, **options.pop("more", {})}, **options
    )


def used(text, kind=UseKind.NAME, **options):
    return {
        use.name for unit in facts(text, **options).units for use in unit.uses if use.kind is kind
    }


@pytest.mark.parametrize(
    "text",
    [
        "require('child_process').spawn('x')",
        "const cp = require('child_process'); cp.spawn('x')",
        "const { spawn: s } = require('child_process'); s('x')",
        "var cp; cp = require('child_process'); cp['spawn']('x')",
        "import * as cp from 'child_process'; cp.spawn('x')",
        "import { spawn as s } from 'child_process'; s.call(null, 'x')",
        "import { createRequire as c } from 'module'; c(import.meta.url)('child_process').spawn()",
        "const go = util.promisify(require('child_process').spawn); go('x')",
        "var cp = __importStar(require('child_process')); cp.spawn('x')",
        "var n = t(require('child_process')); n.spawn('x'); function t(e) { return e }",
        "(function (q) { q.spawn('x') })(require('child_process'))",
        "async function f() { const { spawn } = await import('child_process'); spawn('x') }",
    ],
)
def test_an_alias_is_taken_back(text):
    assert '"child_process".spawn' in used(text)


@pytest.mark.parametrize(
    "text",
    [
        "// require('child_process').spawn('x')",
        "const s = \"require('child_process').spawn('x')\"",
        "function f(require) { require('child_process').spawn('x') }",
        "if (false) require('child_process').spawn('x')",
        "if (process.platform === 'win32') { require('child_process').spawn('x') }",
        "process.platform !== 'win32' || require('child_process').spawn('x')",
        "const w = process.platform === 'win32'; w ? require('child_process').spawn('x') : 1",
        "function f() { return 1; require('child_process').spawn('x') }",
        "switch (process.platform) { case 'linux': break; default: require('child_process').spawn}",
        "if (typeof window !== 'undefined') require('child_process').spawn('x')",
        "if (require.main === module) require('child_process').spawn('x')",
        "import { spawn } from 'child_process'",
    ],
)
def test_what_never_runs_is_not_used(text):
    assert '"child_process".spawn' not in used(text)


def test_a_development_branch_is_dead_only_where_the_image_says_so():
    text = "if (process.env.NODE_ENV !== 'production') require('child_process').spawn('x')"
    assert '"child_process".spawn' in used(text)
    production = {"process.env.NODE_ENV": "production"}
    assert '"child_process".spawn' not in used(text, more=production)


def test_the_main_branch_lives_in_the_entry_module():
    text = "if (require.main === module) start(); function start() {}"
    assert used(text, UseKind.LOCAL, main=True) == {"start"}
    assert used(text, UseKind.LOCAL) == set()


def test_a_function_after_a_return_is_hoisted():
    text = "function f() { return g(); function g() { process.kill(1) } }"
    assert "process.kill" in used(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("const s = require('http').createServer(h); s.listen(80)", '"http".createServer.listen'),
        ("require('http').createServer(h).on('x', y).listen(80)", '"http".createServer.listen'),
        ("const app = require('express')(); app.listen(80)", '"express".default.listen'),
        ("import e from 'express'; const app = e(); app.listen(1)", '"express".default.listen'),
        (
            "class A { s = require('net').createServer(); go() { this.s.listen(1) } }",
            '"net".createServer.listen',
        ),
        ("process.on('SIGTERM', stop)", "process.on.SIGTERM"),
        ("globalThis.process.kill(1)", "process.kill"),
    ],
)
def test_what_a_call_gives_is_known_by_its_name(text, name):
    assert name in used(text)


@pytest.mark.parametrize(
    "text",
    [
        "require('./' + process.argv[2])",
        "import(name)",
        "eval(text)",
        "new Function('a', body)",
        "require('vm').runInNewContext(code)",
    ],
)
def test_what_run_time_decides_is_said(text):
    assert len(used(text, UseKind.DYNAMIC)) == 1


@pytest.mark.parametrize("text", ["eval('1')", "new Function('return this')", "x.eval(y)"])
def test_text_that_is_there_is_no_riddle(text):
    assert used(text, UseKind.DYNAMIC) == set()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("const p = require('path'); require(p.join(__dirname, 'lib', 'a'))", '"./lib/a"'),
        ("require(`${__dirname}/a.js`)", '"./a.js"'),
        ("const n = './a'; require(n)", '"./a"'),
        (
            "import { Worker } from 'worker_threads'; new Worker(new URL('w.js', import.meta.url))",
            '"./w.js"',
        ),
        ("require('child_process').fork(require.resolve('./c'))", '"./c"'),
        ("require('bindings')('addon')", '"bindings:addon"'),
        ("export * from './b'", '"./b"'),
    ],
)
def test_modules_are_followed_over_paths_that_are_written_down(text, name):
    assert name in used(text, UseKind.IMPORT)


def test_a_module_that_may_be_missing_is_guarded():
    (unit,) = facts(
        "try { require('a') } catch (e) { log(e) } try { require('b') } finally {}"
    ).units
    guards = {use.name: use.guarded for use in unit.uses}
    assert guards == {'"a"': True, '"b"': False}


def test_a_call_whose_failure_is_passed_over_is_guarded():
    text = "function f() { try { require('child_process').execSync('x') } catch { return false } }"
    assert all(use.guarded for use in facts(text).units[1].uses)


def test_exports_lead_to_units_and_to_other_modules():
    found = facts(
        "const app = exports = module.exports = {}; app.listen = function listen() {};"
        "exports.net = require('net'); function helper() {}"
    )
    assert {"app", "app.listen", "helper"} <= {unit.name for unit in found.units}
    assert found.bindings["listen"] == '"".app.listen'
    assert found.bindings["net"] == '"net".default'
    assert "helper" not in found.bindings
    handed = facts("export { a as b } from './x'; export * as all from './y'; export default f")
    assert handed.bindings == {"b": '"./x".a', "all": '"./y".default'}
    getter = facts(
        'Object.defineProperty(exports, "r", { get: function () { return a.r } });'
        'const a = require("./a"); __exportStar(require("./s"), exports)'
    )
    assert getter.bindings == {"r": '"./a".r'}
    assert getter.stars == ('"./s"',)


def test_a_bundle_knows_outside_modules_by_number():
    text = (
        "(() => { var m = { 896: e => { e.exports = require('fs') },"
        "12: (e, t, n) => { const r = n(896); r.writeFileSync('x') } };"
        "function n(i) { m[i]({}, {}, n) } n(12) })()"
    )
    assert '"fs".writeFileSync' in used(text)


def test_typescript_is_read_and_its_types_are_not():
    text = (
        "import type { A } from './types'; import { type B, run } from './run';"
        "interface C { kill(): void } export class D extends E<B> implements F {"
        " private server = require('http').createServer() as A; constructor(private x: B) {}"
        " go(): void { this.server.listen(1); run!() } } import z = require('zlib'); enum G { H }"
    )
    found = used(text, UseKind.IMPORT, dialect=Dialect.TYPESCRIPT)
    assert found == {'"./run"', '"http"', '"zlib"'}
    names = used(text, dialect=Dialect.TYPESCRIPT)
    assert {'"http".createServer.listen', '"./run".run'} <= names
    assert "D.go" in {unit.name for unit in facts(text, dialect=Dialect.TYPESCRIPT).units}


def test_parts_of_a_large_text_weigh_what_they_are():
    body = "x();" * 1000
    found = facts(f"call(function () {{ eval(y); {body} }}); {body}")
    sizes = {unit.name: unit.size for unit in found.units}
    assert len(sizes) == 2
    assert sum(sizes.values()) == found.size


@pytest.mark.parametrize(
    "piece",
    [
        "(",
        "[{",
        "`${",
        "a=>",
        "if(a)",
        "class A{",
        "{",
        "a(",
        "a.b().",
        "a?b:",
        "!",
        "-",
        "(function(){",
    ],
)
def test_deep_nesting_costs_a_sentence_at_most(piece):
    before = time.monotonic()
    try:
        found = parse_javascript(piece.encode() * 4000)
    except FormatError as error:
        assert str(error)  # noqa: PT017 - either way is right
    else:
        assert found.units[0].name == ""
    assert time.monotonic() - before < 3


def test_a_large_bundle_on_one_line_is_read_in_time():
    text = (
        "var a=require('fs');"
        + "function f(e,t){return e?t(e.x.y.z,1):a.readFileSync(t+'b')}" * 2000
    )
    before = time.monotonic()
    found = facts(text)
    assert time.monotonic() - before < 5
    assert '"fs".readFileSync' in {use.name for unit in found.units for use in unit.uses}


def test_a_configuration_is_read_where_it_is_a_literal():
    text = b"module.exports = { apps: [{ name: 'a', script: './a.js', instances: 2, env: f() }] }"
    assert parse_literal(text) == {
        "apps": [{"name": "a", "script": "./a.js", "instances": "2", "env": None}]
    }
    assert parse_literal(b"module.exports = make()") is None


WORDS = st.sampled_from(
    [
        "require",
        "(",
        ")",
        "{",
        "}",
        "[",
        "]",
        "'",
        '"',
        "`",
        "${",
        "=>",
        "=",
        ".",
        ",",
        ";",
        ":",
        "?",
        "function",
        "class",
        "extends",
        "import",
        "export",
        "from",
        "*",
        "default",
        "a",
        "b",
        "exports",
        "module.exports",
        "__dirname",
        "'x'",
        "1",
        "if",
        "else",
        "try",
        "catch",
        "return",
        "new",
        "await",
        "\\ud800",
        "/*",
        "//",
        "#",
        "@",
        "<",
        ">",
        "!",
        "&&",
        "||",
        "??",
        "const",
        "var",
        "static",
        "get",
        "enum",
        "type",
        "as",
    ]
)


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=200),
        st.lists(WORDS, max_size=60).map(lambda words: " ".join(words).encode()),
    ),
    st.sampled_from(list(Dialect)),
)
def test_any_bytes_give_facts_or_a_sentence(data, dialect):
    try:
        found = parse_javascript(data, dialect=dialect)
    except FormatError as error:
        assert str(error)  # noqa: PT017 - either way is right
    else:
        assert found.units[0].name == ""
        for unit in found.units:
            for use in unit.uses:
                use.name.encode()
    parse_or_not(data)


def parse_or_not(data):
    try:
        parse_literal(data)
    except FormatError as error:
        assert str(error)  # noqa: PT017 - either way is right
