"""ACP sessions: live agents, their transcripts, permissions, turns, and how they come back.

A VM opens its sessions with `open_sessions` (runtime.sessions.manager) and closes them with `Sessions.suspend_all`.

manager     what a VM calls: create, prompt, resume, close, destroy
registry    the sessions of a VM, and the order in which they come to be
session     one session: record, transcript, and the agent and the turn that it has at the moment
record      what is known of a session whether it has an agent or not
queries     what is read of sessions, awake or asleep
ports       what sessions need of a VM, as protocols: nothing here imports `runtime.vms`
events      the types of events

agent/       the agent's process, from launch to its end
turns/       a prompt and all that belongs to it
asking/      permission requests and policies
services/    what an agent may ask of its client: files, terminals
mcp/         MCP servers of a session
options/     what `createSession` takes, secrets among it
transcript/  events: kept, bounded, recovered, forked
"""
