"""VMs: their filesystem, processes and sessions; awake in memory, asleep in the store.

host          the face: what is done to VMs, by name
queries       what is read of them, which wakes none
viewing       the host of a file that is read only
awake         which are awake: waking and falling asleep, by the table in
lifecycle     the states of a VM, and what follows from what
vm            one VM while it is awake
options       what a client sets of a VM
nearing       limits that are nearly reached
mounts        directories of the host that it is given
portable      VMs as files, and what of a foreign file is believed
needs         what a VM may need of a daemon, and what another one lacks

volume        the tree of a VM and its way into the store
volumes       the trees of all VMs
base/         what lies beneath each of them
files         the methods on files
batches       many files in one call
large         large files, piece by piece
lines         some lines of a text
listings      listings of directories, small and vast
exclusion     what a listing leaves out
removal       what a directory holds, removed
results       the filesystem's values and errors, as clients are told them
history       snapshots, differences and the way back

processes     the processes of a VM
process       one of them
surroundings  what all of them share
commands      the commands that clients have started in it
command       one of them
shell         one of them on a terminal
terminal      its process
command_line  words and quotes
catalogue     which agents there are
agent_programs  what they run
added_agents  those that are added
trial         whether something is one
component_files  files of components that people give
programs      which files of a VM are programs
"""
