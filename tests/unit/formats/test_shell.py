from __future__ import annotations

import pytest

from auditor.formats import FormatError
from auditor.formats.shell import MAX_SIZE, parse_shell

Words = tuple[str | None, ...]


def words(text: str, env: dict[str, str] | None = None) -> list[Words]:
    return [command.words for command in parse_shell(text.encode(), env=env).commands]


def flags(text: str) -> dict[str, str]:
    """First word → R for replaces, C for conditional, B for background."""
    return {
        str(c.words[0]): "R" * c.replaces + "C" * c.conditional + "B" * c.background
        for c in parse_shell(text.encode()).commands
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ls -l", [("ls", "-l")]),
        ("FOO=1 BAR=$x ls", [("ls",)]),
        ("ls >out 2>&1 <in a", [("ls", "a")]),
        (">log ls a", [("ls", "a")]),
        ("""a 'b c' "d e" f\\ g "h\\"i\\$j\\k" x"y"'z'""", [
            ("a", "b c", "d e", "f g", 'h"i$j\\k', "xyz"),
        ]),
        ("a $'x\\ty'", [("a", "x\ty")]),
        ("a ''", [("a", "")]),
        ("rm *.pid ~/x /a?b {a,b} a[bc]", [("rm", None, None, None, None, None)]),
        ("rm '*.pid' \\*", [("rm", "*.pid", "*")]),
        ('a "$x" $1 "$(b c)" `d`', [("a", None, None, None, None), ("b", "c"), ("d",)]),
        ("a | b && c || d; ! e", [("a",), ("b",), ("c",), ("d",), ("e",)]),
        ("(a; b) && { c; }", [("a",), ("b",), ("c",)]),
        ("diff <(a) >(b)", [("diff", None, None), ("a",), ("b",)]),
        ("x=$(a) y=`b`", [("a",), ("b",)]),
        ("while a; do b; done < <(c)", [("a",), ("b",), ("c",)]),
        ("until a; do b; done", [("a",), ("b",)]),
        ("for i in $(a) b; do c; done", [("a",), ("c",)]),
        ("case $(a) in x) b;; *) c;; esac", [("a",), ("b",), ("c",)]),
        ("if a; then b; elif c; then d; else e; fi", [("a",), ("b",), ("c",), ("d",), ("e",)]),
        ("arr=(a $(b))", [("b",)]),
        ("local -a arr; local x=$(b)", [("b",)]),
        ("[[ -f /x && $(a) ]]; [ -d /y ]; test -e /z", [("a",)]),
        ("cat <<EOF\nfork $(a)\nEOF\nb", [("cat",), ("a",), ("b",)]),
        ("cat <<'EOF'\nfork $(a)\nEOF\nb", [("cat",), ("b",)]),
        ("cat <<EOF | grep x\nfork\nEOF", [("cat",), ("grep", "x")]),
        ("# fork\necho 'fork' fork", []),
        ("cd /; export A=1; read x; unset A; :; true; set -e; ulimit -n 5", []),
        ("time -p a b", [("a", "b")]),
        ("env A=1 nice -n 5 a", [("env", "A=1", "nice", "-n", "5", "a")]),
    ],
)  # fmt: skip
def test_every_simple_command_is_found(text: str, expected: list[Words]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("exec a b", [("a", "b")]),
        ("exec -a name -c a b", [("a", "b")]),
        ("exec >file 2>&1", []),
        ("exec 3<>/dev/tty", []),
        ('exec "$@"', [("$@",)]),
        ("exec $@", [("$@",)]),
        ('exec "${@}"', [("$@",)]),
        ('exec ${1+"$@"}', [("$@",)]),
        ('exec "${@:2}"', [(None,)]),
        ('exec gosu redis "$0" "$@"', [("gosu", "redis", "$0", "$@")]),
        ('exec gosu redis "$BASH_SOURCE" "$@"', [("gosu", "redis", "$0", "$@")]),
        ("a '$@' '$0'", [("a", None, None)]),
        ("command -v a; command -p b c; command -V d", [("b", "c")]),
        ("command echo a; exec echo b", [("echo", "b")]),
        ("builtin cd /; builtin exec a", [("a",)]),
        ("eval 'a; exec b'", [("a",), ("b",)]),
        ("eval a b", [("a", "b")]),
        ('eval "$x"', [(None,)]),
        ("trap 'a; b' EXIT", [("a",), ("b",)]),
        ("trap - EXIT; trap '' INT; trap", []),
        ("f() { a; }; f; command f; exec f", [("a",), ("f",), ("f",)]),
        ("$cmd a", [(None, "a")]),
    ],
)
def test_builtins_that_run_commands_are_looked_through(text: str, expected: list[Words]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize(
    ("text", "env", "expected"),
    [
        ('C=/etc/x; a -c "$C"', None, ("a", "-c", "/etc/x")),
        ('D=/etc C="$D/x"; a "$C/y"', None, ("a", "/etc/x/y")),
        ('D=/etc; C="$D/x"; a "$C/y z"', None, ("a", "/etc/x/y z")),
        ("O='-a -b'; a $O", None, ("a", "-a", "-b")),
        ("O='-a -b'; a \"$O\"", None, ("a", "-a -b")),
        ("O=; a $O b", None, ("a", "b")),
        ("C=1; C=2; a $C", None, ("a", None)),
        ("C=1; C+=2; a $C", None, ("a", None)),
        ("C=1; read C; a $C", None, ("a", None)),
        ("C=1; for C in 2; do :; done; a $C", None, ("a", None)),
        ("C=1; (( C++ )); a $C", None, ("a", None)),
        ("C=1; unset C; a $C", None, ("a", None)),
        ("C=$(hostname -x); a $C", None, ("hostname", "-x")),
        ("if [ x ]; then C=1; fi; a $C", None, ("a", None)),
        ("if [ x ]; then C=1; fi; a $C", {}, ("a", "1")),
        ("if [ x ]; then C=1; fi; a $C", {"C": "2"}, ("a", None)),
        ("a $C", None, ("a", None)),
        ("a $C", {}, ("a", None)),
        ("a $C", {"C": "x y"}, ("a", "x", "y")),
        ("a ${C:-d}", None, ("a", None)),
        ("a ${C:-d}", {}, ("a", "d")),
        ('a "${C:-d e}"', {"C": ""}, ("a", "d e")),
        ("a ${C:-'d e'}", {"C": ""}, ("a", None)),
        ("a ${C:-d}", {"C": ""}, ("a", "d")),
        ("a b${C-d}", {"C": ""}, ("a", "b")),
        ("a ${C:-d}", {"C": "e"}, ("a", "e")),
        ("a ${HOME:-d}", {}, ("a", None)),
        ("C=${C:-d}; a $C", {}, ("a", "d")),
        ("C=${C:-d}; a $C", {"C": "e"}, ("a", "e")),
        ("C=${C:-d}; a $C", None, ("a", None)),
        (': "${C:=d}"; a $C', {}, ("a", "d")),
        ("A=$B; B=$A; a $A", {}, ("a", None)),
        ("a ${C%/*} ${#C}", {"C": "e/f"}, ("a", None, None)),
        ("eval 'C=2'; C=1; a $C", None, ("a", None)),
    ],
)
def test_variables_are_known_only_where_nothing_else_can_set_them(
    text: str, env: dict[str, str] | None, expected: Words
) -> None:
    assert words(text, env)[0] == expected


def test_what_may_not_run_is_conditional() -> None:
    text = "a && b || c; if d; then e; else f; fi; while g; do h; done; case x in y) i;; esac; j"
    assert {name: flag for name, flag in flags(text).items() if flag} == dict.fromkeys(
        "bcefhi", "C"
    )
    assert flags("trap 'k' EXIT") == {"k": "C"}


def test_only_an_exec_in_the_script_s_own_process_ends_it() -> None:
    assert flags("exec a")["a"] == "R"
    assert flags("if x; then exec a; fi")["a"] == "RC"
    assert flags("{ exec a; }")["a"] == "R"
    for text in ("(exec a)", "exec a | b", "x=$(exec a)", "cat <(exec a)"):
        assert flags(text)["a"] == ""
    assert flags("exec a &")["a"] == "B"


def test_background_covers_all_that_the_ampersand_does() -> None:
    assert flags("a && b & c | d & { e; } & f") == {
        "a": "B", "b": "CB", "c": "B", "d": "B", "e": "B", "f": "",
    }  # fmt: skip


def test_sourced_files_are_kept_apart() -> None:
    facts = parse_shell(b'. /lib/a.sh x\nsource "$f"\nif y; then . ./b; fi')
    assert [c.words for c in facts.sources] == [("/lib/a.sh", "x"), (None,), ("./b",)]
    assert [c.conditional for c in facts.sources] == [False, False, True]
    assert [c.words for c in facts.commands] == [("y",)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('set -- a "$@"', [(("a", "$@"), False)]),
        ("set -e -- a b", [(("a", "b"), False)]),
        ("set -eo pipefail; set -u; set +x; set -", []),
        ("set --", [((), False)]),
        ("set a b", [(("a", "b"), False)]),
        ('if x; then set -- a "$@"; fi', [(("a", "$@"), True)]),
        ("(set -- a)", []),
        ("shift", [((None,), False)]),
        ("f() { shift; set -- a; }; f x", []),
        ('f() { set -- a "$@"; exec "$@"; }; f "$@"', [(("a", "$@"), False)]),
    ],
)
def test_changes_of_the_script_s_arguments_are_kept_in_order(
    text: str, expected: list[tuple[Words, bool]]
) -> None:
    facts = parse_shell(text.encode())
    assert [(c.words, c.conditional) for c in facts.positional] == expected


