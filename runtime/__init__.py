"""Torpor: everything outside the sandbox.

From the user down; a package imports only what is below it:

    cli/        the command `torpor`
    daemon/     the process that has all VMs: put together, supervised, ended
    doctor/     what may be wrong with an installation
    inspector/  the page of `torpor inspect`, and who may see it
    salvage/    what can be read of a damaged state file
    testing/    the harness in which tests of agents run
    rpc/        the API over a Unix socket and over HTTP
    client/     the Python clients
    vms/        VMs, awake and asleep: files, commands, snapshots
    sessions/   ACP sessions: agents, turns, transcripts, permissions
    acp/        the Agent Client Protocol as data and state machines
    store/      the state file
    posix/      processes for guests: descriptors, pipes, fork, exec, signals
    wasi/       WASI 0.2 for guests; their files are the package `wasi_fs`
    engine/     wasmtime under trio: components compiled, guests run
    network/    the guests' way out
    api/        the vocabulary that daemon and clients share

and single modules:

    jsonrpc     JSON-RPC 2.0 as lines of bytes
    large_json  JSON of many MiB, in small steps
    wire_json   JSON for the wire and the state file, whatever its strings are
    text        text that is not whole
    hub         publication within the process
    file_servers  clients that open an agent's files themselves
    holding     locks that are mostly free
    patience    operations on files that let others run in between
    budget      bytes that many peers may hold together
    memory      the memory of this process and of the machine
    exhaustion  the machine's limits, as errors of the API
    newfile     files that get their name when they are whole
    scratch     directories for a while, which no killed process leaves for long
    clock       the time as records have it
    compiler    the entry of the compiler's process
    executable  the word by which the single executable knows that it is to be that
    version     the version
"""
