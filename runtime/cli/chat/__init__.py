"""`torpor chat`: a conversation in the terminal.

What was said scrolls into the terminal's own scrollback; below it is what changes.

Events become a state, the state becomes text, and a thin shell shows it:

    items         what a conversation consists of: prompts, blocks of text, tool calls, plans, ...
    blocks        a Markdown text that comes in pieces, cut into blocks
    state         a conversation as it stands
    fold          what each kind of event changes in it: a table
    diffs         two texts line by line
    lines         items as lines of styled text
    live          what is under way, the spinner, the status line
    questions     permissions, forms, pages to visit
    paint         items as a terminal's text
    markdown      the same of Markdown and code, by rich
    attachments   @files of a prompt
    completing    what a word may become
    commands      /commands of ours
    pasted        long pieces of text
    conversation  the session: opened, followed, prompted
    keys          what keys do
    screen        the terminal, by prompt_toolkit
    hold          the tasks of a conversation
    entry         the command

The first eight, and `paint`, use the standard library alone. prompt_toolkit and rich are loaded for `chat` alone.
"""
