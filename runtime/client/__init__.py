"""The Python clients, for trio and asyncio (`client`), and without `await` (`sync`).

The methods of both are generated from the API's table: `generated`, with its types. By hand is what is no method of the API:

    client        `connect`, the connection that is opened again when it is lost
    vm            VMs by name, and `connect` for their events
    subscription  events without a gap or a duplicate
    link, wires   one connection: requests and answers; over a Unix socket or WebSocket
    sync          `connect`, calls and notifications of one connection
    sync_vm       VMs by name
    conversion    results as records, with bytes as bytes
    forms         arguments as they travel
    notification, errors, greeting

`sync`, `forms`, `notification`, `errors` and `greeting` need the standard library alone: commands start with them.
"""
