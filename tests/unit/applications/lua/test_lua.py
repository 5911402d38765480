"""Lua applications over made-up images: command lines, modules, and what they ask for."""

from __future__ import annotations

import pytest

from auditor.applications import Certainty, Context
from auditor.applications.follow import follow
from auditor.applications.lua import make
from auditor.tables import load

SHARE = "/usr/share/lua/5.4"


@pytest.fixture(scope="module")
def tables():
    return load()


@pytest.fixture
def lua(root_of, tables):
    def made(tree, *words, variables=None, workdir="/app"):
        context = Context(root_of(tree), variables or {}, workdir, tables)
        language = make(context)
        start = language.start(words)
        return start, follow(language, start, tables.apis["lua"])

    return made


def asked(found, least=Certainty.SURE):
    return {one.name for one in found.asked.values() if one.certainty >= least}


def test_a_script_its_modules_and_a_compiled_one(lua):
    so = "/usr/lib/x86_64-linux-gnu/lua/5.4/socket/core.so"
    start, found = lua(
        {
            "/app/run.lua": "local shop = require 'shop.cart' shop.sell() require('tool').look()",
            "/app/shop/cart.lua": "local M = {} function M.sell() os.execute('lp') end return M",
            f"{SHARE}/tool.lua": (
                "local core = require 'socket.core' local M = {}"
                " function M.look() io.popen('dig') end function M.never() os.tmpname() end"
                " return M"
            ),
            so: b"\x7fELF",
        },
        *("lua5.4", "run.lua"),
    )
    assert start.modules == ("/app/run.lua",)
    assert set(found.modules) == {"/app/run.lua", "/app/shop/cart.lua", f"{SHARE}/tool.lua"}
    assert asked(found, Certainty.POSSIBLE) == {"os.execute", "io.popen"}
    assert asked(found) == {"os.execute", "io.popen"}
    assert [link.target for link in found.imports if link.native] == [so]
    assert found.unknowns == set()


def test_methods_of_what_a_package_makes(lua):
    tree = {
        "/app/run.lua": "local Job = require 'job' local j = Job.new() j:run()",
        f"{SHARE}/job.lua": (
            "local Job = {} Job.__index = Job function Job.new() return setmetatable({}, Job) end"
            " function Job:run() os.execute('x') end return Job"
        ),
    }
    _, found = lua(tree, "lua", "run.lua")
    assert "os.execute" in asked(found, Certainty.LIKELY)


def test_paths_of_the_environment_and_of_the_program(lua):
    tree = {
        "/app/run.lua": "package.path = '/y/?.lua;' .. package.path; require 'a'; require 'b'",
        "/x/a.lua": "os.remove('a')",
        "/y/b.lua": "os.rename('a', 'b')",
    }
    _, found = lua(tree, "lua", "run.lua", variables={"LUA_PATH": "/x/?.lua;;"})
    assert asked(found) == {"os.remove", "os.rename"}


def test_what_is_missing_and_what_run_time_decides(lua):
    text = "require 'gone' pcall(require, 'cjson') require(arg[1])"
    _, found = lua({"/app/run.lua": text}, "lua", "run.lua")
    reasons = sorted(unknown.reason for unknown in found.unknowns)
    assert reasons == [
        "line 1: gone is not in the image",
        "line 1: run time decides what this is: require(arg[1])",
    ]


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("lua", None), "depends on run time"),
        (("lua", "-e", "os.exit()"), "with -e"),
        (("lua",), "without a script"),
        (("lua", "gone.lua"), "gone.lua is not in the image"),
    ],
)
def test_what_cannot_be_told_is_said(lua, words, problem):
    start, _ = lua({}, *words)
    assert problem in (start.problem or "")
