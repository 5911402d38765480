"""Lua source as facts."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.formats import FormatError
from auditor.formats.lua_source import EXPORTS, LARGEST, parse_lua
from auditor.model.source import UseKind


def uses(text, unit=None):
    facts = parse_lua(text.encode()).facts
    return {
        (use.kind.value, use.name)
        for found in facts.units
        for use in found.uses
        if unit is None or found.name == unit
    }


def called(text):
    units = parse_lua(text.encode()).facts.units
    return {
        use.name for unit in units for use in unit.uses if use.called and use.kind is UseKind.NAME
    }


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("os.execute('ls')", "os.execute"),
        ("local run = os.execute; run('ls')", "os.execute"),
        ("local o = os local function f() o.execute 'ls' end", "os.execute"),
        ("_G.os.execute('ls')", "os.execute"),
        ("local f = assert(io.popen('ls')):read('*a')", "io.popen"),
        ("local f = io.open('x')", "io.open.read"),
        ("local f = io.open('x', 'a+')", "io.open.write"),
        ("local s = require('socket'); s.bind('*', 80)", "socket.bind"),
        ("local s = require 'socket' local t = s.tcp() t:listen()", "socket.tcp.listen"),
        ("local t = assert(require('socket').tcp()); t:listen()", "socket.tcp.listen"),
        ("local ok, p = pcall(require, 'posix'); p.fork()", "posix.fork"),
        ("local ffi = require 'ffi'; ffi.C.fork()", "ffi.C.fork"),
    ],
)
def test_calls_that_decide_are_seen(text, name):
    assert name in called(text)


@pytest.mark.parametrize(
    "text",
    [
        "print('os.execute(1)')",
        "-- os.execute('ls')",
        "--[[ os.execute('ls') ]]",
        "local s = [[ os.execute('ls') ]]",
        "local os = { execute = print }; os.execute('ls')",
        "local function f(os) os.execute('ls') end",
        "if false then os.execute('ls') end",
        "if true then print(1) else os.execute('ls') end",
        "if package.config:sub(1,1) == '\\\\' then os.execute('cls') end",
        "local t = { execute = 1 } t.execute = 2",
    ],
)
def test_words_that_are_no_calls_are_not(text):
    assert "os.execute" not in called(text)


def test_modules_are_loaded_and_some_may_be_missing():
    units = parse_lua(b"require 'a.b'; local ok, j = pcall(require, 'cjson'); dofile('c.lua')")
    found = {
        use.name: use.guarded for use in units.facts.units[0].uses if use.kind is UseKind.IMPORT
    }
    assert found == {"a.b": False, "cjson": True, "file:c.lua": False}


@pytest.mark.parametrize("text", ["load(x)()", "loadstring('a' .. b)()", "require(name)"])
def test_what_run_time_decides_is_said(text):
    assert "dynamic" in {kind for kind, _ in uses(text)}


def test_units_are_functions_and_the_tables_they_are_in():
    text = """
        local M = {}
        local function hidden() os.remove('x') end
        function M.open() hidden() end
        function M:close() self:flush() end
        M.flush = function() end
        local T = { go = function() os.execute('ls') end }
        return M
    """
    facts = parse_lua(text.encode()).facts
    assert {unit.name for unit in facts.units} == {
        *("", "M", "M.open", "M.close", "M.flush", "hidden", "T", "T.go"),
    }
    assert ("local", "hidden") in uses(text, "M.open")
    assert ("local", "M.flush") in uses(text, "M.close")
    assert facts.bindings == {EXPORTS: "M"}


def test_a_table_that_is_returned_names_its_functions():
    text = b"local function run() end return { start = run, stop = function() os.exit() end }"
    facts = parse_lua(text).facts
    assert facts.bindings[f"{EXPORTS}start"] == "run"
    assert "return.stop" in {unit.name for unit in facts.units}


def test_search_paths_that_are_added():
    text = b"package.path = '/app/?.lua;/lib/?/init.lua;' .. package.path"
    assert parse_lua(text).paths == ("/app/?.lua", "/lib/?/init.lua")


@pytest.mark.parametrize("data", [b"\x1bLua\x54\x00", b"-" * (LARGEST + 1)])
def test_byte_code_and_large_files_are_refused(data):
    with pytest.raises(FormatError):
        parse_lua(data)


_PIECES = st.sampled_from(
    [b"function ", b"a.b:c", b"(", b")", b" end ", b"local ", b" = ", b"{", b"}", b"require ",
     b"'x'", b"[==[", b"]==]", b"--[[", b"if false then ", b"return ", b"\xff", b"\x00", b"::",
     b"pcall(require,", b"package.path = ", b"self:", b"load", b"assert(", b"x"]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.lists(_PIECES, max_size=40).map(b"".join)))
def test_any_bytes_give_facts_or_a_format_error(data):
    with contextlib.suppress(FormatError):
        assert parse_lua(data).facts.units


def test_deep_nesting_is_no_recursion():
    assert parse_lua(b"f(" * 2_000 + b"os.exit" + b")" * 2_000).facts.units
    assert parse_lua(b"local x = a" + b".b" * 5_000 + b"()" * 3_000).facts.units
    assert parse_lua(b"function f() " * 1_000 + b"x()" + b" end" * 1_000).facts.units
