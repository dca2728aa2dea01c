"""Random schemas, values of them, and what may become of values on their way."""

from random import Random
from typing import Any

__all__ = ["damage", "random_schema", "random_value"]

PRIMITIVES = ("null", "boolean", "int", "long", "float", "double", "bytes", "string")

LOGICAL = {
    "int": ("date", "time-millis", "unheard-of"),
    "long": (
        "timestamp-millis",
        "timestamp-micros",
        "timestamp-nanos",
        "local-timestamp-millis",
        "local-timestamp-micros",
        "local-timestamp-nanos",
        "time-micros",
    ),
    "string": ("uuid",),
}

TEXTS = ("", "a", "ZTF23ablepgb", "é", "日本語", "🔭", "\0", "x" * 40, "ß" * 30)

EDGES = (
    *(0, 1, -1, 63, -64, 64, 127, 8192, 65_536, 65_537),
    *(2**31 - 1, 2**31, -(2**31), -(2**31) - 1),
    *(2**60, 2**62, 2**63 - 1, -(2**63)),
)


def random_schema(random: Random, depth: int = 3) -> dict[str, Any]:
    """Make the schema of a record."""
    return _Schemas(random).record(depth)


class _Schemas:
    def __init__(self, random: Random) -> None:
        self._random = random
        self._count = 0
        self._named: list[str] = []

    def record(self, depth: int) -> dict[str, Any]:
        """Make a record of up to six fields."""
        name = self._name("Record")
        names = [f"f{i}" for i in range(self._random.randint(0, 6))]
        fields = [{"name": n, "type": self._any(depth - 1)} for n in names]
        self._named.append(name)
        return {"type": "record", "name": name, "fields": fields}

    def _name(self, kind: str) -> str:
        self._count += 1
        return f"space.{kind}{self._count}"

    def _any(self, depth: int) -> Any:
        inner = self._type(depth)
        if inner == "null":
            return inner
        unions: list[Any] = [inner, [inner], ["null", inner], [inner, "null"]]
        return self._random.choices(unions, weights=(4, 1, 4, 4))[0]

    def _type(self, depth: int) -> Any:
        choice = self._random.random()
        if depth > 0 and choice < 0.5:
            return self._compound(depth)
        if self._named and choice < 0.55:
            return self._random.choice(self._named)
        if choice < 0.65:
            return self._enum_or_fixed()
        if choice < 0.72:
            return {"type": "bytes", **self._decimal()}
        kind = self._random.choice(PRIMITIVES)
        if kind in LOGICAL and self._random.random() < 0.4:
            return {"type": kind, "logicalType": self._random.choice(LOGICAL[kind])}
        return kind

    def _compound(self, depth: int) -> Any:
        kind = self._random.choice(("record", "array", "map"))
        if kind == "record":
            return self.record(depth)
        inside = "items" if kind == "array" else "values"
        return {"type": kind, inside: self._any(depth - 1)}

    def _enum_or_fixed(self) -> Any:
        found: dict[str, Any] = {"name": self._name("Named")}
        if self._random.random() < 0.4:
            symbols = [f"S{i}" for i in range(self._random.randint(1, 70))]
            found |= {"type": "enum", "symbols": symbols}
        else:
            size = self._random.choice((0, 1, 2, 4, 7, 16, 20))
            found |= {"type": "fixed", "size": size}
            if size and self._random.random() < 0.4:
                most = len(str(2 ** (8 * size - 1) - 1)) - 1
                found |= self._decimal(most)
        self._named.append(found["name"])
        return found

    def _decimal(self, most: int = 50) -> dict[str, Any]:
        digits = self._random.randint(1, max(most, 1))
        scale = self._random.randint(0, digits)
        return {"logicalType": "decimal", "precision": digits, "scale": scale}


def random_value(random: Random, schema: Any) -> bytes:
    """Write a value of a schema in one of the many ways in which that can be done."""
    found = bytearray()
    _Values(random).write(found, schema)
    return bytes(found)


