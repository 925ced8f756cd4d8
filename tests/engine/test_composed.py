"""Components made of components: calls from one instance into another, and the resources that they pass on.

Each ends as in wasmtime's component API, with the same calls seen by the host, whether its functions answer at once or wait.
"""

from __future__ import annotations

import pytest
import trio
from wasmtime import wat2wasm

from runtime.engine import Engine, Exit, Limits
from tests.engine.abi_host import State, host
from tests.engine.oracle import Oracle
from tests.engine.wat import RUN

FUEL = 3_000_000
HOST = """
    (import "test:host/calls@0.2.0" (instance $h
      (export "thing" (type $thing (sub resource)))
      (export "note" (func (param "x" u32))) (export "make" (func (result (own $thing))))
      (export "use" (func (param "x" (borrow $thing)))) (export "eat" (func (param "x" (own $thing))))))
    (alias export $h "thing" (type $thing))
    (alias export $h "note" (func $note))
    (alias export $h "make" (func $make)) (alias export $h "use" (func $use)) (alias export $h "eat" (func $eat))
    (core func $note' (canon lower (func $note)))"""
"""What the root imports."""
RESOURCE = """
    (import "note" (func $note (param "x" u32)))
    (core func $note' (canon lower (func $note)))
    (core module $d (import "h" "note" (func $note (param i32)))
      (func (export "end") (param i32) (call $note (i32.add (local.get 0) (i32.const 1000)))))
    (core instance $d (instantiate $d (with "h" (instance (export "note" (func $note'))))))
    (type $r (resource (rep i32) (dtor (core func $d "end"))))
    (core func $new (canon resource.new $r)) (core func $rep (canon resource.rep $r))
    (core func $drop (canon resource.drop $r))"""
"""Of a component that defines a resource, whose destructor notes its representation and 1000."""
COUNTERS = f"""
    (component $counters {RESOURCE}
      (core module $m
        (import "h" "new" (func $new (param i32) (result i32))) (import "h" "rep" (func $rep (param i32) (result i32)))
        (import "h" "drop" (func $drop (param i32))) (import "h" "note" (func $note (param i32)))
        (func (export "open") (param i32) (result i32) (call $new (local.get 0)))
        (func (export "look") (param i32) (call $note (local.get 0)))
        (func (export "close") (param i32) (call $note (call $rep (local.get 0))) (call $drop (local.get 0)))
        (func (export "keep") (param i32) (call $note (call $rep (local.get 0))))
        (func (export "pass") (param i32) (result i32) (local.get 0)))
      (core instance $i (instantiate $m (with "h" (instance (export "new" (func $new)) (export "rep" (func $rep))
        (export "drop" (func $drop)) (export "note" (func $note'))))))
      (export $e "counter" (type $r))
      (func (export "open") (param "x" u32) (result (own $e)) (canon lift (core func $i "open")))
      (func (export "look") (param "x" (borrow $e)) (canon lift (core func $i "look")))
      (func (export "close") (param "x" (own $e)) (canon lift (core func $i "close")))
      (func (export "keep") (param "x" (own $e)) (canon lift (core func $i "keep")))
      (func (export "pass") (param "x" (own $e)) (result (own $e)) (canon lift (core func $i "pass"))))"""
"""A component whose resource another one holds: `look` gets a representation, `close` and `keep` a handle of their own."""


@pytest.fixture(scope="module")
def engines() -> tuple[Engine, Oracle]:
    return Engine([host()]), Oracle([host()])


class Runner:
    """Runs a component in all ways, and sees to it that all come to the same."""

    def __init__(self, engines: tuple[Engine, Oracle]) -> None:
        self._engine, self._oracle = engines

    async def __call__(self, text: str, reason: str = "exit", message: str = "", *, alike: bool = True) -> list[object]:
        """What the host's functions have got; `note` as its number alone. The oracle is asked where both are alike."""
        content, expected = bytes(wat2wasm(text)), State()
        if alike:
            outcome = self._oracle.run(content, expected, FUEL)
            assert outcome.reason == reason, outcome.message
        for waits in (False, True):
            state = State(waits=waits)
            ended = await self._engine.guest(self._engine.load_bytes(content), state, Limits(fuel=FUEL)).run()
            assert ended.reason == reason, ended
            assert message in ended.message
            if alike:
                assert state.seen == expected.seen
            assert state.drops() == [1] * len(state.things)
        return [arguments[0] if name == "note" else (name, *arguments) for name, arguments in state.seen]


