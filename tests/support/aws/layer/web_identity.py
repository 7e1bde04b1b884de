"""AssumeRoleWithWebIdentity as AWS grants it: the token is one of a known OIDC provider, and the role trusts it.

Everything is checked but the signature: the keys of a provider would have to be fetched from its URL.
"""

import base64
import json
import time
from datetime import UTC, datetime
from typing import Any

from moto.iam.models import iam_backends

from .errors import error_response
from .http import Request, Response
from .identify import Call
from .policies import TrustRequest, as_list
from .roles import ROLE_ARN, check_trust, find_role, refuse_parameters
from .testbed import Testbed

ACTION = "sts:AssumeRoleWithWebIdentity"
DENIED = f"Not authorized to perform {ACTION}"
NO_TOKEN = "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"
SCHEME = "https://"


class TokenRefusedError(Exception):
    """A token that STS does not take, whatever the role says."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def assume_role_with_web_identity(testbed: Testbed, request: Request, call: Call) -> Response | None:
    """Refuses what AWS refuses; moto answers the rest."""
    with testbed.moto.lock:
        return _refuse_token(request, call)


def _refuse_token(request: Request, call: Call) -> Response | None:
    form = request.form()
    role_arn = form.get("RoleArn", "")
    # The call is not signed, and so not by anybody in a partition: the role's counts.
    match = ROLE_ARN.fullmatch(role_arn)
    if match is None:
        return error_response(request, call, 400, "ValidationError", f"{role_arn} is invalid")
    try:
        claims = _claims_of(form.get("WebIdentityToken", ""))
        provider = _provider_of(match[1], match[2], claims)
    except TokenRefusedError as error:
        return error_response(request, call, 400, error.code, error.message)
    role = find_role(role_arn, match[1])
    if role is None:
        return error_response(request, call, 403, "AccessDenied", DENIED)
    context = {
        f"{provider.url}:aud": as_list(claims["aud"])[0],
        f"{provider.url}:sub": claims["sub"],
        "sts:RoleSessionName": form.get("RoleSessionName"),
    }
    trust_request = TrustRequest(ACTION, {"Federated": {provider.arn}}, context)
    return check_trust(request, call, role, trust_request, DENIED) or refuse_parameters(request, call, form, role, None)


def _claims_of(token: str) -> dict[str, Any]:
    parts = token.split(".")
    if len(parts) != 3 or not all(parts):
        raise TokenRefusedError("InvalidIdentityToken", NO_TOKEN)
    try:
        header, claims = (json.loads(_decode(part)) for part in parts[:2])
        _decode(parts[2])
    except ValueError as error:
        raise TokenRefusedError("InvalidIdentityToken", NO_TOKEN) from error
    if not isinstance(header, dict) or not isinstance(claims, dict) or header.get("alg") != "RS256":
        raise TokenRefusedError("InvalidIdentityToken", NO_TOKEN)
    for name in ("iss", "sub", "aud", "exp", "iat"):
        if not claims.get(name):
            raise TokenRefusedError("InvalidIdentityToken", f"Missing a required claim: {name}")
    if len(as_list(claims["aud"])) != 1 or "azp" in claims:
        raise TokenRefusedError("NotEmulated", "the testbed does not evaluate tokens of several audiences")
    return claims


def _provider_of(partition: str, account: str, claims: dict[str, Any]) -> Any:
    """The provider of the token's issuer in the account of the role; refuses what is not meant for it."""
    providers = iam_backends[account][partition].open_id_providers.values() if account in iam_backends else []
    provider = next((provider for provider in list(providers) if SCHEME + provider.url == claims["iss"]), None)
    if provider is None:
        message = f"No OpenIDConnect provider found in your account for {claims['iss']}"
        raise TokenRefusedError("InvalidIdentityToken", message)
    if as_list(claims["aud"])[0] not in provider.client_id_list:
        raise TokenRefusedError("InvalidIdentityToken", "Incorrect token audience")
    if claims["exp"] <= time.time():
        now, end = (datetime.fromtimestamp(moment, UTC).isoformat() for moment in (time.time(), claims["exp"]))
        message = f"Token expired: current date/time {now} must be before the expiration date/time {end}"
        raise TokenRefusedError("ExpiredTokenException", message)
    return provider


def _decode(part: str) -> bytes:
    if "=" in part:
        raise ValueError("base64 in tokens is without padding")
    padded = part + "=" * (-len(part) % 4)
    return base64.b64decode(padded, altchars=b"-_", validate=True)
