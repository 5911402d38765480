"""Which branches of Python source a Linux container never takes, and which imports may fail."""

from __future__ import annotations

import ast
from dataclasses import dataclass

__all__ = ["Conditions", "is_guard"]

_PLATFORM = "linux"
_GUARDS = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})
_VALUES = {"sys.platform": _PLATFORM, "os.name": "posix", "platform.system()": "Linux"}


@dataclass(frozen=True, slots=True)
class Conditions:
    """What is known of the place where the source runs."""

    main: bool
    """Whether it runs as ``__main__``."""
    version: tuple[int, int] | None
    """Of the interpreter, where known."""

    def value(self, test: ast.expr) -> bool | None:
        """The truth of a condition; ``None`` where run time decides."""
        match test:
            case ast.Constant(value=value):
                return bool(value)
            case ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"):
                return False
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                inner = self.value(operand)
                return None if inner is None else not inner
            case ast.BoolOp(op=op, values=values):
                return self._both([self.value(value) for value in values], op)
        return self._asked(test)

    def _asked(self, test: ast.expr) -> bool | None:
        """A comparison with what is known of the platform."""
        match test:
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return self._compared(left, op, right)
            case ast.Call(func=ast.Attribute(value=value, attr="startswith"), args=[argument]):
                known, prefix = _VALUES.get(_dotted(value)), _constant(argument)
                prefixes = prefix if isinstance(prefix, tuple) else (prefix,)
                texts = tuple(item for item in prefixes if isinstance(item, str))
                if known is not None and texts:
                    return known.startswith(texts)
        return None

    @staticmethod
    def _both(values: list[bool | None], op: ast.boolop) -> bool | None:
        decisive = isinstance(op, ast.Or)
        if decisive in values:
            return decisive
        return None if None in values else not decisive

    def _compared(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> bool | None:
        name, value = _dotted(left), _constant(right)
        if name == "__name__" and isinstance(value, str):
            known: object = "__main__" if self.main else None
            if known is None:
                return _equal(op, same=False) if value == "__main__" else None
            return _equal(op, same=known == value)
        if name in _VALUES:
            return _held(_VALUES[name], op, value)
        if name.startswith("sys.version_info") and self.version is not None:
            return self._version(name, op, value)
        return None

    def _version(self, name: str, op: ast.cmpop, value: object) -> bool | None:
        assert self.version is not None  # noqa: S101 - the caller has looked
        if name == "sys.version_info" and isinstance(value, tuple) and value:
            if not all(isinstance(part, int) for part in value):
                return None
            # A micro version is taken as the newest.
            return _ordered((*self.version, 99), op, value)
        if name == "sys.version_info[0]" and isinstance(value, int):
            return _ordered((self.version[0],), op, (value,))
        return None


def is_guard(caught: ast.expr | None) -> bool:
    """Whether catching this lets the program go on where a module is missing."""
    kinds = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(kind is None or _dotted(kind).rpartition(".")[2] in _GUARDS for kind in kinds)


def _equal(op: ast.cmpop, *, same: bool) -> bool | None:
    match op:
        case ast.Eq() | ast.Is():
            return same
        case ast.NotEq() | ast.IsNot():
            return not same
    return None


def _held(known: str, op: ast.cmpop, value: object) -> bool | None:
    match op, value:
        case ((ast.Eq() | ast.NotEq()), str()):
            return _equal(op, same=known == value)
        case ast.In(), tuple() | str():
            return known in value
        case ast.NotIn(), tuple() | str():
            return known not in value
    return None


def _ordered(left: tuple[int, ...], op: ast.cmpop, right: tuple[int, ...]) -> bool | None:
    """Versions compared as tuples; what the right side leaves out does not count."""
    short = left[: len(right)]
    answers: dict[type[ast.cmpop], bool] = {
        ast.GtE: left >= right,
        ast.Gt: left > right,
        ast.LtE: short <= right,
        ast.Lt: short < right,
        ast.Eq: short == right,
        ast.NotEq: short != right,
    }
    return answers.get(type(op))


def _constant(node: ast.expr) -> object:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Tuple(elts=elts) | ast.List(elts=elts) | ast.Set(elts=elts):
            return tuple(_constant(item) for item in elts)
    return None


def _dotted(node: ast.expr) -> str:
    """``sys.platform``, ``platform.system()``, ``sys.version_info[0]``; empty for all else."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=ast.Name(id=base), attr=attr):
            return f"{base}.{attr}"
        case ast.Call(func=func, args=[], keywords=[]):
            return f"{_dotted(func)}()"
        case ast.Subscript(value=value, slice=ast.Constant(value=int(index))):
            return f"{_dotted(value)}[{index}]"
    return ""
