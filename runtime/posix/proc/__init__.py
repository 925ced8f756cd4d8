"""/proc of a VM: its processes and what of the machine programs ask for, by the formats of proc(5).

    looking    who looks
    listing    directories
    machine    processors, memory, load, and what else there is one of
    process    the directory of a process
    fields     its stat and its status
    descriptors  its fd
    top        /proc itself

`wasi_fs.proc` shows it in the VM's tree. Nothing of it is the host's: numbers of memory are the VM's limits, there is one
processor, and the clock begins when the VM woke.
"""
