"""The machine below: memory at addresses, as numba has no word for it.

Arrays passed down a recursion cost twenty times as much as addresses do, since each
call counts references. So kernels are given addresses, and whoever calls them sees to
it that the memory lives, and that no address leaves it.

Kernels may take many arguments, where other code would pass an object; compare with a
number, or with several in a row, where `in` would be compiled as a loop.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias, TypeVar, cast

from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types
from numba.extending import intrinsic

F = TypeVar("F", bound=Callable[..., Any])

Word: TypeAlias = Any
"""A number of 64 bits, an address for one; Python's in name, the machine's in fact."""


def _digest() -> str:
    """Digest of the kernels' sources."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"\0".join(f.read_bytes() for f in files)).hexdigest()[:16]


_SOURCES = _digest()


def compiled(signature: str, *, inline: bool = False) -> Callable[[F], F]:
    """Compile a function for this signature, without the GIL, and keep the result.

    numba looks only at the file of a function for what has changed. So what it keeps is
    named after all of the kernels' sources, since these are compiled into one another.
    """
    how: dict[str, Any] = {"nogil": True, "inline": "always" if inline else "never"}

    def compile_now(function: F) -> F:
        function.__qualname__ = f"{_SOURCES}.{function.__name__}"
        try:
            return cast("F", njit(signature, cache=True, **how)(function))
        except OSError:  # no room for what is compiled
            pass
        except RuntimeError as error:
            if "no locator" not in str(error):
                raise
        return cast("F", njit(signature, **how)(function))

    return compile_now


def helper(function: F) -> F:
    """Have a function compiled as a part of the kernels that call it."""
    return cast("F", njit(nogil=True)(function))


def _loader(bits: int, result: Any) -> Any:
    def load(_: Any, __: Any) -> Any:
        def generate(_: Any, builder: Any, __: Any, arguments: Any) -> Any:
            pointer = builder.inttoptr(arguments[0], ir.IntType(bits).as_pointer())
            value = builder.load(pointer)
            value.align = 1
            return value

        return result(types.int64), generate

    return intrinsic(load)


def _storer(bits: int, operand: Any) -> Any:
    def store(_: Any, __: Any, ___: Any) -> Any:
        def generate(context: Any, builder: Any, _: Any, arguments: Any) -> Any:
            pointer = builder.inttoptr(arguments[0], ir.IntType(bits).as_pointer())
            builder.store(arguments[1], pointer).align = 1
            return context.get_dummy_value()

        return types.void(types.int64, operand), generate

    return intrinsic(store)


load_i8 = _loader(8, types.int8)
load_u8 = _loader(8, types.uint8)
load_i16 = _loader(16, types.int16)
load_u16 = _loader(16, types.uint16)
load_i32 = _loader(32, types.int32)
load_u32 = _loader(32, types.uint32)
load_i64 = _loader(64, types.int64)
store_u8 = _storer(8, types.uint8)
store_i32 = _storer(32, types.int32)
store_i64 = _storer(64, types.int64)


def _copy(_: Any, __: Any, ___: Any, ____: Any) -> Any:
    def generate(context: Any, builder: Any, _: Any, arguments: Any) -> Any:
        pointer = ir.IntType(8).as_pointer()
        memcpy = builder.module.declare_intrinsic(
            "llvm.memcpy", [pointer, pointer, ir.IntType(64)]
        )
        to, source = (builder.inttoptr(a, pointer) for a in arguments[:2])
        volatile = ir.Constant(ir.IntType(1), 0)
        builder.call(memcpy, [to, source, arguments[2], volatile])
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), generate


def _bit_length(_: Any, __: Any) -> Any:
    def generate(_: Any, builder: Any, __: Any, arguments: Any) -> Any:
        undefined_at_zero = ir.Constant(ir.IntType(1), 1)
        zeros = builder.ctlz(arguments[0], undefined_at_zero)
        return builder.sub(ir.Constant(ir.IntType(64), 64), zeros)

    return types.int64(types.int64), generate


copy: Any = intrinsic(_copy)
"""Copy bytes: to an address, from an address, how many."""

bit_length: Any = intrinsic(_bit_length)
"""Count the bits of a number that is not 0, taken as unsigned."""
