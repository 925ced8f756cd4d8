"""The Python clients, for trio and asyncio (`client`), and without `await` (`sync`).

The methods of both are generated from the API's table. By hand is what is no method of the API:

    client        `connect`, the connection that is opened again when it is lost
    vm            VMs by name, and `connect` for their events
    subscription  events without a gap or a duplicate
    link          one connection: requests and answers
    wires         the same as bytes: over a Unix socket or WebSocket
    conversion    results as records, with bytes as bytes

    sync          `connect`, calls and notifications of one connection
    sync_vm       VMs by name
    starting      a daemon for a program that finds none
    greeting      how a command connects, and says `hello`

    forms         arguments as they travel
    notification  what the daemon sends unasked
    errors        what clients raise
    generated/    the methods, with their types

`sync`, `forms`, `notification`, `errors`, `starting` and `greeting` need the standard library alone: commands start with them.
"""
