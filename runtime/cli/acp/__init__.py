"""`torpor acp`: an agent of the daemon as an ACP agent on stdin and stdout.

    wire        lines of JSON, and what is said to those that are none
    flows       requests in both directions as straight-line generators, without I/O
    shapes      what the params of an editor's requests are made of
    editor      what the editor understands, and what it is not sent
    errors      the daemon's errors as ACP knows them
    workspaces  which VM a workspace has, and what an editor's session is to us
    pages       the pages of `session/list`
    vms         the VMs of an editor's sessions, with what they have mounted
    files       the editor's own files
    trace       traces that go through us
    terminals   the agent's commands, as the editor can show them
    events      the daemon's notifications, turned into updates and permission requests
    face        the ACP methods
    loop        the one loop that moves bytes between the editor and the daemon
    http        clients elsewhere, each with a process of the above

Standard library only, like every client command, but for `http`.
"""