@pytest.fixture
def run(engines: tuple[Engine, Oracle]) -> Runner:
    return Runner(engines)


def main(imports: dict[str, tuple[str, str]], body: str, *, functions: str = "") -> str:
    """A root's own module: imports by name, (core type, core function); and `run` with this body."""
    return f"""
      (core module $main
        {" ".join(f'(import "h" "{name}" (func ${name} {type_}))' for name, (type_, _) in imports.items())}
        {functions}
        (func (export "run") (result i32) (local $i i32) (local $j i32) {body} (i32.const 0)))
      (core instance $main (instantiate $main (with "h" (instance
        {" ".join(f'(export "{name}" (func {place}))' for name, (_, place) in imports.items())}))))
      (func $run (result (result)) (canon lift (core func $main "run"))) {RUN}"""


NOTE = {"note": ("(param i32)", "$note'")}
COUNTER = {
    "open": ("(param i32) (result i32)", "$open"),
    "look": ("(param i32)", "$look"),
    "close": ("(param i32)", "$close"),
    "keep": ("(param i32)", "$keep"),
    "pass": ("(param i32) (result i32)", "$pass"),
    "drop": ("(param i32)", "$drop"),
} | NOTE


def counters(body: str, *, again: str = "$c") -> str:
    """A root that uses the component above; `drop` may be of `again`, the resource of another instance of it."""
    lowered = " ".join(
        f'(core func ${name} (canon lower (func $c "{name}")))'
        for name in COUNTER
        if name in ("open", "look", "close", "keep", "pass")
    )
    return f"""(component {HOST} {COUNTERS}
      (instance $c (instantiate $counters (with "note" (func $note))))
      (instance $c2 (instantiate $counters (with "note" (func $note))))
      (alias export {again} "counter" (type $t))
      {lowered} (core func $drop (canon resource.drop $t)) {main(COUNTER, body)})"""


OPEN = "(local.set $i (call $open (i32.const 7)))"
I = "(local.get $i)"  # noqa: E741 - as it is called in the guest
LIVES = [
    ("dropped by its holder", f"{OPEN} (call $drop {I}) (call $note (i32.const 1))", [1007, 1]),
    ("held to the end", OPEN, []),
    ("lent, by its representation", f"{OPEN} (call $look {I}) (call $look {I}) (call $drop {I})", [7, 7, 1007]),
    ("given back, and dropped there", f"{OPEN} (call $close {I})", [7, 1007]),
    ("given back, and kept there", f"{OPEN} (call $keep {I})", [7]),
    ("given to and fro", f"{OPEN} (call $drop (call $pass (call $pass {I})))", [1007]),
    (
        "two of them",
        f"{OPEN} (local.set $j (call $open (i32.const 8))) (call $drop {I}) (call $close (local.get $j))",
        [1007, 8, 1008],
    ),
]


@pytest.mark.parametrize(("body", "seen"), [life[1:] for life in LIVES], ids=[life[0] for life in LIVES])
async def test_a_resource_of_one_component_in_the_hands_of_another(run: Runner, body: str, seen: list[int]) -> None:
    assert await run(counters(body)) == seen


BREACHES = [
    ("dropped twice", f"{OPEN} (call $drop {I}) (call $drop {I})", "unknown handle", "$c"),
    ("lent after it was given away", f"{OPEN} (call $close {I}) (call $look {I})", "unknown handle", "$c"),
    ("given away twice", f"{OPEN} (call $keep {I}) (call $keep {I})", "unknown handle", "$c"),
    ("never given", "(call $look (i32.const 3))", "unknown handle", "$c"),
    ("dropped as that of another instance", f"{OPEN} (call $drop {I})", "wrong type", "$c2"),
]


@pytest.mark.parametrize(("body", "message", "of"), [b[1:] for b in BREACHES], ids=[b[0] for b in BREACHES])
async def test_what_may_not_be_done_with_it(run: Runner, body: str, message: str, of: str) -> None:
    await run(counters(body, again=of), "trap", message)


