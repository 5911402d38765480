"""JavaScript applications: what is started, where imports lead, and what is asked for."""

from __future__ import annotations

import json

import pytest

from auditor.applications.follow import Certainty, follow
from auditor.applications.javascript import make
from auditor.applications.language import Context
from auditor.tables import load

TABLES = load()


@pytest.fixture
def started(root_of):
    def start(tree, *words, cwd="/app", **variables):
        language = make(Context(root_of(tree), variables, cwd, TABLES))
        return language, language.start(words)

    return start


@pytest.fixture
def asked(started):
    def run(tree, *words, least=Certainty.LIKELY, **variables):
        language, start = started(tree, *(words or ("node", "/app/app.js")), **variables)
        found = follow(language, start, TABLES.apis["javascript"])
        return {
            (a.name, a.api.capability) for a in found.asked.values() if a.certainty >= least
        }, found

    return run


def manifest(**fields):
    return json.dumps(fields)


MODULES = {
    "/app/package.json": manifest(name="a", imports={"#own": "./lib/own.js"}),
    "/app/lib/own.js": "exports.x = 1",
    "/app/lib/index.js": "exports.x = 1",
    "/app/lib/types.ts": "export const x = 1",
    "/app/data.json": "{}",
    "/app/node_modules/m/package.json": manifest(name="m", main="lib"),
    "/app/node_modules/m/lib/index.js": "",
    "/app/node_modules/e/package.json": manifest(
        name="e",
        exports={
            ".": {"types": "./d.ts", "import": "./e.mjs", "require": "./e.cjs"},
            "./sub/*": "./s/*.js",
        },
    ),
    "/app/node_modules/e/e.cjs": "",
    "/app/node_modules/e/e.mjs": "",
    "/app/node_modules/e/s/q.js": "",
    "/app/node_modules/e/hidden.js": "",
    "/usr/share/nodejs/debian/index.js": "",
}


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("./lib", "/app/lib/index.js"),
        ("./lib/own", "/app/lib/own.js"),
        ("./lib/types.js", "/app/lib/types.ts"),
        ("#own", "/app/lib/own.js"),
        ("m", "/app/node_modules/m/lib/index.js"),
        ("e", "/app/node_modules/e/e.cjs"),
        ("e/sub/q", "/app/node_modules/e/s/q.js"),
        ("debian", "/usr/share/nodejs/debian/index.js"),
    ],
)
def test_a_module_is_found_as_node_finds_it(asked, name, path):
    _, found = asked({**MODULES, "/app/app.js": f"require('{name}')"})
    assert list(found.modules) == ["/app/app.js", path]
    assert not found.unknowns


def test_an_import_takes_its_own_condition_and_what_is_not_exported_is_absent(asked):
    _, found = asked({**MODULES, "/app/app.mjs": "import 'e'"}, "node", "app.mjs")
    assert "/app/node_modules/e/e.mjs" in found.modules
    _, found = asked({**MODULES, "/app/app.js": "require('e/hidden.js')"})
    assert [unknown.path for unknown in found.unknowns] == ["/app/app.js"]


def test_of_a_package_only_what_is_called_counts(asked):
    package = "exports.a = () => process.kill(1); exports.b = () => process.setuid(0)"
    tree = {"/app/app.js": "require('p').a()", "/app/node_modules/p/index.js": package}
    names, _ = asked(tree)
    assert names == {("process.kill", "process.signal")}


def test_a_name_is_followed_over_modules_that_hand_it_on(asked):
    tree = {
        "/app/app.js": "import { go } from 'p'; go()",
        "/app/node_modules/p/index.js": "module.exports = require('./lib/a')",
        "/app/node_modules/p/lib/a.js": "exports.go = require('./b').go",
        "/app/node_modules/p/lib/b.mjs": "export * from './c.mjs'",
        "/app/node_modules/p/lib/c.mjs": "export * from './d.mjs'",
        "/app/node_modules/p/lib/d.mjs": "export function go() { process.kill(1) }",
    }
    names, _ = asked(tree, least=Certainty.SURE)
    assert names == {("process.kill", "process.signal")}


def test_a_server_is_asked_for_as_that(asked):
    tree = {
        "/app/app.js": "const app = require('./web'); app.listen(80)",
        "/app/web.js": "const express = require('express'); module.exports = express()",
        "/app/node_modules/express/index.js": "module.exports = () => ({})",
    }
    names, _ = asked(tree)
    assert names == {("express.application.listen", "net.http.serve")}


