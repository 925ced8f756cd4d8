"""The look of the transcript page."""

from __future__ import annotations

from typing import Final

STYLE: Final = """
:root {
  color-scheme: light dark;
  --paper: #fbfaf7; --ink: #1d1f24; --soft: #6b6f7a; --line: #e4e1d9; --card: #ffffff;
  --accent: #3b5bdb; --good: #2b8a3e; --bad: #c92a2a; --warn: #b35c00;
  --add: #e6f6ea; --del: #fdeaea; --user: #eef2ff; --mono: #f5f3ee;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14161a; --ink: #e6e6e3; --soft: #979ba6; --line: #2b2e36; --card: #1b1e24;
    --accent: #8ea6ff; --good: #69db7c; --bad: #ff8787; --warn: #ffb366;
    --add: #16301d; --del: #3a1d1f; --user: #1d2440; --mono: #21242b;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
header, main { max-width: 62rem; margin: 0 auto; padding: 0 1.5rem; }
header { padding-top: 2.5rem; }
.kicker { margin: 0; color: var(--accent); font-size: .8rem; font-weight: 600; letter-spacing: .06em;
  text-transform: uppercase; }
h1 { margin: .2rem 0 .6rem; font-size: 1.7rem; line-height: 1.25; overflow-wrap: anywhere; }
h2 { margin: 0 0 .8rem; font-size: 1.05rem; }
.facts { display: flex; flex-wrap: wrap; gap: .3rem 1.6rem; margin: 0; color: var(--soft); font-size: .88rem; }
.facts b { font-weight: 600; color: var(--ink); }
section { margin: 2rem 0; }
pre, code { font: 13px/1.5 ui-monospace, "SF Mono", "Cascadia Code", Menlo, "DejaVu Sans Mono", monospace; }
pre { margin: 0; padding: .6rem .8rem; background: var(--mono); border-radius: 6px; white-space: pre-wrap;
  overflow-wrap: anywhere; }
p { margin: 0 0 .5rem; }
.failure { border-left: 3px solid var(--bad); background: var(--card); border-radius: 0 6px 6px 0; }
.transcript { list-style: none; margin: 0; padding: 0; }
.transcript li { display: grid; grid-template-columns: 8.5rem 1fr; gap: 1rem; padding: .7rem 0;
  border-top: 1px solid var(--line); }
.margin b { display: block; font-size: .88rem; }
.margin small { color: var(--soft); font-size: .75rem; font-variant-numeric: tabular-nums; }
.body { min-width: 0; }
.body > p:last-child { margin: 0; }
.prompt .body pre { background: var(--user); }
.text .body pre { background: var(--card); border: 1px solid var(--line); font: inherit; }
.prompt .body pre { font: inherit; }
.thought, .aside { color: var(--soft); }
.transcript .aside { padding: .25rem 0; align-items: baseline; font-size: .85rem; }
.aside .margin b { display: inline; font-size: .8rem; font-weight: 500; }
.aside .margin small { display: none; }
.aside .body code { font-size: 12px; }
.aside .body p { margin: 0; }
#here { margin: 0 -.9rem; padding-left: .9rem; padding-right: .9rem; border-radius: 6px;
  background: var(--del); box-shadow: inset 3px 0 var(--bad); }
a { color: var(--accent); }
.failure + p { margin: .6rem 0 0; font-size: .9rem; }
.request summary { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.said { color: var(--soft); font-size: .88rem; }
.thought .body pre { background: none; padding: 0; font: inherit; font-style: italic; }
.aside code { overflow-wrap: anywhere; }
.failure ~ details { margin-top: .6rem; color: var(--soft); }
.stderr .body pre { border-left: 3px solid var(--warn); }
.end .margin b { color: var(--good); }
.tool .margin b, .permission .margin b, .reply .margin b { color: var(--accent); }
.failed .margin b { color: var(--bad); }
table { width: 100%; border-collapse: collapse; margin: 0 0 .4rem; }
th { width: 1%; padding: .35rem .9rem .2rem 0; text-align: left; vertical-align: top; font-weight: 500;
  color: var(--soft); white-space: nowrap; font-size: .85rem; }
td { padding: .15rem 0; }
.badge { display: inline-block; padding: 0 .5rem; border: 1px solid currentColor; border-radius: 99px;
  font-size: .75rem; color: var(--soft); }
.badge.completed, .badge.answered { color: var(--good); }
.badge.failed, .badge.broken { color: var(--bad); }
.diff span { display: block; }
.diff .add { background: var(--add); } .diff .del { background: var(--del); }
.diff .hunk, .diff .file { color: var(--soft); }
details > summary { cursor: pointer; }
details > pre { margin-top: .4rem; }
.request { padding: .45rem 0; border-top: 1px solid var(--line); }
.note { color: var(--soft); }
@media (max-width: 40rem) { .transcript li { grid-template-columns: 1fr; gap: .3rem; } }
"""
