"""Texts that come in pieces, cut into blocks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from runtime.cli.chat.blocks import MAX_BLOCK, MAX_CODE_LINES, Block, Blocks


def cut(text, size):
    blocks = Blocks()
    found = []
    for start in range(0, len(text), size):
        found += blocks.feed(text[start : start + size])
    return found + blocks.end()


TEXT = """\
# Title
A paragraph
of two lines.

1. one

   more of one
2. two
- a
  ```
  code in a list

  ```

```python
x = 1

y = 2
```
After."""


def test_a_block_is_what_stands_between_blank_lines():
    assert cut(TEXT, 1) == [
        Block("# Title"),
        Block("A paragraph\nof two lines."),
        Block("1. one\n\n   more of one\n2. two\n- a\n  ```\n  code in a list\n\n  ```"),
        Block("x = 1\n\ny = 2", "python"),
        Block("After."),
    ]


def test_pieces_may_be_of_any_size():
    assert all(cut(TEXT, size) == cut(TEXT, 1) for size in range(2, len(TEXT) + 1))


def test_what_is_complete_is_returned_at_once():
    blocks = Blocks()
    assert blocks.feed("one\ntwo") == []
    assert blocks.open == Block("one\ntwo")
    assert blocks.feed("\n\nthr") == [Block("one\ntwo")]
    assert blocks.open == Block("thr")
    assert blocks.end() == [Block("thr")]
    assert blocks.open is None


def test_code_comes_in_parts_of_so_many_lines():
    lines = [f"line {number}" for number in range(2 * MAX_CODE_LINES + 1)]
    parts = cut("```\n" + "\n".join(lines), 100)
    assert [(part.language, part.parted, part.text.count("\n") + 1) for part in parts] == [
        ("", True, MAX_CODE_LINES),
        ("", False, MAX_CODE_LINES),
        ("", False, 1),
    ]


def test_a_block_is_so_large_and_is_cut_then():
    for text in (
        "x" * 5 * MAX_BLOCK,
        "word\n" * MAX_BLOCK,
        "- item\n" * MAX_BLOCK,
        "- ```\n  x\n" + "  y\n" * MAX_BLOCK,
    ):
        blocks = Blocks()
        for start in range(0, len(text), 1000):
            blocks.feed(text[start : start + 1000])
            assert blocks.open is None or len(blocks.open.text) <= MAX_BLOCK + 1000
        assert all(len(block.text) <= MAX_BLOCK + 1000 for block in cut(text, 1000))


@given(
    st.lists(st.sampled_from(["word", "\n", "\n\n", "- ", "  ", "1. ", "# ", "> ", "| a | b |"]), max_size=60),
    st.integers(1, 9),
)
def test_nothing_is_lost_and_nothing_is_said_twice(pieces, size):
    text = "".join(pieces)
    assert "".join("".join(block.text for block in cut(text, size)).split()) == "".join(text.split())
