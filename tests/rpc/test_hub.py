from __future__ import annotations

from runtime.hub import Hub, Notice


def notice(vm="v"):
    return Notice("vmState", vm, None, None, None, {"vm": vm})


def test_listeners_hear_their_vm_in_order_of_attachment():
    hub, heard = Hub(), []
    hub.attach("v", lambda n: heard.append((1, n.vm)))
    hub.attach("v", lambda n: heard.append((2, n.vm)))
    hub.attach("w", lambda n: heard.append((3, n.vm)))
    hub.publish(notice())
    hub.publish(notice("nobody"))
    assert heard == [(1, "v"), (2, "v")]


def test_detaching_is_idempotent_and_leaves_nothing_behind():
    hub, heard = Hub(), []
    detach = hub.attach("v", heard.append)
    other = hub.attach("v", heard.append)
    detach()
    detach()
    hub.publish(notice())
    assert len(heard) == 1
    other()
    hub.publish(notice())
    assert len(heard) == 1
    assert not hub._listeners


def test_a_listener_may_detach_another_or_attach_one_while_it_is_told():
    hub, heard = Hub(), []

    def first(_notice):
        detach_second()
        hub.attach("v", lambda _: heard.append("new"))

    hub.attach("v", first)
    detach_second = hub.attach("v", lambda _: heard.append("second"))
    hub.publish(notice())
    assert heard == []


def test_a_listener_that_fails_is_logged_and_hurts_nobody(caplog):
    hub, heard = Hub(), []
    hub.attach("v", lambda _: 1 / 0)
    hub.attach("v", heard.append)
    hub.publish(notice())
    assert len(heard) == 1
    assert "ZeroDivisionError" in caplog.text