def test_a_native_addon_is_found(asked):
    tree = {
        "/app/app.js": "require('n'); require('b')",
        "/app/node_modules/n/package.json": manifest(name="n"),
        "/app/node_modules/n/index.js": "module.exports = require('node-gyp-build')(__dirname)",
        "/app/node_modules/n/prebuilds/linux-x64/n.node": b"\x7fELF",
        "/app/node_modules/node-gyp-build/index.js": "module.exports = (d) => d",
        "/app/node_modules/b/package.json": manifest(name="b"),
        "/app/node_modules/b/index.js": "require('bindings')('b'); require('./direct.node')",
        "/app/node_modules/b/build/Release/b.node": b"\x7fELF",
        "/app/node_modules/b/direct.node": b"\x7fELF",
    }
    _, found = asked(tree)
    natives = {link.target.rpartition("/")[2] for link in found.imports if link.native}
    assert natives == {"n.node", "b.node", "direct.node"}


NPM = {
    "/opt/n/package.json": manifest(
        name="npm", bin={"npm": "bin/npm-cli.js", "npx": "bin/npx-cli.js"}
    ),
    "/opt/n/bin/npm-cli.js": "",
    "/opt/n/bin/npx-cli.js": "",
    "/app/package.json": manifest(
        name="a",
        main="app.js",
        scripts={"start": "A=1 tool x && node app.js", "prestart": "node pre.js"},
    ),
    "/app/node_modules/.bin/tool": "#!/usr/bin/env node\n",
    "/app/app.js": "",
    "/app/src/main.ts": "",
    "/app/ecosystem.config.js": "module.exports = { apps: [{ script: './app.js' }] }",
    "/app/node_modules/pm2/package.json": manifest(name="pm2"),
    "/app/node_modules/pm2/bin/run": "#!/usr/bin/env node\n",
    "/app/node_modules/ts-node/package.json": manifest(name="ts-node"),
    "/app/node_modules/ts-node/dist/bin.js": "",
}
TOOL = "/app/node_modules/.bin/tool"
MAIN = "/app/src/main.ts"
START = ("node pre.js", f"A=1 {TOOL} x && node app.js")


@pytest.mark.parametrize(
    ("words", "commands"),
    [
        (
            ("node", "/opt/n/bin/npm-cli.js", "start"),
            START,
        ),
        (("node", "/opt/n/bin/npx-cli.js", "tool", "y"), (f"{TOOL} y",)),
        (("node", "--run", "start"), START),
        (("bun", "run", "start"), START),
    ],
)
def test_scripts_of_a_package_are_shell_text(started, words, commands):
    assert started(NPM, *words)[1].commands == commands


@pytest.mark.parametrize(
    ("words", "module"),
    [
        (("node", "."), "/app/app.js"),
        (("node", "--max-old-space-size=99", "-r", "./app", "app"), "/app/app.js"),
        (("node", "-e", "require('./app.js')"), "/app/app.js"),
        (("node", "node_modules/pm2/bin/run", "start", "-i", "2", "app.js"), "/app/app.js"),
        (("node", "node_modules/pm2/bin/run", "ecosystem.config.js"), "/app/app.js"),
        (
            ("node", "node_modules/ts-node/dist/bin.js", "-P", "x", "src/main.ts"),
            "/app/src/main.ts",
        ),
        (("deno", "run", "-A", "src/main.ts"), "/app/src/main.ts"),
        (("/opt/other", "run", "--allow-net", "src/main.ts"), MAIN),
    ],
)
def test_what_is_started(started, words, module):
    start = started(NPM, *words)[1]
    assert (start.modules[:1], start.problem) == ((module,), None)


@pytest.mark.parametrize(
    "words", [("node",), ("node", None), ("node", "gone.js"), ("node", "-e", "1")]
)
def test_what_cannot_be_told_is_a_sentence(started, words):
    assert started(NPM, *words)[1].problem


@pytest.mark.parametrize(
    "text", ['{"imports": {"#a": "#a"}}', "[" * 100_000, '{"exports": [[[]]]}', "\0"]
)
def test_a_hostile_manifest_does_no_harm(asked, text):
    _, found = asked({"/app/package.json": text, "/app/app.js": "require('#a'); require('b')"})
    assert len(found.modules) == 1
