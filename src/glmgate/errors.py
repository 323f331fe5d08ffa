"""The one exception tree. Each error knows its status, its code in both vocabularies, and whether a retry may help.

Nothing here knows HTTP libraries or how an error is written down; `wire.error_body` does that.

    GlmgateError
    ├── RequestRefused               the caller must change something
    │   ├── InvalidRequest           400  a value is wrong
    │   │   ├── MissingParameter     400  a value is absent
    │   │   ├── ContextLengthExceeded 400 the prompt does not fit the model
    │   │   ├── UnsupportedValue     400  right in general, not with this model
    │   │   └── BodyUnreadable       400  no JSON, or not the JSON that is asked for
    │   ├── AuthenticationFailed     401
    │   ├── PermissionRefused        403
    │   ├── ModelNotFound            404
    │   ├── PathNotFound             404
    │   ├── ObjectNotFound           404  no project, key or service account of that id
    │   ├── MethodNotAllowed         405
    │   ├── BodyTimedOut             408
    │   ├── BodyTooLarge             413
    │   ├── EncodingRefused          415  a compressed body
    │   ├── HeadTooLarge             431
    │   ├── ContentFiltered          400  a filter refused the request or its answer
    │   ├── Conflict                 409  the same request is in flight already
    │   ├── ModelRetired             410  the model was there and is not any more
    │   └── UnsupportedEndpoint      501  in a vendor's catalogue, not served here
    ├── CapacityExceeded             429  our queue or an upstream's limit: later helps
    ├── QuotaExhausted               429  no money or no allowance left: later does not help
    ├── Unavailable                  503  an engine is loading or restarting: later helps
    ├── EngineFailed                 502  an engine broke while it worked
    │   ├── AnswerTruncated          502  its answer broke off before the end
    │   └── CredentialRefused        502  an upstream refuses a credential of ours
    ├── DeadlineExceeded             504
    ├── InternalError                500  a fault of ours
    └── SettingsError                     a start that cannot go on; never sent to a client
"""

from __future__ import annotations

from typing import ClassVar, Literal

ErrorType = Literal[
    "invalid_request_error",
    "authentication_error",
    "permission_error",
    "rate_limit_error",
    "insufficient_quota",
    "server_error",
]
Remedy = Literal["tell", "retry", "next", "park"]
"""What routing may do about a failure before the first delta: tell the client, ask the same deployment again (at once,
or after `retry_after_s`), ask the next deployment, or leave the credential alone until `parked_until` and ask with
another one."""


class GlmgateError(Exception):
    """The root of all errors that glmgate raises on purpose.

    `status` is an HTTP status; `code` OpenAI's word for it and `zai_code` the number that Z.AI and BigModel use
    (contract 3.5); `param` the field that was wrong; `retry_after_s` seconds until a retry may help; `retry`
    tells clients that obey `x-should-retry` what to do (None: leave it to them).

    `remedy` is for routing, and `parked_until` (Unix seconds, None: not known) goes with the remedy `park`. `is_ours`:
    it was raised before a deployment was asked, and says nothing about it.
    """

    status: ClassVar[int] = 500
    type: ClassVar[ErrorType] = "server_error"
    code: str = "internal_error"
    zai_code: str = "500"
    retry: bool | None = None
    remedy: Remedy = "tell"
    parked_until: float | None = None
    is_ours: bool = False

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        zai_code: str | None = None,
        retry_after_s: float | None = None,
        retry: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.retry_after_s = retry_after_s
        if code is not None:
            self.code = code
        if zai_code is not None:
            self.zai_code = zai_code
        if retry is not None:
            self.retry = retry


class RequestRefused(GlmgateError):
    """The caller must change the request; sending it again does not help."""

    status = 400
    type: ClassVar[ErrorType] = "invalid_request_error"
    code = "invalid_request"
    zai_code = "1210"
    retry: bool | None = False


class InvalidRequest(RequestRefused):
    """A value is of the wrong type, outside its range or contradicts another."""

    code = "invalid_value"
    zai_code = "1210"


class MissingParameter(InvalidRequest):
    """A value that is needed is absent."""

    code = "missing_required_parameter"
    zai_code = "1213"


class UnsupportedValue(InvalidRequest):
    """A value is right in general, but the model that answers cannot do it. Another one of the route may."""

    code = "unsupported_value"
    zai_code = "1214"
    remedy: Remedy = "next"


class ContextLengthExceeded(InvalidRequest):
    """Prompt and answer do not fit the model's context window."""

    code = "context_length_exceeded"
    zai_code = "1261"


class BodyUnreadable(InvalidRequest):
    """The body is not JSON, or not in an encoding that is understood."""

    code = "invalid_json"
    zai_code = "1210"


