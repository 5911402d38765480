"""Perl source as facts."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.formats import FormatError
from auditor.formats.perl_source import LARGEST, parse_perl
from auditor.model.source import UseKind


def uses(text, unit=None, *, main=False):
    facts = parse_perl(text.encode(), main=main).facts
    return {
        (use.kind.value, use.name)
        for found in facts.units
        for use in found.uses
        if unit is None or found.name == unit
    }


def names(text, **options):
    return {name for kind, name in uses(text, **options) if kind == "name"}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("my $pid = fork;", "CORE.fork"),
        ("defined(my $pid = fork()) or die;", "CORE.fork"),
        ("$pid = CORE::fork();", "CORE.fork"),
        ("system('ls', '-l');", "CORE.system"),
        ("exec { $x } @list;", "CORE.exec"),
        ("print `uptime`;", "CORE.readpipe"),
        ("my @all = qx{ls -l};", "CORE.readpipe"),
        ("open(my $fh, '-|', 'ls');", "CORE.open.pipe"),
        ('open FH, "ls |" or die;', "CORE.open.pipe"),
        ('open(FH, "| $mailer");', "CORE.open.pipe"),
        ('open(FH, "<$file");', "CORE.open.read"),
        ("open(my $fh, '>>', $log);", "CORE.open.write"),
        ("$SIG{TERM} = sub { exit };", "CORE.SIG"),
        ("local $SIG{'ALRM'} = \\&late;", "CORE.SIG"),
        ("@SIG{qw(INT TERM)} = (\\&end) x 2;", "CORE.SIG"),
        ("$SIG{PIPE} = 'IGNORE';", "CORE.SIG.ignore"),
        ("($<, $>) = ($uid, $uid);", "CORE.setuid"),
        ("socket(S, PF_INET, SOCK_DGRAM, 0);", "CORE.socket.udp"),
        ("socket(S, AF_UNIX, SOCK_STREAM, 0);", "CORE.socket.unix"),
        ("sysopen(F, 'x', O_RDWR | O_CREAT);", "CORE.sysopen.write"),
        ("kill 'TERM', $child;", "CORE.kill"),
        ("kill 0, $child;", "CORE.kill.0"),
        ('print "it is @{[ `date` ]}";', "CORE.readpipe"),
        ("use POSIX; setsid();", "POSIX.setsid"),
        ("use POSIX qw(setsid); setsid;", "POSIX.setsid"),
        ("use POSIX (); POSIX::setsid();", "POSIX.setsid"),
        ("threads->create(sub { 1 });", "threads.create"),
        ("use threads; async { 1 };", "threads.async"),
        ("IO::Socket::INET->new(Listen => 5);", "IO::Socket::INET.new.listen"),
        ("IO::Socket::INET->new(PeerAddr => 'db');", "IO::Socket::INET.new.connect"),
        ("IO::Socket::INET->new(Proto => 'udp');", "IO::Socket::INET.new.udp"),
        ("my $s = IO::Select->new; $s->can_read;", "IO::Select.can_read"),
        ("my $class = 1; IPC::Open3::open3(1);", "IPC::Open3.open3"),
    ],
)
def test_calls_that_decide_are_seen(text, name):
    assert name in names(text)


@pytest.mark.parametrize(
    "text",
    [
        "print 'fork and system';",
        "# fork();\nprint 1;",
        "=pod\n\nfork();\n\n=cut\n\nprint 1;",
        "print 1;\n__END__\nfork();\n",
        "print 1;\n__DATA__\nsystem('ls');\n",
        "my %h = (fork => 1, system => 2); $h{fork}++; $h->{system} = 1;",
        "$object->fork; $object->system('x');",
        "if (0) { fork }",
        "fork unless 1;",
        "fork if 0;",
        "use constant DEBUG => 0; fork if DEBUG; DEBUG && system('x');",
        "if ($^O eq 'MSWin32') { system('cls') }",
        "if ($^O ne 'linux') { system('cls') }",
        "system('cls') if $^O =~ /MSWin32/;",
        "exit 0; fork;",
        "sub f { return 1; fork }",
        "print <<'EOT';\nfork `ls`\nEOT\n",
        "print <<EOT;\nfork `ls`\nEOT\n",
        "my $x = q{system('ls')}; my @y = qw(fork exec);",
        "$x =~ s/fork/`ls`/;",
        "$SIG{__DIE__} = sub { 1 };",
    ],
)
def test_words_that_are_no_calls_are_not(text):
    wanted = {"CORE.fork", "CORE.system", "CORE.exec", "CORE.readpipe", "CORE.SIG"}
    assert names(text).isdisjoint(wanted)


def test_what_runs_on_linux_is_kept():
    text = "if ($^O eq 'MSWin32') { system('cls') } elsif ($^O eq 'linux') { fork } else { wait }"
    assert names(text) & {"CORE.system", "CORE.fork", "CORE.wait"} == {"CORE.fork"}


def test_a_script_that_is_also_a_module_runs_only_as_a_script():
    text = "package Tool; sub run { 1 } run() unless caller;"
    assert ("local", "Tool.run") in uses(text, "", main=True)
    assert ("local", "Tool.run") not in uses(text, "")


def test_modules_are_loaded_however_that_is_written():
    text = """
        use Shop::Cart; use parent -norequire, 'Local'; use base qw(Shop::Base);
        require Shop::Late; require "Shop/Path.pm"; require 'setup.pl'; do './conf.pl';
        use if $^O eq 'MSWin32', 'Win32::API'; use if $^O eq 'linux', 'Linux::Inotify2';
        use 5.010; use strict; no warnings;
    """
    assert {name for kind, name in uses(text) if kind == "import"} == {
        "Shop::Cart",
        "Shop::Base",
        "Shop::Late",
        "Shop::Path",
        "file:setup.pl",
        "file:./conf.pl",
        "Linux::Inotify2",
    }


def test_a_module_in_eval_may_be_missing():
    facts = parse_perl(b"eval { require JSON::XS; 1 }; eval 'use Clone; 1'; use Plain;").facts
    found = {use.name: use.guarded for use in facts.units[0].uses if use.kind is UseKind.IMPORT}
    assert found == {"JSON::XS": True, "Clone": True, "Plain": False}


@pytest.mark.parametrize("text", ["eval $code;", "require $module;", "do $file;", 'eval "$a()";'])
def test_what_run_time_decides_is_said(text):
    assert "dynamic" in {kind for kind, _ in uses(text)}


@pytest.mark.parametrize("text", ["eval { 1 };", "eval 'fork';", "require 5.006;", "do { 1 };"])
def test_what_can_be_read_is_no_unknown(text):
    assert "dynamic" not in {kind for kind, _ in uses(text)}


def test_literal_text_is_read_where_it_is_evaluated():
    assert "CORE.fork" in names("eval 'fork; 1';")


def test_units_are_packages_and_their_subroutines():
    text = """
        package Shop;
        our @ISA = ('Base');
        sub new { my $class = shift; my $self = $class->SUPER::new(@_); $self->fill; $self }
        sub fill { fork }
        package Shop::Other { sub go { Shop->new; helper(); } sub helper { \\&Shop::fill } }
        Shop::Other::go();
    """
    facts = parse_perl(text.encode()).facts
    assert {unit.name for unit in facts.units} == {
        *("", "Shop", "Shop.new", "Shop.fill"),
        *("Shop::Other", "Shop::Other.go", "Shop::Other.helper"),
    }
    assert ("local", "Shop.fill") in uses(text, "Shop.new")
    assert ("name", "Base.new") in uses(text, "Shop.new")
    assert ("name", "Base") in uses(text, "Shop")
    assert {("local", "Shop.new"), ("local", "Shop::Other.helper")} <= uses(text, "Shop::Other.go")
    assert ("local", "Shop::Other.go") in uses(text, "")
    passed = {use for unit in facts.units for use in unit.uses if use.name == "Shop.fill"}
    assert {use.called for use in passed} == {True, False}


def test_a_compiled_part_is_named():
    text = "package A::B; require XSLoader; XSLoader::load(__PACKAGE__, 1); bootstrap C::D;"
    assert {("import", "native:A::B"), ("import", "native:C::D")} <= uses(text)


def test_the_line_is_that_of_the_call():
    facts = parse_perl(b"use strict;\n\nprint <<EOT;\na\nb\nEOT\nfork;\n").facts
    (line,) = [use.line for use in facts.units[0].uses if use.name == "CORE.fork"]
    assert line == 7


def test_directories_of_modules():
    text = b"""
        use lib "$FindBin::Bin/../lib", "/opt/lib"; use lib qw(a b);
        unshift @INC, "/c"; use lib $x;
    """
    assert parse_perl(text).libraries == ("{bin}/../lib", "/opt/lib", "a", "b", "/c")


def test_an_endless_here_document_has_an_end():
    """tree-sitter-perl's scanner does not stop where such a one ends without a line feed."""
    for text in (b"print <<A;\n$x $", b'<<"A"\n@{[', b"<<~`A`\n\\", b'<<\n"A"\n$x', b'<<~ "A"\n$'):
        parse_perl(text)


