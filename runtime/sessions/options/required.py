"""The error SECRETS_REQUIRED: it names everything that `resumeSession` has to be given again, in one answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime.api.errors import ApiError, ErrorCode

if TYPE_CHECKING:
    from collections.abc import Iterable


def secrets_required(
    *,
    env: Iterable[str] = (),
    servers: bool = False,
    secrets: Iterable[str] = (),
    host_env: Iterable[str] = (),
) -> ApiError:
    """The error for missing variables of `env`, `mcpServers` and names of `secrets`.

    Its data: `missing` has the variables by option, `options` and `names` the two sides of it; `hostEnv` the variables
    that the daemon's environment should have and has not.
    """
    missing = {"env": sorted(env), "mcpServers": [], "secrets": sorted(secrets)}
    missing = {option: names for option, names in missing.items() if names or (servers and option == "mcpServers")}
    asked = [f"{option} ({', '.join(names)})" if names else option for option, names in missing.items()]
    reasons = []
    if missing.keys() & {"env", "mcpServers"}:
        reasons.append("what was sealed cannot be opened here")
    if "secrets" in missing:
        reasons.append("values of secrets are kept in memory only")
    message = f"{' and '.join(asked)} must be given again: {', and '.join(reasons)}"
    lacking = sorted(host_env)
    if lacking:
        message += f" (the daemon's environment has no {', '.join(lacking)})"
    return ApiError(
        ErrorCode.SECRETS_REQUIRED,
        message,
        names=sorted({name for names in missing.values() for name in names}),
        options=list(missing),
        missing=missing,
        **({"hostEnv": lacking} if lacking else {}),
    )