OWN = {
    "new": ("(param i32) (result i32)", "$new"),
    "rep": ("(param i32) (result i32)", "$rep"),
    "drop": ("(param i32)", "$drop"),
}
WITHIN = [
    ("made and dropped", "(call $drop (call $new (i32.const 5)))", [1005], ""),
    ("its representation", "(call $note (call $rep (call $new (i32.const -1))))", [2**32 - 1], ""),
    (
        "dropped twice",
        "(local.set $i (call $new (i32.const 5))) (call $drop (local.get $i)) (call $drop (local.get $i))",
        [1005],
        "unknown handle",
    ),
    ("representation of none", "(drop (call $rep (i32.const 1)))", [], "unknown handle"),
    (
        "representation after the drop",
        "(local.set $i (call $new (i32.const 5))) (call $drop (local.get $i)) (drop (call $rep (local.get $i)))",
        [1005],
        "unknown handle",
    ),
]


@pytest.mark.parametrize(("body", "seen", "message"), [w[1:] for w in WITHIN], ids=[w[0] for w in WITHIN])
async def test_a_resource_within_one_component(run: Runner, body: str, seen: list[int], message: str) -> None:
    """The root's own: without another component, or in the one where `run` is."""
    own = RESOURCE.replace('(import "note" (func $note (param "x" u32)))', "").replace(
        "(core func $note' (canon lower (func $note)))", ""
    )
    text = f"(component {HOST} {own} {main(OWN | NOTE, body)})"
    assert await run(text, "trap" if message else "exit", message) == seen


async def test_a_resource_without_a_destructor(run: Runner) -> None:
    own = """(type $r (resource (rep i32))) (core func $new (canon resource.new $r)) (core func $rep (canon resource.rep $r))
        (core func $drop (canon resource.drop $r))"""
    body = (
        "(local.set $i (call $new (i32.const 5))) (call $note (call $rep (local.get $i))) (call $drop (local.get $i))"
    )
    assert await run(f"(component {HOST} {own} {main(OWN | NOTE, body)})") == [5]


PASSES = """
    (component $user
      (import "thing" (type $thing (sub resource)))
      (import "use" (func $use (param "x" (borrow $thing)))) (import "eat" (func $eat (param "x" (own $thing))))
      (core func $use' (canon lower (func $use))) (core func $eat' (canon lower (func $eat)))
      (core func $drop' (canon resource.drop $thing))
      (core module $m
        (import "h" "use" (func $use (param i32))) (import "h" "eat" (func $eat (param i32)))
        (import "h" "drop" (func $drop (param i32)))
        (func (export "borrowed") (param i32) (call $use (local.get 0)) (call $drop (local.get 0)))
        (func (export "kept") (param i32))
        (func (export "gives-away") (param i32) (call $eat (local.get 0)))
        (func (export "both") (param i32 i32) (call $use (local.get 0)) (call $drop (local.get 0)) (call $drop (local.get 1)))
        (func (export "eaten") (param i32) (call $eat (local.get 0))))
      (core instance $i (instantiate $m (with "h" (instance
        (export "use" (func $use')) (export "eat" (func $eat')) (export "drop" (func $drop'))))))
      (func (export "borrowed") (param "x" (borrow $thing)) (canon lift (core func $i "borrowed")))
      (func (export "kept") (param "x" (borrow $thing)) (canon lift (core func $i "kept")))
      (func (export "gives-away") (param "x" (borrow $thing)) (canon lift (core func $i "gives-away")))
      (func (export "both") (param "x" (borrow $thing)) (param "y" (own $thing)) (canon lift (core func $i "both")))
      (func (export "eaten") (param "x" (own $thing)) (canon lift (core func $i "eaten"))))
    (instance $u (instantiate $user (with "thing" (type $thing)) (with "use" (func $use)) (with "eat" (func $eat))))"""
THINGS = {
    "make": ("(result i32)", "$make'"),
    "drop": ("(param i32)", "$drop'"),
    "borrowed": ("(param i32)", "$borrowed"),
    "kept": ("(param i32)", "$kept"),
    "gives-away": ("(param i32)", "$gives-away"),
    "both": ("(param i32 i32)", "$both"),
    "eaten": ("(param i32)", "$eaten"),
}
MAKE = "(local.set $i (call $make))"
HANDED = [
    ("lent", f"{MAKE} (call $borrowed {I}) (call $borrowed {I}) (call $drop {I})", ""),
    ("given away", f"{MAKE} (call $eaten {I})", ""),
    ("one lent and one given away", f"{MAKE} (call $both {I} (call $make)) (call $borrowed {I})", ""),
    ("a borrow that is kept", f"{MAKE} (call $kept {I})", "borrow handles still remain"),
    ("a borrow that is given away", f"{MAKE} (call $gives-away {I})", "borrow"),
    ("lent and given away at once", f"{MAKE} (call $both {I} {I})", "lent"),
    ("given away twice", f"{MAKE} (call $eaten {I}) (call $eaten {I})", "unknown handle"),
]


