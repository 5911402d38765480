"""Perl applications over made-up images: command lines, modules, and what they ask for."""

from __future__ import annotations

import pytest

from auditor.applications import Certainty, Context
from auditor.applications.follow import follow
from auditor.applications.perl import make
from auditor.tables import load

INC = "/usr/share/perl5"
CORE = "/usr/share/perl/5.36.0"
ARCH = "/usr/lib/x86_64-linux-gnu"
BASE = {f"{CORE}/strict.pm": "package strict; 1;", f"{CORE}/POSIX.pm": "package POSIX; fork; 1;"}


@pytest.fixture(scope="module")
def tables():
    return load()


@pytest.fixture
def perl(root_of, tables):
    def made(tree, *words, variables=None, workdir="/app"):
        context = Context(root_of({**BASE, **tree}), variables or {}, workdir, tables)
        language = make(context)
        start = language.start(words)
        return start, follow(language, start, tables.apis["perl"])

    return made


def asked(found, least=Certainty.SURE):
    return {one.name for one in found.asked.values() if one.certainty >= least}


def modules(found):
    return set(found.modules)


def test_a_script_its_own_modules_and_packages(perl):
    start, found = perl(
        {
            "/app/run.pl": "use lib 'lib'; use Shop; use Text::Table; use POSIX; Shop::sell();",
            "/app/lib/Shop.pm": "package Shop; sub sell { system('lp') } sub never { fork } 1;",
            f"{INC}/Text/Table.pm": "package Text::Table; sub draw { fork } 1;",
        },
        *("perl", "-w", "run.pl"),
    )
    assert start.modules == ("/app/run.pl",)
    assert modules(found) == {"/app/run.pl", "/app/lib/Shop.pm", f"{INC}/Text/Table.pm"}
    assert asked(found) == {"CORE.system", "CORE.fork"}
    where = {one.module for one in found.asked.values() if one.name == "CORE.fork"}
    assert where == {"/app/lib/Shop.pm"}
    assert found.unknowns == set()


def test_of_a_package_only_what_is_called_counts(perl):
    _, found = perl(
        {
            "/app/run.pl": "use Net::Tool qw(look); look(1);",
            f"{INC}/Net/Tool.pm": (
                "package Net::Tool; use Exporter 'import'; sub look { exec 'dig' }"
                "sub serve { fork } 1;"
            ),
        },
        *("perl", "run.pl"),
    )
    assert asked(found, Certainty.POSSIBLE) == {"CORE.exec"}


def test_inherited_methods_and_what_a_host_can_take_over(perl):
    tree = {
        "/app/run.pl": 'use FindBin; use lib "$FindBin::Bin/lib"; use My::Web; My::Web->new->run;',
        "/app/lib/My/Web.pm": (
            "package My::Web; use parent 'HTTP::Server::Simple::CGI'; sub handle { `date` } 1;"
        ),
        f"{INC}/HTTP/Server/Simple/CGI.pm": (
            "package HTTP::Server::Simple::CGI; use base 'HTTP::Server::Simple'; sub setup {} 1;"
        ),
        f"{INC}/HTTP/Server/Simple.pm": (
            "package HTTP::Server::Simple; sub new { bless {}, shift }"
            "sub run { listen(S, 5); $SIG{CHLD} = sub { wait }; fork } 1;"
        ),
    }
    _, found = perl(tree, "perl", "/app/run.pl")
    assert asked(found) == {"HTTP::Server::Simple.run", "CORE.readpipe"}
    (served,) = [a for a in found.asked.values() if a.name == "HTTP::Server::Simple.run"]
    assert served.api.capability == "net.http.serve"


def test_compiled_parts_are_linked(perl):
    so = f"{ARCH}/perl5/5.36/auto/JSON/XS/XS.so"
    _, found = perl(
        {
            "/app/run.pl": "use JSON::XS;",
            f"{ARCH}/perl5/5.36/JSON/XS.pm": "package JSON::XS; XSLoader::load('JSON::XS'); 1;",
            so: b"\x7fELF",
        },
        *("perl", "run.pl"),
    )
    assert [link.target for link in found.imports if link.native] == [so]


def test_what_is_optional_and_what_is_missing(perl):
    _, found = perl(
        {"/app/run.pl": "eval { require Cpanel::JSON::XS }; use Not::There; eval $ARGV[0];"},
        *("perl", "run.pl"),
    )
    reasons = " / ".join(sorted(unknown.reason for unknown in found.unknowns))
    assert "Not::There is not in the image" in reasons
    assert "run time decides what this is: eval $ARGV[0]" in reasons
    assert "Cpanel" not in reasons


def test_a_vendored_copy_is_what_is_loaded(perl):
    _, found = perl(
        {
            "/app/run.pl": "use lib 'vendor'; use IPC::Run; IPC::Run::run(1);",
            "/app/vendor/IPC/Run.pm": "package IPC::Run; sub run { 1 } 1;",
            f"{INC}/IPC/Run.pm": "package IPC::Run; sub run { fork } 1;",
        },
        *("perl", "run.pl"),
    )
    assert "/app/vendor/IPC/Run.pm" in modules(found)
    assert f"{INC}/IPC/Run.pm" not in modules(found)
    assert "CORE.fork" not in asked(found, Certainty.POSSIBLE)


def test_a_launcher_leaves_the_application(perl):
    start, found = perl(
        {
            "/usr/bin/starman": "#!/usr/bin/perl\nuse Plack::Runner; Plack::Runner->new->run;",
            "/app/shop.psgi": "my $app = sub { open my $f, '<', 'x'; [200, [], []] };",
        },
        *("perl", "/usr/bin/starman", "--workers", "4", "-p", "80", "shop.psgi"),
    )
    assert start.modules == ("/app/shop.psgi",)
    assert [served.capability for served in start.served] == ["net.http.serve"]
    assert asked(found) == {"CORE.open.read"}


def test_library_directories_of_the_command_line(perl):
    tree = {
        "/app/run.pl": "use A; use B;",
        "/x/A.pm": "package A; 1;",
        "/y/B.pm": "package B; 1;",
    }
    _, found = perl(tree, "perl", "-I", "/x", "-T", "run.pl", variables={"PERL5LIB": "/y"})
    assert modules(found) == {"/app/run.pl", "/x/A.pm", "/y/B.pm"}


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("perl", None), "depends on run time"),
        (("perl", "-e", "fork"), "with -e"),
        (("perl",), "without a script"),
        (("perl", "gone.pl"), "gone.pl is not in the image"),
    ],
)
def test_what_cannot_be_told_is_said(perl, words, problem):
    start, _ = perl({}, *words)
    assert problem in (start.problem or "")
