"""Ruby applications in small trees: what is started, where names lead, and what is asked for."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor.applications import Certainty, Context
from auditor.applications.follow import follow
from auditor.applications.ruby import make
from auditor.applications.ruby.load_path import glob_files
from auditor.model.inventory import Unknown
from auditor.tables.load import load

BINSTUB = "#!/usr/bin/ruby\nrequire 'rubygems'\nload Gem.activate_bin_path('{0}', '{1}', version)\n"
GEMS = "/var/lib/gems/3.1.0"
TABLES = load()
STANDARD = {"/usr/lib/ruby/3.1.0/json.rb": "", "/usr/lib/ruby/3.1.0/socket.rb": ""}
PUMA = {
    "/usr/local/bin/puma": BINSTUB.format("puma", "puma"),
    f"{GEMS}/gems/puma-6.4.0/bin/puma": "require 'puma/cli'\nPuma::CLI.new(ARGV).run\n",
    f"{GEMS}/gems/puma-6.4.0/lib/puma/cli.rb": (
        "module Puma\n class CLI\n  def run = fork\n end\nend\nSignal.trap('USR2') { fork }\n"
    ),
}


@pytest.fixture
def run(root_of):
    """Follow one command line over a tree; gives the start and what was found."""

    def go(tree, *words, working_dir="/app", **variables):
        environment = {"PATH": "/usr/local/bin:/usr/bin", **variables}
        context = Context(root_of({**STANDARD, **tree}), environment, working_dir, TABLES)
        language = make(context)
        start = language.start(words)
        return start, follow(language, start, TABLES.apis["ruby"])

    return go


def asked(found, *certainties):
    wanted = certainties or tuple(Certainty)
    return {
        (one.api.capability, one.name) for one in found.asked.values() if one.certainty in wanted
    }


def capabilities(found, *certainties):
    return {capability for capability, _ in asked(found, *certainties)}


def test_a_script_is_followed_through_its_own_files(run):
    tree = {
        "/app/app.rb": "require_relative 'lib/job'\nrequire './lib/other'\nJob.new.go\n",
        "/app/lib/job.rb": "class Job\n  def go = Process.fork { }\nend\n",
        "/app/lib/other.rb": "TCPSocket.new('h', 1)\n",
    }
    start, found = run(tree, "ruby", "app.rb")
    assert start.modules == ("/app/app.rb",)
    assert asked(found, Certainty.SURE) == {
        ("process.fork", "Process.fork"),
        ("net.tcp.connect", "TCPSocket.new"),
    }
    assert not found.unknowns


def test_a_gem_counts_only_by_what_is_called_of_it(run):
    tree = {
        "/app/app.rb": "require 'tool'\nTool.use\n",
        f"{GEMS}/gems/tool-1.0.0/lib/tool.rb": (
            "module Tool\n  def self.use = Thread.new { }\n  def self.unused = fork\nend\n"
        ),
    }
    _, found = run(tree, "ruby", "app.rb")
    assert capabilities(found) == {"thread.create"}


def test_an_application_in_usr_src_is_ones_own(run):
    tree = {"/usr/src/app/app.rb": "def never_called = fork\n"}
    _, found = run(tree, "ruby", "app.rb", working_dir="/usr/src/app")
    assert asked(found, Certainty.SURE) == {("process.fork", "Kernel.fork")}


def test_a_vendored_copy_is_a_package_too(run):
    tree = {
        "/app/app.rb": "require_relative 'vendor/tool/lib/tool'\n",
        "/app/vendor/tool/lib/tool.rb": "module Tool\n  def self.unused = fork\nend\n",
    }
    _, found = run(tree, "ruby", "app.rb")
    assert capabilities(found) == set()
    assert not found.modules["/app/vendor/tool/lib/tool.rb"].own


def test_puma_runs_config_ru_and_falls_away(run):
    tree = {
        **PUMA,
        "/app/config.ru": "require_relative 'app'\nrun Shop\n",
        "/app/app.rb": "class Shop\n  def self.call(env) = IO.popen('ls')\nend\n",
    }
    words = ("/usr/bin/ruby", "/usr/local/bin/puma", "-C", "config/puma.rb", "-p", "80")
    start, found = run(tree, *words)
    assert start.modules == ("/app/config.ru",)
    assert [(one.launcher, one.capability) for one in start.served] == [("Puma", "net.http.serve")]
    assert asked(found) == {("process.spawn", "IO.popen")}


def test_a_launcher_is_known_by_what_it_loads_not_by_its_name(run):
    tree = {**PUMA, "/srv/serve": PUMA["/usr/local/bin/puma"], "/app/web.ru": "fork\n"}
    start, _ = run(tree, "ruby", "/srv/serve", "web.ru")
    assert start.modules == ("/app/web.ru",)
    start, _ = run({"/app/puma": "fork\n"}, "ruby", "puma")
    assert (start.modules, start.served) == (("/app/puma",), ())


def test_bundle_exec_hands_over(run):
    tree = {"/usr/local/bin/bundle": "#!/usr/bin/ruby\nrequire 'bundler/friendly_errors'\n"}
    start, _ = run(tree, "ruby", "/usr/local/bin/bundle", "exec", "puma", "-p", "8 0")
    assert start.commands == ("puma -p '8 0'",)


def test_a_launcher_without_its_application_is_a_problem(run):
    start, _ = run(PUMA, "ruby", "/usr/local/bin/puma")
    assert start.problem == "Puma finds no config.ru and no config/environment.rb in /app"


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("ruby", "-e", "fork"), "the program stands on the command line of ruby (-e)"),
        (("ruby",), "ruby is not told which script to run"),
        (("ruby", None), "the script that ruby is told to run depends on run time"),
        (("ruby", "away.rb"), "ruby is told to run /app/away.rb, which is not in the image"),
    ],
)
def test_what_cannot_be_told_is_said(run, words, problem):
    start, found = run({}, *words)
    assert start.problem == problem
    assert found.modules == {}


def test_options_of_ruby_are_understood(run):
    tree = {
        "/app/lib/tool.rb": "fork\n",
        "/srv/main.rb": "require 'tool'\nThread.new { }\n",
    }
    start, found = run(tree, "ruby", "-w", "-I/app/lib", "-rtool", "-C", "/srv", "main.rb", "-x")
    assert start.modules == ("/srv/main.rb", "/app/lib/tool.rb")
    assert capabilities(found) == {"process.fork", "thread.create"}


def test_the_load_path_that_the_application_sets_is_used(run):
    tree = {
        "/app/bin/go.rb": "$:.unshift File.expand_path('../lib', __dir__)\nrequire 'shop/cart'\n",
        "/app/lib/shop/cart.rb": "fork\n",
    }
    _, found = run(tree, "ruby", "bin/go.rb")
    assert capabilities(found) == {"process.fork"}


def test_constants_lead_to_whoever_defines_them_among_the_loaded_files(run):
    tree = {
        "/app/app.rb": "require 'net_tool'\nmodule App\n  Wire = NetTool::Wire\n  Wire.open\nend\n",
        f"{GEMS}/gems/net_tool-1/lib/net_tool.rb": "require 'net_tool/wire'\n",
        f"{GEMS}/gems/net_tool-1/lib/net_tool/wire.rb": (
            "module NetTool\n  class Wire\n    def self.open = TCPSocket.new('h', 1)\n  end\nend\n"
        ),
    }
    _, found = run(tree, "ruby", "app.rb")
    assert asked(found, Certainty.SURE) == {("net.tcp.connect", "TCPSocket.new")}


def test_a_class_of_ones_own_is_not_the_one_of_the_library(run):
    source = "module Shop\n  class TCPServer\n  end\n  TCPServer.new\nend\n"
    _, found = run({"/app/app.rb": source}, "ruby", "app.rb")
    assert capabilities(found) == set()


def test_what_a_class_is_derived_from_tells_what_it_asks_for(run):
    source = "class Line < TCPServer\nend\nLine.new('h', 1)\n"
    _, found = run({"/app/app.rb": source}, "ruby", "app.rb")
    assert asked(found) == {("net.tcp.listen", "TCPServer.new")}


def test_a_method_of_a_superclass_elsewhere_hides_the_one_of_kernel(run):
    tree = {
        "/app/app.rb": "require 'store'\nclass Notes < Store\n  def all = exec('SELECT 1')\nend\n",
        f"{GEMS}/gems/store-1/lib/store.rb": "class Store\n  def exec(sql) = sql\nend\n",
    }
    _, found = run(tree, "ruby", "app.rb")
    assert capabilities(found) == set()


def test_an_autoloaded_file_is_loaded_once_its_constant_is_used(run):
    lib = f"{GEMS}/gems/tool-1/lib"
    tree = {
        f"{lib}/tool.rb": "module Tool\n autoload :A, 'tool/a'\n autoload :B, 'tool/b'\nend\n",
        f"{lib}/tool/a.rb": "module Tool\n  module A\n    Thread.new { }\n  end\nend\n",
        f"{lib}/tool/b.rb": "module Tool\n  module B\n    fork\n  end\nend\n",
        "/app/app.rb": "require 'tool'\nTool::A.go\n",
    }
    _, found = run(tree, "ruby", "app.rb")
    assert capabilities(found) == {"thread.create"}


def test_files_named_after_their_constants_are_found_where_zeitwerk_is_at_work(run):
    lib = f"{GEMS}/gems/tool-1/lib"
    tree = {
        f"{GEMS}/gems/zeitwerk-2/lib/zeitwerk.rb": "module Zeitwerk\n  class Loader\n  end\nend\n",
        f"{lib}/tool.rb": "require 'zeitwerk'\nmodule Tool\n  def self.go = HTTPWire.new\nend\n",
        f"{lib}/tool/http_wire.rb": "class Tool::HTTPWire\n  def initialize = fork\nend\n",
        "/app/app.rb": "require 'tool'\nTool.go\n",
    }
    _, found = run(tree, "ruby", "app.rb")
    assert asked(found, Certainty.SURE) == {("process.fork", "Kernel.fork")}


def test_a_compiled_extension_is_an_import_of_its_library(run):
    tree = {
        "/app/app.rb": "require 'fast'\n",
        f"{GEMS}/gems/fast-1.2.3/lib/fast.rb": "require 'fast/fast'\n",
        f"{GEMS}/extensions/x86_64-linux/3.1.0/fast-1.2.3/fast/fast.so": b"\x7fELF" + bytes(60),
    }
    _, found = run(tree, "ruby", "app.rb")
    (native,) = [item for item in found.imports if item.native]
    assert native.target == f"{GEMS}/extensions/x86_64-linux/3.1.0/fast-1.2.3/fast/fast.so"


def test_bundler_require_loads_the_gems_of_the_gemfile(run):
    tree = {
        "/app/Gemfile": "gem 'tool'\ngem 'rest-client', '~> 2'\ngem 'away', require: false\n",
        "/app/app.rb": "require 'bundler/setup'\nBundler.require\n",
        f"{GEMS}/gems/tool-1/lib/tool.rb": "fork\n",
        f"{GEMS}/gems/rest-client-2.1.0/lib/rest-client.rb": "Thread.new { }\n",
        f"{GEMS}/gems/away-1/lib/away.rb": "TCPServer.new(1)\n",
        "/usr/lib/ruby/vendor_ruby/bundler/setup.rb": "",
    }
    _, found = run(tree, "ruby", "app.rb")
    assert capabilities(found) == {"process.fork", "thread.create"}


def test_the_specification_of_a_gem_says_where_its_files_are(run):
    tree = {
        "/app/app.rb": "require 'tool/map'\n",
        f"{GEMS}/specifications/tool-ruby-1.0.gemspec": 's.require_paths = ["lib/deep".freeze]\n',
        f"{GEMS}/gems/tool-ruby-1.0/lib/deep/tool/map.rb": "fork\n",
    }
    _, found = run(tree, "ruby", "app.rb")
    assert capabilities(found) == {"process.fork"}


def test_the_version_of_the_lock_file_is_taken(run):
    tree = {
        "/app/Gemfile.lock": "GEM\n  specs:\n    tool (1.0.0)\n\nDEPENDENCIES\n  tool\n",
        "/app/app.rb": "require 'tool'\n",
        f"{GEMS}/gems/tool-1.0.0/lib/tool.rb": "Thread.new { }\n",
        f"{GEMS}/gems/tool-2.0.0/lib/tool.rb": "fork\n",
    }
    _, found = run(tree, "ruby", "app.rb")
    assert capabilities(found) == {"thread.create"}


def test_a_server_of_the_application_itself_is_taken_over_by_the_host(run):
    tree = {
        "/app/app.rb": "require 'sinatra'\nget('/') { 'hi' }\n",
        f"{GEMS}/gems/sinatra-3/lib/sinatra.rb": "require 'sinatra/base'\n",
        f"{GEMS}/gems/sinatra-3/lib/sinatra/base.rb": (
            "module Sinatra\n  class Base\n    def self.run! = fork\n  end\n"
            "  class Application < Base\n  end\n  at_exit { Application.run! }\nend\n"
        ),
    }
    _, found = run(tree, "ruby", "app.rb")
    assert asked(found) == {("net.http.serve", "Sinatra::Base.run!")}


def test_rails_loads_what_lies_below_app(run):
    tree = {
        "/app/bin/rails": "require_relative '../config/boot'\nrequire 'rails/commands'\n",
        "/app/config/boot.rb": "",
        "/app/config/application.rb": "require 'rails/all'\n",
        "/app/config/environment.rb": "require_relative 'application'\n",
        "/app/app/models/note.rb": "class Note\n  def go = fork\nend\n",
        f"{GEMS}/gems/railties-7.0/lib/rails/all.rb": "module Rails\nend\n",
        f"{GEMS}/gems/railties-7.0/lib/rails/commands.rb": "TCPServer.new(1)\n",
    }
    start, found = run(tree, "ruby", "bin/rails", "server")
    assert "/app/app/models/note.rb" in start.modules
    assert [one.capability for one in start.served] == ["net.http.serve"]
    assert "process.fork" in capabilities(found)
    start, _ = run(tree, "ruby", "bin/rails", "runner")
    assert start.served == ()


def test_what_is_not_there_and_what_run_time_decides_are_unknown(run):
    source = "require 'away'\nrequire ARGV[0]\nbegin\n  require 'gone'\nrescue LoadError\nend\n"
    _, found = run({"/app/app.rb": source}, "ruby", "app.rb")
    assert {one.reason for one in found.unknowns} == {
        "line 1: require away is not in the image",
        "line 2: run time decides what this is: require ARGV[0]",
    }


def test_a_file_that_cannot_be_read_is_unknown(run):
    tree = {"/app/app.rb": "require_relative 'big'\n", "/app/big.rb": b"#" * ((1 << 20) + 1)}
    _, found = run(tree, "ruby", "app.rb")
    assert found.unknowns == {
        Unknown("/app/big.rb", "ruby", "Ruby source of more than 1 MiB is not read")
    }


def test_circles_of_ancestors_and_aliases_end(run):
    source = (
        "class A < B\nend\nclass B < A\nend\nC = D\nD = C\n"
        "A.new.go\nC.go\nC::X.go\nclass A\n  def go = other\nend\n"
    )
    _, found = run({"/app/app.rb": source}, "ruby", "app.rb")
    assert set(found.modules) == {"/app/app.rb"}


def test_patterns_name_files_as_dir_glob_does(root_of):
    rootfs = root_of({"/a/x.rb": "", "/a/b/y.rb": "", "/a/b/c/z.rb": "", "/a/n.txt": ""})
    assert glob_files(rootfs, "/a/*.rb") == ["/a/x.rb"]
    assert glob_files(rootfs, "/a/**/*.rb") == ["/a/b/c/z.rb", "/a/b/y.rb", "/a/x.rb"]
    assert glob_files(rootfs, "/a/{x,n}.*") == ["/a/n.txt", "/a/x.rb"]
    assert glob_files(rootfs, "relative/*.rb") == []


@settings(
    deadline=None,
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(words=st.lists(st.none() | st.text(max_size=8) | st.sampled_from(["-I", "-r", "-C", "-S"])))
def test_any_command_line_gives_a_start(root_of, words):
    context = Context(root_of({}), {}, "/", TABLES)
    assert make(context).start(("ruby", *words)).modules == ()
