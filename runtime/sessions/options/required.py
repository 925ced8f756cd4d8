"""What a session cannot go on without, in one answer: SECRETS_REQUIRED says all that `resumeSession` is to be given again."""

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
    """The error for what is lacking: variables of `env`, `mcpServers`, names of `secrets`.

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
