"""ACP sessions: live agents, their transcripts, permissions, turns, and how they come back.

A VM opens its sessions with `open_sessions` (runtime.sessions.manager) and closes them with `Sessions.suspend_all`.

    manager      what a VM calls: create, prompt, resume, close, destroy
    registry     the sessions of a VM, and the order in which they come to be
    operations/  what is done with a session: launch, resume, run a turn, end

    session      one session: record, transcript, and the agent and the turn that it has at the moment
    attachment   what a session has while it has an agent
    record       what is known of a session whether it has an agent or not
    forks        a session that goes on from a copy of another's transcript
    queries      what is read of sessions, awake or asleep
    ports        what sessions need of a VM, as protocols: nothing here imports `runtime.vms`

    agent/       the agent's process
    turns/       a prompt and all that belongs to it
    asking/      permission requests
    services/    what an agent may ask of its client: files, terminals
    mcp/         local MCP servers
    options/     what `createSession` takes, secrets among it
    transcript/  events: kept, bounded, recovered, forked
"""
