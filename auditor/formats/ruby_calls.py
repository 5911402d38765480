"""What calls in Ruby source use: what they load, what they name, and what run time decides."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from auditor.formats.ruby_declared import Declared
from auditor.formats.ruby_scope import (
    HERE,
    Scope,
    arguments_of,
    constant_of,
    literal,
    plain_path,
    underscored,
)
from auditor.formats.scripting_tree import Node, Tree, child
from auditor.model.source import Unit, Use, UseKind

__all__ = ["Call", "Calls", "Draft", "Place"]

_KERNEL = frozenset(
    {
        *("`", "abort", "at_exit", "binding", "caller", "exec", "exit"),
        *("exit!", "fork", "gets", "load", "open", "p", "print"),
        *("printf", "putc", "puts", "rand", "readline", "readlines", "require"),
        *("require_relative", "select", "set_trace_func", "sleep", "spawn", "srand", "syscall"),
        *("system", "test", "trace_var", "trap", "warn", "eval", "autoload"),
    }
)
"""Methods of Kernel that every object has: https://docs.ruby-lang.org/en/3.3/Kernel.html."""
_LOADERS = frozenset({"require", "load", "require_relative"})
_EVALUATORS = frozenset({"eval", "instance_eval", "class_eval", "module_eval"})
_SENDERS = frozenset({"send", "public_send", "__send__"})
_NAMERS = frozenset({"method", "instance_method", "public_method"})
_LOAD_PATHS = frozenset({"$LOAD_PATH", "$:", "$-I"})
_GEM_PROGRAMS = frozenset({"bin_path", "activate_bin_path"})
_OPEN_CONSTANTS = frozenset({"Object", "Kernel", "Process", "IO"})
_WORLD = frozenset({"Object", "Kernel", "Module"})


