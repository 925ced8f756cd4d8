"""The commands of the base system: bash and the GNU tools, in a VM and beside the machine's own."""