def test_a_function_s_arguments_are_those_it_is_called_with() -> None:
    text = 'run() { nice "$@"; }; log() { run "$@" -v; }; run a; log b c; unused() { "$@"; }'
    assert set(words(text)) == {("nice", "a"), ("nice", "b", "c", "-v"), (None,)}


def test_a_function_that_calls_itself_comes_to_an_end() -> None:
    found = words('f() { f "$@" x; a "$@"; }; f b')
    assert {("a", "b"), ("a", "b", "x")} <= set(found)
    assert len(found) < 20


def test_paths_that_stand_in_the_text_are_found() -> None:
    text = """
    C=/etc/a; find "/docker.d/" -x; for f in /init.d/*.sh; do . "/lib/$f"; done
    echo "${X:-/default}" "${X#/cut}" 'see /not' a/b "/" >/dev/null # /comment
    """
    assert parse_shell(text.encode()).paths == (
        "/default", "/dev/null", "/docker.d/", "/etc/a", "/init.d/", "/lib/",
    )  # fmt: skip


def test_lines_and_text_lead_back_to_the_script() -> None:
    facts = parse_shell(b"# x\n\nls   -l \\\n  /tmp >x\neval 'a\nb'", first_line=10)
    assert [(c.line, c.text) for c in facts.commands[:2]] == [(12, "ls -l /tmp"), (14, "a")]
    assert facts.commands[2].line == 15


def test_long_commands_are_shortened() -> None:
    (command,) = parse_shell(b"a " + b"x" * 500).commands
    assert len(command.text) == 160
    assert command.text.endswith("…")


def test_places_that_are_no_shell_are_counted() -> None:
    facts = parse_shell(b"if a; then b\nls )) ((\n")
    assert facts.errors > 0
    assert parse_shell(b"if a; then b; fi").errors == 0


def test_a_script_over_the_bound_is_refused() -> None:
    with pytest.raises(FormatError, match="more than"):
        parse_shell(b" " * (MAX_SIZE + 1))


def test_eval_in_eval_stops_somewhere() -> None:
    text = "a"
    for _ in range(7):
        text = "eval '" + text.replace("'", "'\\''") + "'"
    assert words(text) == [(None,)]
    assert words("""eval 'eval "exec a"'""") == [("a",)]
