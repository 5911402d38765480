"""What PHP source is said to use: by its syntax, never by its words."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.formats import FormatError
from auditor.formats.php_source import parse_php
from auditor.formats.scripting_tree import LARGEST
from auditor.model.source import UseKind


def read(source):
    return parse_php(f"<?php\n{source}".encode())


def uses(source, unit=None, kind=None):
    return {
        use.name
        for item in read(source).facts.units
        for use in item.uses
        if unit in {None, item.name} and kind in {None, use.kind}
    }


def names(source, unit=None):
    return uses(source, unit, UseKind.NAME)


def test_words_in_strings_comments_and_pages_are_no_calls():
    source = """
        // exec('ls');
        # exec('ls');
        $a = 'exec("ls")';
        $b = <<<'TEXT'
            exec('ls')
            TEXT;
        ?> <p>exec('ls')</p>
    """
    assert names(source) == set()


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("exec('ls');", "exec()"),
        ("\\exec('ls');", "exec()"),
        ("echo `ls`;", "shell_exec()"),
        ('echo "{$a->b(exec(1))}";', "exec()"),
        ("use function exec as run; run('ls');", "exec()"),
        ("$f = 'exec'; $f('ls');", "exec()"),
        ("call_user_func('exec', 'ls');", "exec()"),
        ("array_map('exec', $all);", "exec()"),
        ("$x = fn($y) => exec($y);", "exec()"),
        ("new \\PDO($dsn);", "PDO.__construct"),
        ("new PDO('sqlite::memory:');", "PDO.__construct(sqlite)"),
        ("new PDO('mysql:host=' . $host);", "PDO.__construct(mysql)"),
        ('new PDO("pgsql:host=$host");', "PDO.__construct(pgsql)"),
        ("use A\\B as C; C::go();", "A\\B.go"),
        ("use A\\{B, C as D}; new D();", "A\\C.__construct"),
        ("namespace N; new T();", "N\\T.__construct"),
        ("namespace N; exec('x');", "N\\exec()"),
        ("namespace N; namespace\\f();", "N\\f()"),
        ("function f(\\Redis $r) { $r->connect('h'); }", "Redis.connect"),
        ("$s = new Swoole\\Http\\Server(1); $s->start();", "Swoole\\Http\\Server.start"),
        ("array_walk($x, [Job::class, 'run']);", "Job.run"),
        ("register_shutdown_function('Job::stop');", "Job.stop"),
    ],
)
def test_names_are_made_full(source, expected):
    assert expected in names(source)


def test_the_class_of_a_property_is_known_by_its_type_or_by_what_is_assigned():
    source = """
        class A {
            private Store $store;
            private $wire;
            public function __construct(private readonly \\PDO $db) { $this->wire = new Wire(); }
            function go() { $this->store->add(1); $this->db->query('x'); $this->wire->ask(); }
        }
    """
    assert names(source, "A.go") == {"Store.add", "PDO.query", "Wire.ask"}


def test_own_methods_are_units_of_the_same_file():
    source = (
        "class A extends B { function go() { self::in(); parent::go(); } static function in() {} }"
    )
    assert uses(source, "A.go") == {"A.in", "B.go"}


@pytest.mark.parametrize(
    "source",
    [
        "if (false) { exec('x'); }",
        "if (PHP_OS_FAMILY === 'Windows') { exec('x'); }",
        "if ('Windows' == PHP_OS_FAMILY): exec('x'); endif;",
        "if (DIRECTORY_SEPARATOR === '\\\\') exec('x');",
        "if (strtoupper(substr(PHP_OS, 0, 3)) === 'WIN') { exec('x'); }",
        "if (PHP_OS_FAMILY !== 'Windows') { } else { exec('x'); }",
        "$a = false ? exec('x') : 1;",
        "while (false) { exec('x'); }",
        "$x = false && exec('x');",
        "if (!true) { exec('x'); }",
    ],
)
def test_branches_that_linux_never_takes_are_left_out(source):
    assert "exec()" not in names(source)


@pytest.mark.parametrize(
    "source",
    [
        "if (PHP_OS_FAMILY !== 'Windows') { exec('x'); }",
        "if (false) { } elseif ($x) { exec('x'); }",
        "if (DIRECTORY_SEPARATOR === '/') exec('x');",
        "$a = true ? exec('x') : 1;",
        "if ($x === 'Windows') { exec('x'); }",
        "match (true) { default => exec('x') };",
    ],
)
def test_branches_that_may_be_taken_stay(source):
    assert "exec()" in names(source)


def test_what_is_asked_after_first_is_guarded():
    (top, *_) = read("if (function_exists('exec')) { exec('x'); system('y'); }").facts.units
    guarded = {use.name: use.guarded for use in top.uses if use.called}
    assert guarded == {"function_exists()": False, "exec()": True, "system()": False}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("require 'a.php';", {"require a.php"}),
        (
            "require_once __DIR__ . '/../vendor/autoload.php';",
            {"require __DIR__/../vendor/autoload.php"},
        ),
        ("include dirname(__FILE__) . '/a.php';", {"require __DIR__/a.php"}),
        ("require dirname(__DIR__, 2) . '/a.php';", {"require __DIR__/../../a.php"}),
        ("$d = __DIR__ . '/lib'; require \"$d/a.php\";", {"require __DIR__/lib/a.php"}),
        ("require ROOT . '/a.php';", {"require {ROOT}/a.php"}),
    ],
)
def test_includes_are_named_by_their_paths(source, expected):
    assert uses(source, None, UseKind.IMPORT) == expected


@pytest.mark.parametrize("source", ["require $file;", "eval($code);", "include dir() . $x;"])
def test_what_run_time_decides_is_told(source):
    assert len(uses(source, None, UseKind.DYNAMIC)) == 1


def test_constants_and_returned_arrays_are_data():
    found = read("define('ROOT', __DIR__); const LIB = ROOT . '/lib';")
    assert found.constants == {"ROOT": ("__DIR__",), "LIB": ("{ROOT}/lib",)}
    found = read(
        "$base = dirname(__DIR__);"
        "return array('A\\\\' => array($base . '/src'), 'k' => $base . '/f');"
    )
    assert found.returned == (("A\\", ("__DIR__/../src",)), ("k", ("__DIR__/../f",)))


def test_two_namespaces_in_one_file_keep_their_imports_apart():
    source = "namespace A { use X\\Y; new Y(); } namespace B { new Y(); }"
    assert names(source) == {"X\\Y.__construct", "B\\Y.__construct"}


def test_an_anonymous_class_lives_where_it_is_made():
    found = read("$x = new class extends Job { public function run() { exec('x'); } };")
    assert found.classes == ("class@2",)
    assert found.ancestors == {"class@2": ("Job",)}


def test_lines_are_those_of_the_file():
    facts = parse_php(b"<html>\n<?php\nfunction f() {\n  exec('x');\n}\n").facts
    assert [(unit.name, unit.line) for unit in facts.units] == [("", 1), ("f()", 3)]
    assert [use.line for use in facts.units[1].uses] == [4]


def test_a_file_that_is_too_large_is_refused():
    with pytest.raises(FormatError, match="1 MiB"):
        parse_php(b" " * (LARGEST + 1))


@pytest.mark.parametrize(
    "body",
    [
        b"(" * 20_000,
        b"$a->b" * 10_000,
        b"if (x) {" * 5000,
        b"[" * 20_000,
        b"!" * 20_000,
        b"'a'." * 9000,
    ],
)
def test_deep_nesting_ends(body):
    """With facts, or with a sentence where a busy machine takes too long."""
    with contextlib.suppress(FormatError):
        parse_php(b"<?php " + body)


WORDS = st.sampled_from(
    b"namespace A;|namespace B {|use A\\B;|use function|class A|extends|function f|(|)|{|}|if|else|"
    b":|"
    b"endif;|'|\"|$a|->|::|new|require|__DIR__|.|exec|=|;|<?php|?>|<<<X|X|,|[|]|=>|return array(|"
    b"define|\\|\xff|\x00|&&|!|PHP_OS|===|dirname".split(b"|")
)


@settings(deadline=None, max_examples=150)
@given(st.binary(max_size=200) | st.lists(WORDS, max_size=40).map(b" ".join))
def test_any_bytes_give_facts(data):
    facts = parse_php(b"<?php " + data).facts
    assert facts.units[0].name == ""
    assert all(unit.size >= 0 for unit in facts.units)
