"""`vm.*`: the methods on VMs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from runtime.api import names, vms
from runtime.api.names import with_vm_as_given
from runtime.rpc.methods import Call, handles

if TYPE_CHECKING:
    from runtime.api.types import NoParams, VmParams
    from runtime.api.vms import VmConfigure, VmExport, VmGetOrCreate, VmImport, VmSleep


@handles(vms.GET_OR_CREATE)
async def _get_or_create(call: Call, params: VmGetOrCreate) -> Any:
    options = None if params.options is None else msgspec.to_builtins(params.options)
    return with_vm_as_given(await call.host.get_or_create(params.vm_name, options))


@handles(vms.GET)
async def _get(call: Call, params: VmParams) -> Any:
    return with_vm_as_given(await call.host.queries.get(params.vm_name))


@handles(vms.CONFIGURE)
async def _configure(call: Call, params: VmConfigure) -> Any:
    changes = msgspec.to_builtins(params.options)
    return with_vm_as_given(await call.host.configure(params.vm_name, changes))


@handles(vms.LIST)
async def _list_vms(call: Call, _params: NoParams) -> Any:
    return [with_vm_as_given(info) for info in await call.host.queries.list()]


@handles(vms.SLEEP)
async def _sleep(call: Call, params: VmSleep) -> Any:
    return with_vm_as_given(await call.host.sleep(params.vm_name, params.grace_ms, params.force))


@handles(vms.WAKE)
async def _wake(call: Call, params: VmParams) -> Any:
    await call.host.vm(params.vm_name)
    return with_vm_as_given(await call.host.queries.get(params.vm_name))


@handles(vms.STATS)
async def _stats(call: Call, params: VmParams) -> Any:
    return with_vm_as_given(await call.host.queries.stats(params.vm_name))


@handles(vms.DESTROY)
async def _destroy(call: Call, params: VmParams) -> Any:
    await call.host.destroy(params.vm_name)
    return {}


@handles(vms.EXPORT)
async def _export(call: Call, params: VmExport) -> Any:
    return await call.host.export(params.vm_name, params.path, call.progress(params.progress_token))


@handles(vms.IMPORT)
async def _import(call: Call, params: VmImport) -> Any:
    name = None if params.vm is None else names.joined(params.vm)
    return with_vm_as_given(
        await call.host.import_(params.path, name, call.progress(params.progress_token), trust=params.trust)
    )
