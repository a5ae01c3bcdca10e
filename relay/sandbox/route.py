"""One operation as a value: who may call it, what it reads, what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from relay.models import Form
    from relay.sandbox.faults import Faults
    from relay.sandbox.settings import SandboxSettings
    from relay.sandbox.state import Row, State


class Role(IntEnum):
    """The ladder of a business's people and keys; each may do what those below it may."""

    VIEWER = 1
    MANAGER = 2
    ADMIN = 3
    OWNER = 4


@dataclass(slots=True)
class World:
    """What every operation can reach: the rows, the clock (Unix seconds), the dice, its own address."""

    state: State
    clock: Callable[[], float]
    dice: random.Random
    settings: SandboxSettings
    faults: Faults
    url: str = ""
    """http://127.0.0.1:PORT, without a slash at its end; empty before the start."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request that proved itself: the world it acts on and the key it came with."""

    world: World
    key: Row
    role: Role

    @property
    def state(self) -> State:
        """The rows."""
        return self.world.state

    @property
    def now(self) -> float:
        """Unix seconds of the sandbox's clock."""
        return self.world.clock()


class Query(BaseModel):
    """What may stand behind the question mark; other names are taken no notice of."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


MOST = 500
Limit = Annotated[int, Field(ge=1, le=MOST)]
Offset = Annotated[int, Field(ge=0, le=2**53)]


class Paging(Query):
    """Lists answer everything unless asked for a part; the vendor names no paging for most of them."""

    limit: Limit | None = None
    offset: Offset = 0

    def cut(self, rows: list[Row]) -> list[Row]:
        """The part that was asked for."""
        return rows[self.offset :][: self.limit]


class Shape(BaseModel):
    """A thing as the vendor writes it."""

    model_config = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list, and how many there are in all."""

    rows: list[Any]
    total: int


@dataclass(frozen=True, slots=True)
class Bytes:
    """An answer that is not JSON."""

    body: bytes
    content_type: str
    name: str


@dataclass(frozen=True, slots=True)
class Many:
    """{"data": {"<plural>": [..], "total": N}}; the handler returns a Page."""

    plural: str
    shape: type[Shape]


@dataclass(frozen=True, slots=True)
class One:
    """{"data": {"<singular>": {..}}}; the handler returns the shape."""

    singular: str
    shape: type[Shape]


@dataclass(frozen=True, slots=True)
class Bare:
    """{"data": {<fields directly>}}; the handler returns the shape."""

    shape: type[Shape]


@dataclass(frozen=True, slots=True)
class Raw:
    """Bytes of a content type; the handler returns Bytes."""

    content_type: str


@dataclass(frozen=True, slots=True)
class Route:
    """One operation. `path` is below /api/v1; its {names} reach `act` by keyword, as do `query` and `body`."""

    method: str
    path: str
    role: Role
    act: Callable[..., Any]
    answer: Many | One | Bare | Raw
    summary: str
    query: type[Query] | None = None
    body: type[Form] | None = None
    listed: bool = True
    """False for the operations that resources-api.txt does not name."""