class AuthenticationFailed(RequestRefused):
    """No credential, or one that is not good. `zai_code` tells which (contract 3.5: 1000 to 1004)."""

    status = 401
    type: ClassVar[ErrorType] = "authentication_error"
    code = "invalid_api_key"
    zai_code = "1000"


class PermissionRefused(RequestRefused):
    """The credential is good, but not for this."""

    status = 403
    type: ClassVar[ErrorType] = "permission_error"
    code = "permission_denied"
    zai_code = "1220"


class ModelNotFound(RequestRefused):
    """No model of that name answers here."""

    status = 404
    code = "model_not_found"
    zai_code = "1211"


class PathNotFound(RequestRefused):
    """No such path in either vendor's catalogue."""

    status = 404
    code = "not_found"
    zai_code = "1222"


class ObjectNotFound(RequestRefused):
    """Nothing that is administered has that id."""

    status = 404
    code = "object_not_found"
    zai_code = "1210"


class MethodNotAllowed(RequestRefused):
    """The path exists, but not with this method."""

    status = 405
    code = "method_not_allowed"
    zai_code = "1212"


class BodyTimedOut(RequestRefused):
    """The body did not arrive in time."""

    status = 408
    code = "request_timeout"
    zai_code = "1210"


class BodyTooLarge(RequestRefused):
    """The body is larger than the setting allows."""

    status = 413
    code = "request_too_large"
    zai_code = "1210"


class EncodingRefused(RequestRefused):
    """The body is compressed; what it would grow to cannot be bounded before it is read."""

    status = 415
    code = "unsupported_content_encoding"
    zai_code = "1210"


class HeadTooLarge(RequestRefused):
    """Request line and headers together are larger than any client of ours sends."""

    status = 431
    code = "request_header_fields_too_large"
    zai_code = "1210"


class ContentFiltered(RequestRefused):
    """A filter refused the request, or what was answered to it (contract 3.5, 1300 and 1301)."""

    code = "content_filter"
    zai_code = "1301"


class Conflict(RequestRefused):
    """A request of the same id is in flight already (contract 3.5, 1231)."""

    status = 409
    code = "conflict"
    zai_code = "1231"


class ModelRetired(RequestRefused):
    """The model was there and is not any more (contract 3.5, 1221)."""

    status = 410
    code = "model_retired"
    zai_code = "1221"


class UnsupportedEndpoint(RequestRefused):
    """The path stands in a vendor's catalogue, but is not served here (contract section 6, last lines)."""

    status = 501
    code = "unsupported_endpoint"
    zai_code = "1222"


class CapacityExceeded(GlmgateError):
    """Our queue is full, or an upstream's limit is reached. Later helps: `retry_after_s` says when."""

    status = 429
    type: ClassVar[ErrorType] = "rate_limit_error"
    code = "rate_limit_exceeded"
    zai_code = "1302"
    retry: bool | None = True
    remedy: Remedy = "next"


class QuotaExhausted(GlmgateError):
    """No money or no allowance is left for any credential of the route. Asking again does not help (contract A1)."""

    status = 429
    type: ClassVar[ErrorType] = "insufficient_quota"
    code = "insufficient_quota"
    zai_code = "1113"
    retry: bool | None = False
    remedy: Remedy = "park"


class AllowanceReserved(QuotaExhausted):
    """What is left of an allowance is reserved by requests under way. Later helps, as with a limit."""

    type: ClassVar[ErrorType] = "rate_limit_error"
    code = "rate_limit_exceeded"
    zai_code = "1302"
    retry: bool | None = True


class Unavailable(GlmgateError):
    """An engine is loading or restarting. Later helps."""

    status = 503
    code = "service_unavailable"
    zai_code = "1230"
    retry: bool | None = True
    remedy: Remedy = "next"


class EngineFailed(GlmgateError):
    """An engine broke while it worked on the request."""

    status = 502
    code = "engine_failed"
    zai_code = "1234"
    retry: bool | None = True
    remedy: Remedy = "retry"


class AnswerTruncated(EngineFailed):
    """An answer broke off before its end: the stream or the connection ended without a finish reason."""


class CredentialRefused(EngineFailed):
    """An upstream refuses a credential of ours. The caller's own key is good, so this is not a 401."""

    code = "upstream_credential_refused"
    retry: bool | None = False
    remedy: Remedy = "park"


class DeadlineExceeded(GlmgateError):
    """The request took longer than the setting allows."""

    status = 504
    code = "timeout"
    zai_code = "1234"
    retry: bool | None = True


class InternalError(GlmgateError):
    """A fault of ours. The message names the request id, never the cause."""


class SettingsError(GlmgateError):
    """Settings, files or the environment do not let the program start; `message` says what to change."""
