"""VMs: their filesystem, processes and sessions; awake in memory, asleep in the store."""