class _Values:
    def __init__(self, random: Random) -> None:
        self._random = random
        self._named: dict[str, Any] = {}
        self._items = 60

    def write(self, to: bytearray, schema: Any) -> None:
        """Append a value."""
        if isinstance(schema, list):
            branch = self._random.randrange(len(schema))
            self._number(to, branch)
            self.write(to, schema[branch])
            return
        kind = schema if isinstance(schema, str) else schema["type"]
        if kind in self._named:
            self.write(to, self._named[kind])
            return
        if isinstance(schema, dict) and "name" in schema:
            self._learn(schema)
        getattr(self, f"_{kind}")(to, schema)

    def _learn(self, schema: Any) -> None:
        """Remember the types that a type names, also those no value is written of."""
        if isinstance(schema, list):
            for branch in schema:
                self._learn(branch)
        if not isinstance(schema, dict):
            return
        if "name" in schema:
            self._named[schema["name"]] = schema
        for field in schema.get("fields", ()):
            self._learn(field["type"])
        self._learn(schema.get("items", schema.get("values")))

    def _number(self, to: bytearray, number: int) -> None:
        rest = (number << 1) ^ (number >> 63)
        start = len(to)
        while rest > 127:
            to.append(rest & 127 | 128)
            rest >>= 7
        to.append(rest)
        spare = 9 - (len(to) - start)
        if spare >= 0 and self._random.random() < 0.01:  # longer than need be
            to[-1] |= 128
            to.extend(b"\x80" * self._random.randint(0, spare))
            to.append(0)

    def _null(self, to: bytearray, schema: Any) -> None:
        pass

    def _boolean(self, to: bytearray, _: Any) -> None:
        to.append(self._random.choice((0, 1, 1, 2)))

    def _int(self, to: bytearray, _: Any) -> None:
        edges = [edge for edge in EDGES if -(2**31) <= edge < 2**31]
        self._number(to, self._random.choice(edges))

    def _long(self, to: bytearray, _: Any) -> None:
        self._number(to, self._random.choice(EDGES))

    def _float(self, to: bytearray, _: Any) -> None:
        to += self._random.randbytes(4)

    def _double(self, to: bytearray, _: Any) -> None:
        to += self._random.randbytes(8)

    def _bytes(self, to: bytearray, schema: Any) -> None:
        if isinstance(schema, dict) and "precision" in schema:
            raw = self._digits(schema["precision"], self._random.choice((0, 3)))
        else:
            raw = self._random.randbytes(self._random.choice((0, 1, 5, 8, 100)))
        self._number(to, len(raw))
        to += raw

    def _digits(self, precision: int, more: int) -> bytes:
        number = self._random.randrange(-(10**precision) + 1, 10**precision)
        size = (number.bit_length() + 8) // 8 + more
        return number.to_bytes(size, "big", signed=True)

    def _string(self, to: bytearray, _: Any) -> None:
        raw = self._random.choice(TEXTS).encode()
        self._number(to, len(raw))
        to += raw

    def _fixed(self, to: bytearray, schema: Any) -> None:
        size = schema["size"]
        if "precision" in schema:
            number = int.from_bytes(
                self._digits(schema["precision"], 0), "big", signed=True
            )
            to += number.to_bytes(size, "big", signed=True)
        else:
            to += self._random.randbytes(size)

    def _enum(self, to: bytearray, schema: Any) -> None:
        self._number(to, self._random.randrange(len(schema["symbols"])))

    def _record(self, to: bytearray, schema: Any) -> None:
        for field in schema["fields"]:
            self.write(to, field["type"])

    def _array(self, to: bytearray, schema: Any) -> None:
        self._blocks(to, lambda block: self.write(block, schema["items"]))

    def _map(self, to: bytearray, schema: Any) -> None:
        def write(block: bytearray) -> None:
            self._string(block, None)
            self.write(block, schema["values"])

        self._blocks(to, write)

    def _blocks(self, to: bytearray, write: Any) -> None:
        for _ in range(self._random.choice((0, 1, 1, 1, 2, 3))):
            count = min(self._random.choice((1, 2, 3, 17)), self._items)
            self._items -= count
            if not count:
                break
            block = bytearray()
            for _ in range(count):
                write(block)
            if self._random.random() < 0.3:
                self._number(to, -count)
                self._number(to, len(block))
            else:
                self._number(to, count)
            to += block
        to.append(0)


def damage(random: Random, value: bytes) -> bytes:
    """Do to a value what networks, disks and enemies do; sometimes nothing."""
    found = bytearray(value)
    at = random.randint(0, len(found))
    match random.randrange(12):
        case 0 | 1:
            del found[at:]
        case 2 | 3 if found:
            found[at - 1] ^= 1 << random.randrange(8)
        case 4 if found:
            found[at - 1] = random.choice((0, 1, 2, 3, 127, 128, 255))
        case 5:
            found[at:at] = random.randbytes(random.randint(1, 9))
        case 6:
            del found[at : at + random.randint(1, 9)]
        case 7:
            found[at : at + 1] = _number(random)
        case 8:
            found = bytearray(random.randbytes(random.randint(0, 40)))
        case 9:
            found[at:at] = found[: random.randint(0, 20)]
    return bytes(found)


def _number(random: Random) -> bytes:
    """Write a number that does harm as a length, a count, a branch or an int."""
    number = random.choice((*EDGES, random.getrandbits(64) - 2**63))
    rest = ((number << 1) ^ (number >> 63)) + random.choice((0, 0, 0, 2**64))
    found = bytearray()
    while rest > 127:
        found.append(rest & 127 | 128)
        rest >>= 7
    found.append(rest)
    return bytes(found)
