"""The methods of the Python clients, written by build/python_clients.py from the daemon's own (`runtime.api`).

types        results and options
vm           methods of a VM, asynchronous
vm_sync      the same without `await`
daemon       methods that are not of one VM, asynchronous
daemon_sync  the same without `await`
"""
