"""wasi:random: random, insecure and insecure-seed (WASI 0.2), all from the VM's one source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runtime.engine import GuestTrap, HostInterface

if TYPE_CHECKING:
    from runtime.wasi.state import WasiState

MAX_RANDOM_BYTES: Final = 256 * 1024
"""One call makes a list of the whole length, which takes 12 ms of everybody's time here. JavaScript allows a quarter of it."""

random = HostInterface("wasi:random/random")
insecure = HostInterface("wasi:random/insecure")
insecure_seed = HostInterface("wasi:random/insecure-seed")


@random.function("get-random-bytes", instant=True)
@insecure.function("get-insecure-random-bytes", instant=True)
def get_random_bytes(state: WasiState, count: int) -> bytes:
    """`count` bytes; a guest that asks for more than MAX_RANDOM_BYTES is trapped."""
    if count > MAX_RANDOM_BYTES:
        raise GuestTrap(f"{count} random bytes asked for; at most {MAX_RANDOM_BYTES} at once")
    return state.ambient.random(count)


@random.function("get-random-u64", instant=True)
@insecure.function("get-insecure-random-u64", instant=True)
def get_random_u64(state: WasiState) -> int:
    """Eight bytes as a number."""
    return int.from_bytes(state.ambient.random(8), "little")


@insecure_seed.function("insecure-seed", instant=True)
def get_insecure_seed(state: WasiState) -> tuple[int, int]:
    """Two numbers to seed a hash map with."""
    return get_random_u64(state), get_random_u64(state)


INTERFACES: Final = (random, insecure, insecure_seed)