@dataclass(slots=True)
class Draft:
    """A unit while it is read."""

    name: str
    line: int
    size: int
    uses: dict[Use, None] = field(default_factory=dict)
    is_class: bool = False

    def add(
        self, kind: UseKind, name: str, node: Node, *, called: bool = False, guarded: bool = False
    ) -> None:
        """Note a use."""
        line = node.start_point.row + 1
        self.uses[Use(kind, name, line, called=called, guarded=guarded)] = None

    def unit(self) -> Unit:
        """The unit."""
        return Unit(self.name, self.line, max(self.size, 0), tuple(self.uses), self.is_class)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a piece of source stands."""

    draft: Draft
    nesting: str
    """Full name of the class or module around."""
    scope: Scope
    method: str = ""
    guarded: bool = False
    of_class: Draft | None = None
    class_body: bool = False

    def within(self, scope: Scope) -> Place:
        """The same with another scope."""
        return replace(self, scope=scope)


@dataclass(frozen=True, slots=True)
class Call:
    """One call, taken apart."""

    node: Node
    receiver: Node | None
    constant: str | None
    """Of a receiver that is a constant as written: its name."""
    method: str
    arguments: tuple[Node, ...]
    block: Node | None

    @classmethod
    def of(cls, tree: Tree, node: Node) -> Call:
        """Take a call apart; what is no call has no method."""
        receiver, method = child(node, "receiver"), child(node, "method")
        return cls(
            node,
            receiver,
            constant_of(tree, receiver),
            tree.text(method) if method is not None else "call" if receiver is not None else "",
            tuple(arguments_of(node)),
            child(node, "block"),
        )


@dataclass(slots=True)
class Calls:
    """Reads the calls of one file."""

    tree: Tree
    declared: Declared
    load_path: dict[str, None] = field(default_factory=dict)
    autoloads: dict[str, None] = field(default_factory=dict)

    def bare(self, node: Node, place: Place) -> None:
        """A word alone: a variable, or a call without arguments."""
        name = self.tree.text(node)
        if place.scope.find(name) is None and name not in {"__dir__", "__FILE__"}:
            self._implicit(name, node, place, called=True)

    def _implicit(self, name: str, node: Node, place: Place, *, called: bool) -> None:
        """A call on ``self``."""
        own = f"{place.nesting}.{name}" if place.nesting else name
        if own in self.declared.methods:
            place.draft.add(UseKind.LOCAL, own, node, called=called)
        elif name in self.declared.methods:
            place.draft.add(UseKind.LOCAL, name, node, called=called)
        elif name in _KERNEL:
            place.draft.add(UseKind.NAME, f"Kernel.{name}", node, called=called)
        else:
            place.draft.add(UseKind.LOCAL, own, node, called=called)

    def alias(self, node: Node, place: Place) -> None:
        """``alias run system``."""
        old = child(node, "alias")
        if old is not None:
            self._implicit(self.tree.text(old).removeprefix(":"), node, place, called=False)

    def parent(self, node: Node, place: Place) -> None:
        """``super``: the same method of what the class is derived from."""
        for base in self.declared.ancestors.get(place.nesting, ()):
            if place.method:
                place.draft.add(UseKind.NAME, f"{base}.{place.method}", node, called=True)

    def defines(self, call: Call) -> str | None:
        """The name of a method that a call defines by its block."""
        if call.method not in {"define_method", "define_singleton_method"} or not call.arguments:
            return None
        if call.receiver is not None and call.receiver.type != "self":
            return None
        return literal(self.tree, call.arguments[0]) or None

    def read(self, call: Call, place: Place) -> list[Node]:
        """Note what a call uses; gives the nodes that are still to be read."""
        settled = self._special(call, place)
        node = call.node
        if not settled:
            self._plain(call, place)
        rest = [part for part in (child(node, "arguments"), call.block) if part is not None]
        receiver = call.receiver
        if receiver is not None and receiver.type != "self" and call.constant is None:
            rest.insert(0, receiver)
        return rest

    def _plain(self, call: Call, place: Place) -> None:
        if call.receiver is None or call.receiver.type == "self":
            if call.node.named_children and call.method == "super":
                self.parent(call.node, place)
            elif call.method:
                self._implicit(call.method, call.node, place, called=True)
            if call.method in {"include", "extend", "prepend"} and place.class_body:
                self._mix(call, place)
            return
        base = place.scope.value(call.receiver)
        if base.constant:
            name = f"{base.constant}.{call.method}"
            place.draft.add(UseKind.NAME, name, call.node, called=True)
        else:
            place.draft.add(UseKind.MEMBER, call.method, call.node, called=True)

    def _mix(self, call: Call, place: Place) -> None:
        """What is mixed in lives as long as the class does."""
        for argument in call.arguments:
            name = constant_of(self.tree, argument)
            if name is not None and place.of_class is not None:
                place.of_class.add(UseKind.NAME, name, argument, called=True)

    def _special(self, call: Call, place: Place) -> bool:  # noqa: PLR0911 - one case each
        """Calls whose arguments say what is used; False for all others."""
        bare = call.receiver is None or call.receiver.type == "self" or call.constant == "Kernel"
        if call.receiver is not None and call.receiver.type == "global_variable":
            return self._load_path(call, place)
        if call.method in _LOADERS and bare and call.arguments:
            return self._load(call, place)
        if call.method == "autoload" and call.arguments:
            return self._autoload(call, place)
        if call.constant == "Bundler" and call.method == "require":
            place.draft.add(UseKind.IMPORT, "bundler", call.node, guarded=place.guarded)
            return True
        if call.method in _EVALUATORS and call.arguments:
            return self._evaluated(call, place)
        if call.method in {*_SENDERS, *_NAMERS} and call.arguments:
            return self._sent(call, place)
        if call.method == "const_get" and call.arguments:
            return self._constant(call, place)
        return False

    def _autoload(self, call: Call, place: Place) -> bool:
        """The file is loaded once the constant is used, wherever that is."""
        texts: tuple[str, ...] = ()
        if len(call.arguments) > 1:
            texts = place.scope.texts(call.arguments[1])
        elif (name := literal(self.tree, call.arguments[0])) is not None:
            # ActiveSupport::Autoload: the path follows from the name.
            texts = (underscored(f"{place.nesting}::{name}" if place.nesting else name),)
        self.autoloads |= dict.fromkeys(_loading("require", text) for text in texts)
        return True

    def _load_path(self, call: Call, place: Place) -> bool:
        assert call.receiver is not None  # noqa: S101 - the caller has looked
        if self.tree.text(call.receiver) not in _LOAD_PATHS:
            return False
        if call.method in {"unshift", "push", "append", "prepend", "<<", "insert"}:
            for argument in call.arguments:
                self.load_path |= dict.fromkeys(place.scope.texts(argument))
        return True

    def _load(self, call: Call, place: Place) -> bool:
        inner = Call.of(self.tree, call.arguments[0])
        if inner.constant == "Gem" and inner.method in _GEM_PROGRAMS:
            names = [literal(self.tree, item) for item in inner.arguments[:2]]
            if len(names) == 2 and all(names):  # noqa: PLR2004 - a gem and its program
                name = f"gem-bin {names[0]} {names[1]}"
                place.draft.add(UseKind.IMPORT, name, call.node, guarded=place.guarded)
                return True
        self._imports(call.method, call.arguments[0], call, place)
        return True

    def _imports(self, how: str, what: Node, call: Call, place: Place) -> None:
        found = [text for text in place.scope.texts(what) if plain_path(text)]
        for text in found:
            name = _loading(how, text)
            place.draft.add(UseKind.IMPORT, name, call.node, guarded=place.guarded)
        if not found and not place.guarded:
            place.draft.add(UseKind.DYNAMIC, self.tree.shown(call.node), call.node)

    def _evaluated(self, call: Call, place: Place) -> bool:
        """Text that is run as Ruby. A block is read where it stands."""
        if call.method == "eval" and call.receiver is not None and call.constant is None:
            # Of a binding; whatever else has a method of that name is no evaluator.
            text = self.tree.text(call.receiver)
            if text not in {"binding", "TOPLEVEL_BINDING"}:
                return False
        if call.arguments[0].type != "block_argument":
            place.draft.add(UseKind.DYNAMIC, self.tree.shown(call.node), call.node)
        return True

    def _sent(self, call: Call, place: Place) -> bool:
        """A method by its name. A computed one of an object is no more than a member."""
        name = literal(self.tree, call.arguments[0])
        if name is None:
            if call.constant in _OPEN_CONSTANTS and call.method in _SENDERS:
                place.draft.add(UseKind.DYNAMIC, self.tree.shown(call.node), call.node)
            return True
        called = call.method in _SENDERS
        if call.receiver is None or call.receiver.type == "self":
            self._implicit(name, call.node, place, called=called)
            return True
        base = place.scope.value(call.receiver).constant
        kind = UseKind.NAME if base else UseKind.MEMBER
        place.draft.add(kind, f"{base}.{name}" if base else name, call.node, called=called)
        return True

    def _constant(self, call: Call, place: Place) -> bool:
        name = literal(self.tree, call.arguments[0])
        base = call.constant
        if name is not None:
            whole = name if base in {None, *_WORLD} else f"{base}::{name}"
            place.draft.add(UseKind.NAME, whole, call.node, called=True)
        elif base in _WORLD:
            place.draft.add(UseKind.DYNAMIC, self.tree.shown(call.node), call.node)
        return True


def _loading(how: str, text: str) -> str:
    """A loading expression by its text; a path from the file's own folder is relative."""
    if text.startswith(f"{HERE}/"):
        return f"require_relative {text.removeprefix(f'{HERE}/')}"
    return f"{how} {text}"
