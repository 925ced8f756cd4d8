"""What an agent asks the person: permissions, forms, pages to visit. Pure: what to show, what is typed, what to answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runtime.cli import elicitations, output
from runtime.cli.chat.items import Tool, clean
from runtime.cli.chat.lines import cut, tool_lines

if TYPE_CHECKING:
    from runtime.cli.chat.lines import Line


class Permission:
    """A permission that an agent asks for: one of its options is chosen."""

    def __init__(self, request: dict[str, Any], tool: Tool | None) -> None:
        self.id = str(request["permissionId"])
        self.tool = tool or Tool("")
        call = request.get("toolCall")
        if isinstance(call, dict):
            self.tool.merge(call)
        self._description = output.one_line(clean(request.get("description")))
        found = request.get("options")
        self.options = tuple(
            (
                each["optionId"],
                output.one_line(clean(each.get("name")) or clean(each["optionId"])),
                str(each.get("kind")),
            )
            for each in (found if isinstance(found, list) else ())
            if isinstance(each, dict) and isinstance(each.get("optionId"), str)
        )
        self.chosen = 0
        """The option that the person has moved to."""

    def lines(self, width: int, *, whole: bool = False) -> list[Line]:
        """What is asked, with what would be changed or run."""
        asked = self._description or self.tool.title or "something"
        shown = tool_lines(self.tool, width, whole=whole)[1:]
        return [cut([("warn", "? "), ("tool", f"Allow: {asked}")], width), *shown]

    def choices(self, width: int) -> list[Line]:
        """The options, each with the key that chooses it."""
        return [
            cut(
                [
                    (
                        "mark" if place == self.chosen else "",
                        f"{'›' if place == self.chosen else ' '} {place + 1}. {name}",
                    )
                ],
                width,
            )
            for place, (_, name, _) in enumerate(self.options)
        ]

    def place_of(self, *kinds: str) -> int | None:
        """Where the first option of one of these kinds is, as ACP names them: `allow_once`, `reject_always`, ..."""
        return next((place for kind in kinds for place, option in enumerate(self.options) if option[2] == kind), None)

    def answer(self, place: int | None) -> tuple[str, dict[str, Any]]:
        """Return the method and its params that choose this option; None rejects."""
        params: dict[str, Any] = {"permissionId": self.id}
        if place is None:
            return "respondPermission", {**params, "reply": "reject"}
        return "respondPermission", {**params, "optionId": self.options[place][0]}


class Form:
    """A form to be filled in field by field, or a page to visit, of which is only said whether it was."""

    def __init__(self, request: dict[str, Any]) -> None:
        self.id = str(request["questionId"])
        self._message = output.one_line(clean(request.get("message")))
        self._url = output.one_line(clean(request.get("url"))) if request.get("mode") == "url" else None
        self._left = [] if self._url is not None else elicitations.fields(request)
        self._content: dict[str, elicitations.Value] = {}
        self._action: str | None = None
        self._fault = ""

    @property
    def is_answered(self) -> bool:
        """Whether nothing more is to be typed."""
        return self._action is not None

    def lines(self, width: int) -> list[Line]:
        """What is asked: the field that is next."""
        shown: list[Line] = [cut([("warn", "? "), ("tool", self._message)], width)]
        if self._url is not None:
            shown += [[("", f"  {self._url}")], [("dim", "  done? y, or nothing to decline")]]
        elif self._left:
            field = self._left[0]
            shown += [cut([("", f"  {number}. {title}")], width) for number, (_, title) in enumerate(field.choices, 1)]
            shown.append(cut([("", f"  {field.heading}")], width))
        else:
            shown.append([("dim", "  Enter accepts")])
        if self._fault:
            shown.append(cut([("bad", f"  {self._fault}")], width))
        return shown

    def type(self, text: str) -> None:
        """Take a line that the person has typed; an empty one is a field's default, or declines."""
        self._fault = ""
        if self._url is not None:
            self._action = "accept" if text.lower() in ("y", "yes") else "decline"
            return
        if self._left:
            field = self._left[0]
            try:
                value = field.parse(text) if text else field.default
            except ValueError as error:
                self._fault = str(error)
                return
            if value is None and field.is_required:
                self._action = "decline"
                return
            if value is not None:
                self._content[field.name] = value
            del self._left[0]
        if not self._left:
            self._action = "accept"

    def answer(self, action: str | None = None) -> tuple[str, dict[str, Any]]:
        """Return the method and its params that answer; `action` instead of what was typed."""
        params: dict[str, Any] = {"questionId": self.id, "action": action or self._action}
        if params["action"] == "accept" and self._url is None:
            params["content"] = self._content
        return "respondElicitation", params


Question = Permission | Form