@pytest.mark.parametrize(("body", "message"), [h[1:] for h in HANDED], ids=[h[0] for h in HANDED])
async def test_the_hosts_resources_are_handed_on(run: Runner, body: str, message: str) -> None:
    lowered = " ".join(
        f'(core func ${name} (canon lower (func $u "{name}")))' for name in THINGS if name not in {"make", "drop"}
    )
    text = f"""(component {HOST} {PASSES} {lowered}
      (core func $make' (canon lower (func $make))) (core func $drop' (canon resource.drop $thing)) {main(THINGS, body)})"""
    await run(text, "trap" if message else "exit", message)


def nested(depth: int, body: str) -> str:
    """A component that exports `go`, within as many others: the innermost notes something, and has this body."""
    if depth == 0:
        return f"""(component $c0 (import "note" (func $note (param "x" u32)))
          (core func $note' (canon lower (func $note)))
          (core module $m (import "h" "note" (func $note (param i32)))
            (memory 1) (tag $tag)
            (func $again (call $again) (call $again))
            (func (export "go") (param i32) (result i32)
              (call $note (local.get 0)) {body} (i32.mul (local.get 0) (i32.const 2))))
          (core instance $i (instantiate $m (with "h" (instance (export "note" (func $note'))))))
          (func (export "go") (param "x" u32) (result u32) (canon lift (core func $i "go"))))"""
    return f"""(component $c{depth} (import "note" (func $note (param "x" u32)))
      {nested(depth - 1, body)}
      (instance $c (instantiate $c{depth - 1} (with "note" (func $note))))
      (core func $note' (canon lower (func $note))) (core func $go (canon lower (func $c "go")))
      (core module $m (import "h" "note" (func $note (param i32))) (import "h" "go" (func $go (param i32) (result i32)))
        (func (export "go") (param i32) (result i32) (local $i i32)
          (call $note (local.get 0)) (local.set $i (call $go (i32.add (local.get 0) (i32.const 1))))
          (call $note (local.get $i)) (i32.add (local.get $i) (i32.const 1)))
        (func (export "post") (param i32) (local $i i32)))
      (core instance $i (instantiate $m (with "h" (instance (export "note" (func $note')) (export "go" (func $go))))))
      (func (export "go") (param "x" u32) (result u32) (canon lift (core func $i "go") (post-return (core func $i "post")))))"""


def nest(body: str) -> str:
    return f"""(component {HOST} {nested(3, body)} (instance $c (instantiate $c3 (with "note" (func $note))))
      (instance $d (instantiate $c3 (with "note" (func $note))))
      (core func $go (canon lower (func $c "go"))) (core func $other (canon lower (func $d "go")))
      {
        main(
            NOTE | {"go": ("(param i32) (result i32)", "$go"), "other": ("(param i32) (result i32)", "$other")},
            "(call $note (call $go (i32.const 0))) (call $note (call $other (i32.const 10)))",
        )
    })"""


async def test_components_within_components_instantiated_twice(run: Runner) -> None:
    first = [0, 1, 2, 3, 6, 7, 8, 9]
    assert await run(nest("")) == [*first, 10, 11, 12, 13, 26, 27, 28, 29]


@pytest.mark.parametrize(
    ("body", "reason", "message"),
    [
        ("unreachable", "trap", "unreachable"),
        ("(throw $tag)", "trap", "exception"),
        ("(call $again)", "trap", "exhausted"),
        ("(loop $l (br $l))", "out_of_fuel", ""),
    ],
    ids=["traps", "throws", "recurses", "spins"],
)
async def test_the_end_of_a_callee_is_the_guests(run: Runner, body: str, reason: str, message: str) -> None:
    assert await run(nest(body), reason, message) == [0, 1, 2, 3]


