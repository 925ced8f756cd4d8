"""What a user can set of a session: the values are in `session.settings`, by the ids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from torpor_agent.connection import INVALID_PARAMS, Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Choice(NamedTuple):
    """One of several values."""

    id: str
    name: str
    values: Mapping[str, str]
    """What the values are called, by the values; the first is chosen at the beginning."""
    category: str | None = None
    """`model`, `thought_level` or `mode`, by which clients know what an option is for."""

    @property
    def first(self) -> str:
        """The value at the beginning."""
        return next(iter(self.values))

    def check(self, value: Any) -> None:
        """Raise Refusal for a value that it cannot have."""
        if value not in self.values:
            raise Refusal(INVALID_PARAMS, f"{self.id} is one of {', '.join(self.values)}, not {value!r}")

    def to_wire(self, value: Any) -> dict[str, Any]:
        """A `SessionConfigOption` of ACP."""
        options = [{"value": each, "name": name} for each, name in self.values.items()]
        about = {"id": self.id, "name": self.name, "type": "select", "currentValue": value, "options": options}
        return about if self.category is None else {**about, "category": self.category}


class Toggle(NamedTuple):
    """On or off: True or False. A client that does not know such options is not told of it."""

    id: str
    name: str
    first: bool = False
    """The value at the beginning."""

    def check(self, value: Any) -> None:
        """Raise Refusal for a value that it cannot have."""
        if not isinstance(value, bool):
            raise Refusal(INVALID_PARAMS, f"{self.id} is true or false, not {value!r}")

    def to_wire(self, value: Any) -> dict[str, Any]:
        """A `SessionConfigOption` of ACP."""
        return {"id": self.id, "name": self.name, "type": "boolean", "currentValue": value}


Setting = Choice | Toggle


def options_to_wire(
    options: Sequence[Setting], values: Mapping[str, Any], *, with_toggles: bool
) -> list[dict[str, Any]]:
    """ACP's `configOptions`."""
    return [each.to_wire(values[each.id]) for each in options if with_toggles or not isinstance(each, Toggle)]


def modes_to_wire(modes: Mapping[str, str], current: str | None) -> dict[str, Any]:
    """ACP's `modes`."""
    return {"currentModeId": current, "availableModes": [{"id": id_, "name": name} for id_, name in modes.items()]}
