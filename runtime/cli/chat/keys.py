"""What keys do at the prompt line and where the agent asks something; all else is prompt_toolkit's, which has Emacs's keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prompt_toolkit.filters import Condition
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.keys import Keys as Key

from runtime.cli.chat.questions import Form, Permission
from runtime.text import whole

if TYPE_CHECKING:
    from prompt_toolkit.key_binding import KeyPressEvent

    from runtime.cli.chat.screen import Screen


class Keys:
    """The keys of a screen."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self.bindings = KeyBindings()
        is_typing = Condition(lambda: screen.conversation.question is None)
        is_asked = Condition(lambda: isinstance(screen.conversation.question, Permission))
        is_form = Condition(lambda: isinstance(screen.conversation.question, Form))
        add = self.bindings.add
        add("enter", filter=is_typing)(self._enter)
        add("c-j", filter=is_typing)(self._new_line)
        add("escape", "enter", filter=is_typing)(self._new_line)
        add(Key.BracketedPaste, filter=is_typing)(self._paste)
        add("s-tab", filter=is_typing)(self._next_mode)
        add("tab", filter=is_typing)(self._complete)
        add("enter", filter=is_form)(self._fill_in)
        for number in range(1, 10):
            add(str(number), filter=is_asked)(self._choose)
        add("up", filter=is_asked)(self._move)
        add("down", filter=is_asked)(self._move)
        add("enter", filter=is_asked)(self._choose)
        add("y", filter=is_asked)(self._choose)
        add("n", filter=is_asked)(self._choose)
        add("escape")(self._escape)
        add("c-c")(self._interrupt)
        add("<sigint>")(self._interrupt)
        add("c-d", filter=Condition(lambda: not screen.input.text))(self._leave)
        add("c-o")(self._unfold)
        add("c-z")(self._suspend)

    def _enter(self, _event: KeyPressEvent) -> None:
        self._screen.hint = ""
        buffer = self._screen.input
        state = buffer.complete_state
        if state is not None and state.current_completion is not None:
            buffer.complete_state = None
        elif buffer.document.char_before_cursor == "\\":
            buffer.delete_before_cursor()
            buffer.insert_text("\n")
        else:
            self._screen.submit()

    def _new_line(self, _event: KeyPressEvent) -> None:
        self._screen.input.insert_text("\n")

    def _paste(self, event: KeyPressEvent) -> None:
        text = self._screen.pasted.put(event.data)
        if text is None:
            self._screen.hint = "that is too long to be pasted"
        else:
            self._screen.input.insert_text(text)

    def _complete(self, _event: KeyPressEvent) -> None:
        buffer = self._screen.input
        if buffer.complete_state is not None:
            buffer.complete_next()
        else:
            buffer.start_completion(select_first=True)

    def _next_mode(self, _event: KeyPressEvent) -> None:
        conversation = self._screen.conversation
        values = [mode.value for mode in conversation.state.modes]
        if values:
            place = values.index(conversation.state.mode) if conversation.state.mode in values else -1
            self._start(conversation.change, "setMode", modeId=values[(place + 1) % len(values)])

    def _move(self, event: KeyPressEvent) -> None:
        question = self._screen.conversation.question
        assert isinstance(question, Permission)
        step = 1 if event.key_sequence[0].key == Key.Down else -1
        if question.options:
            question.chosen = (question.chosen + step) % len(question.options)

    def _choose(self, event: KeyPressEvent) -> None:
        question = self._screen.conversation.question
        assert isinstance(question, Permission)
        key = event.key_sequence[0].key
        place: int | None = question.chosen if question.options else None
        if key == "y":
            place = question.place_of("allow_once", "allow_always")
        elif key == "n":
            place = question.place_of("reject_once", "reject_always")
        elif key.isdecimal():
            place = int(key) - 1
        if key == "n" or (place is not None and place < len(question.options)):
            self._screen.answer_with(question, *question.answer(place))

    def _fill_in(self, _event: KeyPressEvent) -> None:
        question = self._screen.conversation.question
        assert isinstance(question, Form)
        question.type(whole(self._screen.answer.text).strip())
        self._screen.answer.reset()
        if question.is_answered:
            self._screen.answer_with(question, *question.answer())

    def _escape(self, _event: KeyPressEvent) -> None:
        screen = self._screen
        question = screen.conversation.question
        if screen.input.complete_state is not None:
            screen.input.cancel_completion()
        elif isinstance(question, Form):
            screen.answer_with(question, *question.answer("cancel"))
        elif screen.conversation.is_busy:
            self._start(screen.stop)

    def _interrupt(self, event: KeyPressEvent) -> None:
        screen = self._screen
        if screen.conversation.is_busy and not screen.conversation.is_cancelling:
            self._start(screen.stop)
        elif screen.input.text:
            screen.input.reset()
            screen.pasted.clear()
        elif screen.hint == LEAVING:
            self._leave(event)
        else:
            screen.hint = LEAVING

    def _leave(self, _event: KeyPressEvent) -> None:
        self._screen.conversation.leave()

    def _unfold(self, _event: KeyPressEvent) -> None:
        self._screen.show_folded()

    def _suspend(self, event: KeyPressEvent) -> None:
        event.app.suspend_to_background()

    def _start(self, function: Any, *arguments: Any, **named: Any) -> None:
        async def run() -> None:
            await function(*arguments, **named)

        self._screen.tasks.start_soon(run)


LEAVING = "Ctrl-C again leaves"
"""What is said after the first one, which does nothing else."""