async def test_a_callee_that_spins_is_killed_while_the_loop_goes_on(engines: tuple[Engine, Oracle]) -> None:
    engine, endings = engines[0], list[Exit]()
    guest = engine.guest(engine.load_bytes(bytes(wat2wasm(nest("(loop $l (br $l))")))), State(), Limits())
    async with trio.open_nursery() as nursery:

        async def go() -> None:
            endings.append(await guest.run())

        nursery.start_soon(go)
        for _ in range(20):
            await trio.lowlevel.checkpoint()
        assert not endings
        guest.kill()
    assert endings == [Exit("killed", message="killed")]


def parent_and_child(g: str) -> str:
    """Run calls a child, which calls `g` of its parent, whose body this is; `again` calls the child through a table."""
    return f"""(component {HOST}
      (core module $p (import "h" "note" (func $note (param i32)))
        (table (export "t") 1 funcref) (type $f (func))
        (func $again (call_indirect (type $f) (i32.const 0)))
        (func (export "g") (call $note (i32.const 2)) {g}))
      (core instance $p (instantiate $p (with "h" (instance (export "note" (func $note'))))))
      (func $g (canon lift (core func $p "g")))
      (component $child (import "g" (func $g))
        (core func $g' (canon lower (func $g)))
        (core module $m (import "h" "g" (func $g)) (func (export "f") (call $g)))
        (core instance $i (instantiate $m (with "h" (instance (export "g" (func $g'))))))
        (func (export "f") (canon lift (core func $i "f"))))
      (instance $c (instantiate $child (with "g" (func $g))))
      (core func $f (canon lower (func $c "f")))
      (core module $fill (import "p" "t" (table 1 funcref)) (import "h" "f" (func $f)) (elem (i32.const 0) func $f))
      (core instance (instantiate $fill (with "p" (instance $p)) (with "h" (instance (export "f" (func $f))))))
      {main({"f": ("", "$f")}, "(call $f)")})"""


async def test_a_child_may_call_its_parent_which_is_in_a_call(run: Runner) -> None:
    assert await run(parent_and_child("")) == [2]


async def test_nobody_may_be_called_who_is_in_a_call(run: Runner) -> None:
    """As the Canonical ABI says; wasmtime 50 lets a parent enter its child however often."""
    assert await run(parent_and_child("(call $again)"), "trap", "cannot enter", alike=False) == [2]


def posts(post: str) -> str:
    """Run calls twice what returns a string and is followed by this."""
    go = "(call $go (i32.const 0))"
    return f"""(component {HOST}
      (component $c (import "note" (func $note (param "x" u32))) (core func $note' (canon lower (func $note)))
        (core module $m (import "h" "note" (func $note (param i32)))
          (memory (export "memory") 1) (data (i32.const 8) "\\20\\00\\00\\00\\02\\00\\00\\00") (data (i32.const 32) "ab")
          (tag $tag)
          (func (export "go") (result i32) (call $note (i32.const 1)) (i32.const 8))
          (func (export "post") (param i32) {post}))
        (core instance $i (instantiate $m (with "h" (instance (export "note" (func $note'))))))
        (func (export "go") (result string)
          (canon lift (core func $i "go") (memory (core memory $i "memory")) (post-return (core func $i "post")))))
      (instance $c (instantiate $c (with "note" (func $note))))
      (core module $l
        (memory (export "memory") 1) (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 64)))
      (core instance $l (instantiate $l))
      (core func $go (canon lower (func $c "go") (memory (core memory $l "memory")) (realloc (core func $l "realloc"))))
      {main(NOTE | {"go": ("(param i32)", "$go")}, f"{go} (call $note (i32.const 3)) {go}")})"""


async def test_a_post_return_is_called_after_each_call(run: Runner) -> None:
    """It spoils what it has returned, which has been copied by then; `memory.grow` fails it if it were called more often."""
    assert await run(posts("(i32.store (local.get 0) (i32.const -1)) (i32.store (local.get 0) (i32.const 32))")) == [
        1,
        3,
        1,
    ]


@pytest.mark.parametrize(
    ("post", "message"),
    [("(call $note (i32.const 9))", "cannot leave"), ("unreachable", "unreachable"), ("(throw $tag)", "exception")],
)
async def test_a_post_return_that_does_what_it_may_not(run: Runner, post: str, message: str) -> None:
    """A component's post-return that another one's call is followed by may not call out; wasmtime 50 lets it."""
    assert await run(posts(post), "trap", message, alike=message != "cannot leave") == [1]
