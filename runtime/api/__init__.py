"""The vocabulary of the session API, for all who speak it: the daemon from the socket down, the clients, the command.

    names       what VMs and sessions may be called, and how the name of a VM travels
    limits      bounds that a client can run into, with their reasons
    defaults    what holds where a client says nothing, and the version of the API
    errors      error codes, what each means, and the exception that carries one
    events      the events of ours in transcripts, and the notifications of subscriptions: two tables
    endpoint    where the daemon is: its socket, and who may have made the directory of it
    local_token  where a daemon on this machine that serves HTTP leaves its token, and when a client uses it

    types       types that params and results share
    content     bytes as they travel
    method      what is said of one method
    methods     the table of all methods; each, and its params and results with every member described, is by subject in
    daemon      the daemon and the connection
    vms         VMs
    stats       what `vm.stats` tells
    sessions    sessions
    agents      agents
    turns       prompts, their end, and what the agent asks in between
    forks       forks of VMs and of sessions
    settings    a session's mode and config options
    files       a VM's files
    many_files  many files at once
    file_serving  an agent's files that a client opens itself
    past        snapshots, differences and the way back
    processes   commands in a VM
    shells      commands on terminals
    base        commands of all VMs
    openrpc     the document of `rpc.discover`, made of these tables

Imports the standard library and msgspec, and nothing else of `runtime`. The first seven import the standard library alone,
since client commands start with them.
"""
