"""The methods by which a client opens an agent's files itself."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from runtime.api import file_serving as api
from runtime.api.errors import ApiError, ErrorCode
from runtime.rpc.file_serving import FileServing
from runtime.rpc.methods import Call, handles

if TYPE_CHECKING:
    from runtime.api.file_serving import RespondFile, ServeFiles


@handles(api.SERVE_FILES)
async def _serve_files(call: Call, params: ServeFiles) -> Any:
    await call.host.queries.session_events(params.vm_name, params.session_id, limit=0)
    subscriptions = call.subscriptions
    serving = FileServing(subscriptions.reserve(), params, subscriptions.outbox)
    call.afterwards.append(partial(subscriptions.serve_files, serving))
    return api.Serving(serving.id)


@handles(api.RESPOND_FILE)
async def _respond_file(call: Call, params: RespondFile) -> Any:
    serving = call.subscriptions.file_servings.get(params.subscription_id)
    if serving is None:
        raise ApiError(ErrorCode.NOT_FOUND, f"this connection does not serve files as {params.subscription_id}")
    serving.answer(params.request_id, params.content, params.error)
    return {}
