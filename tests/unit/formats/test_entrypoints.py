"""Entrypoint scripts as official images have them, told in our own words."""

from __future__ import annotations

from auditor.formats.shell import parse_shell

PLUG_INS = rb"""#!/bin/sh
# runs what is in /docker-entrypoint.d, and does not fork
set -e

log() {
    if [ -z "${QUIET_LOGS:-}" ]; then
        echo "$@"
    fi
}

if [ "$1" = "nginx" ] || [ "$1" = "nginx-debug" ]; then
    if find "/docker-entrypoint.d/" -mindepth 1 -type f -print -quit 2>/dev/null | read v; then
        log "$0: will fork nothing"
        find "/docker-entrypoint.d/" -follow -type f -print | sort -V | while read -r f; do
            case "$f" in
                *.envsh)
                    if [ -x "$f" ]; then . "$f"; fi
                    ;;
                *.sh)
                    if [ -x "$f" ]; then "$f"; else log "$0: skip $f"; fi
                    ;;
                *) log "$0: skip $f";;
            esac
        done
    fi
fi

exec "$@"
"""

DROP_ROOT = rb"""#!/bin/sh
set -e
if [ "${1#-}" != "$1" ] || [ "${1%.conf}" != "$1" ]; then
    set -- redis-server "$@"
fi
if [ "$1" = 'redis-server' -a "$(id -u)" = '0' ]; then
    find . \! -user redis -exec chown redis '{}' +
    exec gosu redis "$0" "$@"
fi
um="$(umask)"
if [ "$um" = '0022' ]; then
    umask 0077
fi
exec "$@"
"""

FUNCTIONS = rb"""#!/usr/bin/env bash
set -Eeo pipefail

_is_sourced() {
    [ "${#FUNCNAME[@]}" -ge 2 ] && [ "${FUNCNAME[0]}" = '_is_sourced' ]
}
init_dirs() {
    local user; user="$(id -u)"
    mkdir -p "$PGDATA"
    if [ "$user" = '0' ]; then
        find "$PGDATA" \! -user postgres -exec chown postgres '{}' +
    fi
}
process_files() {
    psql=( run_sql )
    local f
    for f; do
        case "$f" in
            *.sql.gz) gunzip -c "$f" | run_sql ;;
            *) printf '%s: ignoring %s\n' "$0" "$f" ;;
        esac
    done
}
run_sql() {
    local -a query=( psql -v ON_ERROR_STOP=1 --no-password )
    PGHOST= "${query[@]}" "$@"
}
_main() {
    if [ "${1:0:1}" = '-' ]; then
        set -- postgres "$@"
    fi
    if [ "$1" = 'postgres' ]; then
        init_dirs
        if [ "$(id -u)" = '0' ]; then
            exec gosu postgres "$BASH_SOURCE" "$@"
        fi
        process_files /docker-entrypoint-initdb.d/*
        cat <<-'EOM'
			init done; fork $(nothing)
		EOM
    fi
    exec "$@"
}
if ! _is_sourced; then
    _main "$@"
fi
"""


def test_a_plug_in_directory_and_its_loop_are_read() -> None:
    facts = parse_shell(PLUG_INS)
    found = [(c.words[0], c.line, c.replaces, c.conditional) for c in facts.commands]
    assert found == [
        ("find", 12, False, True),
        ("find", 14, False, True),
        ("sort", 14, False, True),
        (None, 20, False, True),
        ("$@", 28, True, False),
    ]
    assert [(c.words, c.line) for c in facts.sources] == [((None,), 17)]
    assert facts.paths == ("/dev/null", "/docker-entrypoint.d/")
    assert (facts.functions, facts.positional, facts.errors) == (("log",), (), 0)


def test_a_server_that_drops_root_runs_its_own_script_again() -> None:
    facts = parse_shell(DROP_ROOT)
    assert [c.words for c in facts.positional] == [("redis-server", "$@")]
    assert [(c.words, c.conditional) for c in facts.commands if c.replaces] == [
        (("gosu", "redis", "$0", "$@"), True),
        (("$@",), False),
    ]
    assert [c.words[0] for c in facts.commands if not c.replaces] == ["id", "find"]


def test_functions_arrays_and_here_documents_hide_nothing_and_add_nothing() -> None:
    facts = parse_shell(FUNCTIONS)
    assert facts.functions == ("_is_sourced", "init_dirs", "process_files", "run_sql", "_main")
    assert [c.words for c in facts.commands if c.replaces] == [
        ("gosu", "postgres", "$0", "$@"),
        ("$@",),
    ]
    assert [c.words[0] for c in facts.commands if not c.replaces] == [
        "id", "mkdir", "find", "gunzip", None, "id", "cat",
    ]  # fmt: skip
    assert [(c.words, c.conditional) for c in facts.positional] == [(("postgres", "$@"), True)]
    assert facts.paths == ("/docker-entrypoint-initdb.d/",)
    assert facts.errors == 0
