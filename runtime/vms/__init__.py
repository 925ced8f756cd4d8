"""VMs: their filesystem, processes and sessions; awake in memory, asleep in the store.

host          the face: what is done to VMs, by name
queries       what is read of them, which wakes none
awake         which are awake: waking and falling asleep, by the table in
lifecycle     the states of a VM, and what follows from what
vm            one VM while it is awake
options, mounts, portable             what a VM is given; what of a foreign file is believed
volume, volumes                       the tree of a VM and its way into the store; the trees of all VMs
files         the methods on files, with
listings, removal, exclusion, batches, large, lines, patience, results
history       snapshots, differences and the way back
processes     the guests of a VM
commands, command, command_line       what clients run there
catalogue, programs                   which agents there are; which files of a VM are programs
"""