def test_large_files_are_refused():
    with pytest.raises(FormatError, match="more than 1 MiB"):
        parse_perl(b"#" * (LARGEST + 1))


_PIECES = st.sampled_from(
    [b"<<A", b"<<~'A'\n", b"q{", b"s{", b"@{[", b"${", b"}", b"(", b")", b'"', b"`", b"sub a",
     b" { ", b"package X;", b"\n=pod\n", b"eval ", b"'fork'", b"$x->", b"new", b"use ", b"if (0)",
     b"\\&", b"__END__", b"\xff", b"\x00", b"=>", b"require ", b"$SIG{A} = ", b"@ISA = "]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.lists(_PIECES, max_size=40).map(b"".join)))
def test_any_bytes_give_facts_or_a_format_error(data):
    with contextlib.suppress(FormatError):
        assert parse_perl(data).facts.units


def test_deep_nesting_is_no_recursion():
    assert parse_perl(b"(" * 2_000 + b"fork" + b")" * 2_000).facts.units


def test_a_module_behind_a_condition_is_optional():
    facts = parse_perl(b"if ($ENV{MOD_PERL}) { require Apache2::Log } require A if $x;").facts
    assert {use.guarded for use in facts.units[0].uses if use.kind is UseKind.IMPORT} == {True}
