"""Signers: what computes credentials. The libraries are extras, loaded when an upstream needs one."""

import hashlib
from collections.abc import Mapping

from kilo_gateway.config.compile import UpstreamPlan
from kilo_gateway.upstreams.signing import AwsKeys, Signer


def signer_of(plan: UpstreamPlan) -> Signer | None:
    """What signs requests of an upstream; None for most. Raises ValueError if its library is not installed."""
    if plan.aws is None:
        return None
    try:
        return aws_signer(plan.aws)
    except ImportError:
        raise ValueError(
            f"signing requests of upstream {plan.name} needs the extra: pip install 'kilo-gateway[aws]'; "
            "or set AWS_BEARER_TOKEN_BEDROCK"
        ) from None


def aws_signer(keys: AwsKeys) -> Signer:
    """Signature Version 4, computed by AWS' own library. Raises ImportError."""
    from awscrt import auth, http  # noqa: PLC0415 - an extra, and the start is a budget

    provider = auth.AwsCredentialsProvider.new_static(
        keys.access_key, keys.secret_key.reveal(), keys.session_token.reveal() or None
    )

    def sign(method: str, target: str, headers: Mapping[str, str], body: bytes) -> bytes:
        # The time of the signature is the library's: what AWS compares it with is the true one.
        given = http.HttpHeaders(list(headers.items()))
        request = http.HttpRequest(method, target, given)
        config = auth.AwsSigningConfig(
            algorithm=auth.AwsSigningAlgorithm.V4,
            signature_type=auth.AwsSignatureType.HTTP_REQUEST_HEADERS,
            credentials_provider=provider,
            region=keys.region,
            service=keys.service,
            signed_body_value=hashlib.sha256(body).hexdigest(),
            signed_body_header_type=auth.AwsSignedBodyHeaderType.X_AMZ_CONTENT_SHA_256,
        )
        auth.aws_sign_request(request, config).result()  # with keys at hand it is done already
        added = [(name, value) for name, value in request.headers if name not in headers]
        return "".join(f"{name.lower()}: {value}\r\n" for name, value in added).encode()

    return sign
