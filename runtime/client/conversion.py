"""Results as programs have them: records with attributes, in which bytes are bytes."""

from __future__ import annotations

from typing import Any

import msgspec

from runtime.api.content import Bytes
from runtime.client.generated.types import KINDS, OWN


def converted(method: str, answer: Any) -> Any:
    """Return the result of a method as `runtime.client.generated` promises it.

    Members that a newer daemon adds are left out of a record, not an error.
    """
    kind = KINDS.get(method)
    if kind is None:
        return answer
    result = msgspec.convert(answer, kind)
    return [_own(each) for each in result] if isinstance(result, list) else _own(result)


def _own(record: msgspec.Struct) -> msgspec.Struct:
    kind = OWN.get(type(record))
    if kind is None:
        return record
    values = {name: getattr(record, name) for name in record.__struct_fields__}
    return kind(**{name: value.base64 if isinstance(value, Bytes) else value for name, value in values.items()})
