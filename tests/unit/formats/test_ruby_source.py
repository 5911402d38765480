"""What Ruby source is said to use: by its syntax, never by its words."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.formats import FormatError
from auditor.formats.ruby_source import parse_ruby
from auditor.formats.scripting_tree import LARGEST
from auditor.model.source import UseKind


def uses(source, unit=None, kind=None, *, main=False):
    facts = parse_ruby(source.encode(), main=main).facts
    return {
        use.name
        for item in facts.units
        for use in item.uses
        if unit in {None, item.name} and kind in {None, use.kind}
    }


def names(source, unit=None, **options):
    return uses(source, unit, UseKind.NAME, **options)


def imports(source):
    return uses(source, None, UseKind.IMPORT)


def test_words_in_strings_comments_and_after_the_end_are_no_calls():
    source = """
        # system "ls"; fork
        a = 'system("ls")'
        b = <<~TEXT
          exec "x"
        TEXT
        c = :fork
    """
    assert names(f"{source}\n__END__\nfork\n") == set()


def test_what_is_computed_in_a_string_is_a_call():
    assert names('puts "#{exec "x"}"') >= {"Kernel.exec"}
    assert names("`uname -a`") == {"Kernel.`"}
    assert names("%x(uname)") == {"Kernel.`"}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("fork", "Kernel.fork"),
        ("fork { work }", "Kernel.fork"),
        ("Process.fork", "Process.fork"),
        ("::Process.daemon", "Process.daemon"),
        ("Net::HTTP.get(uri)", "Net::HTTP.get"),
        ("s = TCPServer.new(80)\ns.accept", "TCPServer.accept"),
        ("TCPSocket.open('h', 1) { |wire| wire.gets }", "TCPSocket.gets"),
        ("send(:fork)", "Kernel.fork"),
        ("Process.send(:daemon)", "Process.daemon"),
        ("method(:spawn).call", "Kernel.spawn"),
        ("Object.const_get('TCPServer').new(1)", "TCPServer"),
        ("class Own\n alias run system\nend", "Kernel.system"),
    ],
)
def test_calls_are_named_by_the_class_that_they_belong_to(source, expected):
    assert expected in names(source)


def test_a_variable_or_a_method_of_that_name_is_not_the_one_of_kernel():
    assert "Kernel.fork" not in names("fork = 1\nputs fork")
    assert "Kernel.test" not in names("def test(x) = x\ntest(1)")
    assert names("class Bank\n  def system = 1\n  def run = system\nend", "Bank.run") == set()
    assert names("def go(spawn)\n  spawn\nend", "go") == set()


def test_objects_kept_in_instance_variables_are_known_in_all_methods():
    source = """
        class Line
          def initialize = @wire = TCPSocket.new('h', 1)
          def ask = @wire.gets
        end
    """
    assert names(source, "Line.ask") == {"TCPSocket.gets"}


def test_aliases_of_constants_are_handed_on():
    found = parse_ruby(b"module Shop\n  Child = Process\nend\nShop::Child.fork")
    assert dict(found.facts.bindings) == {"Shop::Child": "Process"}
    assert "Shop::Child" in found.constants


@pytest.mark.parametrize(
    "source",
    [
        "if false\n  fork\nend",
        "fork if RUBY_PLATFORM =~ /mswin|mingw/",
        "fork if RUBY_PLATFORM.match?(/java/)",
        "if Gem.win_platform?\n  fork\nend",
        "if RUBY_ENGINE == 'jruby'\n  fork\nend",
        "fork unless true",
        "x = nil ? fork : 1",
        "while false do fork end",
        "fork if defined?(JRUBY_VERSION) && x",
        "fork if __FILE__ == $0",
        "if !(RUBY_ENGINE == 'ruby')\n  fork\nend",
    ],
)
def test_branches_that_linux_never_takes_are_left_out(source):
    assert "Kernel.fork" not in names(source)


@pytest.mark.parametrize(
    "source",
    [
        "if false\n  1\nelse\n  fork\nend",
        "fork unless RUBY_PLATFORM =~ /mswin/",
        "fork if RUBY_PLATFORM =~ /linux/",
        "fork if RUBY_PLATFORM =~ /x86_64/",
        "fork if RUBY_ENGINE == 'ruby'",
        "fork if something",
        "if x\n  1\nelsif y\n  fork\nend",
        "case x\nwhen 1 then fork\nend",
    ],
)
def test_branches_that_may_be_taken_stay(source):
    assert "Kernel.fork" in names(source)


def test_the_started_file_is_the_named_script():
    assert "Kernel.fork" in names("fork if __FILE__ == $PROGRAM_NAME", main=True)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("require 'json'", {"require json"}),
        ("require_relative 'lib/a'", {"require_relative lib/a"}),
        ("require File.expand_path('../lib/a', __FILE__)", {"require_relative __file__/../lib/a"}),
        ("require File.join(__dir__, 'lib', 'a')", {"require_relative lib/a"}),
        ('load "#{__dir__}/a.rb"', {"require_relative a.rb"}),
        ("%w[a b].each { |name| require name }", {"require a", "require b"}),
        (
            "Dir[File.join(__dir__, 'x/*.rb')].sort.each { |f| require f }",
            {"require_relative x/*.rb"},
        ),
        ("load Gem.activate_bin_path('puma', 'puma', version)", {"gem-bin puma puma"}),
        ("Bundler.require(:default)", {"bundler"}),
    ],
)
def test_what_is_loaded_is_named_as_it_is_loaded(source, expected):
    assert imports(source) == expected


def test_an_autoload_is_loaded_with_its_constant_only():
    found = parse_ruby(b"module Shop\n  autoload :Cart, 'shop/cart'\nend")
    assert found.autoloads == ("require shop/cart",)
    assert imports("autoload :Cart, 'shop/cart'") == set()
    found = parse_ruby(b"module ActiveShop\n  autoload :HTTPCart\nend")
    assert found.autoloads == ("require active_shop/http_cart",)


def test_a_load_that_is_rescued_is_guarded_and_no_other():
    facts = parse_ruby(b"begin\n  require 'a'\nrescue LoadError\nend\nrequire 'b'").facts
    assert {use.name: use.guarded for use in facts.units[0].uses} == {
        "require a": True,
        "require b": False,
    }


@pytest.mark.parametrize(
    "source",
    [
        "require name",
        "eval(text)",
        "Thing.class_eval(code)",
        "instance_eval 'x'",
        "Object.const_get(name)",
        "Kernel.send(name)",
    ],
)
def test_what_run_time_decides_is_told(source):
    assert uses(source, None, UseKind.DYNAMIC) == {source}


@pytest.mark.parametrize(
    "source",
    ["class_eval { def a = 1 }", "instance_eval(&block)", "item.send(name)", "model.eval('x')"],
)
def test_blocks_and_members_are_nothing_that_cannot_be_followed(source):
    assert uses(source, None, UseKind.DYNAMIC) == set()


def test_classes_bring_their_superclass_and_mixins_and_what_ruby_calls_itself():
    source = b"class Line < Net::Base\n  include Wire\n  def initialize = fork\nend"
    found = parse_ruby(source)
    assert found.ancestors == {"Line": ("Net::Base", "Wire")}
    (line,) = [unit for unit in found.facts.units if unit.is_class]
    assert {use.name for use in line.uses} == {"Net::Base", "Wire", "Line.initialize"}


def test_a_class_made_by_a_call_is_a_class():
    found = parse_ruby(b"Line = Class.new(Base) do\n  def go = fork\nend\nP = Struct.new(:a)")
    assert found.constants == ("Line", "P")
    assert names("Line = Class.new(Base) do\n  def go = fork\nend", "Line.go") == {"Kernel.fork"}


def test_lines_and_sizes_are_those_of_the_source():
    facts = parse_ruby(b"x = 1\ndef go\n  fork\nend\n").facts
    assert [(unit.name, unit.line, unit.size) for unit in facts.units] == [
        ("", 1, 7),
        ("go", 2, 17),
    ]
    assert [use.line for use in facts.units[1].uses] == [3]


def test_a_file_that_is_too_large_is_refused():
    with pytest.raises(FormatError, match="1 MiB"):
        parse_ruby(b" " * (LARGEST + 1))


@pytest.mark.parametrize(
    "source",
    [
        b"(" * 20_000,
        b"a.b" * 20_000,
        b"class A;" * 5000,
        b"[" * 20_000,
        b"if x\n" * 5000,
        b"!" * 20_000,
    ],
)
def test_deep_nesting_ends(source):
    parse_ruby(source)


WORDS = st.sampled_from(
    b'class A|def x|end|if|false|RUBY_PLATFORM|=~|/(|*+/|"#{|}|<<~X|X|`|require|__dir__|File.join|'
    b"(|)|,|'|@a|=|::|.|send|:|{|do|\xff|\x00|begin|rescue|LoadError|%w[|]|&|*|__END__|\n".split(
        b"|"
    )
)


@settings(deadline=None, max_examples=150)
@given(st.binary(max_size=200) | st.lists(WORDS, max_size=40).map(b" ".join))
def test_any_bytes_give_facts(data):
    facts = parse_ruby(data).facts
    assert facts.units[0].name == ""
    assert all(unit.size >= 0 for unit in facts.units)
