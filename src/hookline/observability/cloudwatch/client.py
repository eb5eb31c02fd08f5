"""botocore's clients, made when something is sent, and what their errors mean for a message."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal

from hookline.core.errors import SinkError
from hookline.core.web import seconds
from hookline.observability.cloudwatch.options import CloudWatchOptions

Service = Literal["cloudwatch", "logs"]
# The message itself is at fault. Anything else may be put right: a login, a policy, a quota, a clock.
_NEVER = frozenset(
    {
        "InvalidParameterValue",
        "InvalidParameterValueException",
        "InvalidParameterCombination",
        "InvalidParameterCombinationException",
        "InvalidParameterException",
        "InvalidParameterInput",
        "MissingParameter",
        "MissingRequiredParameterException",
        "InvalidFormat",
        "InvalidFormatFault",
        "SerializationException",
        "ValidationError",
        "ValidationException",
    }
)
_lock = threading.Lock()
_LOGIN = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "SignatureDoesNotMatch",
        "UnauthorizedOperation",
        "UnrecognizedClientException",
    }
)


class Client:
    """One service's client.

    Args:
        patient: whether botocore may try again by itself, as a command's user wants; the outbox does so otherwise.
    """

    def __init__(self, service: Service, options: CloudWatchOptions, *, patient: bool = False) -> None:
        self._service: Service = service
        self._options = options
        self._attempts = 4 if patient else 1
        self._client: Any = None

    def call(self, operation: str, **arguments: Any) -> Mapping[str, Any]:
        """Call an operation.

        Raises:
            SinkError: it was not done. The text has AWS's code, and no name, key or account.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            if self._client is None:
                self._client = self._make()
            answer: Mapping[str, Any] = getattr(self._client, operation)(**arguments)
        except ClientError as error:
            raise _refusal(error.response, self._service) from None
        except BotoCoreError as error:
            raise SinkError(_in_words(self._service, type(error).__name__)) from None
        except (OSError, ValueError) as error:
            raise SinkError(f"{self._service} can't be used ({type(error).__name__})") from None
        return answer

    def _make(self) -> Any:
        # Without boto3, which loads what moves files to S3 as well.
        from botocore.config import Config
        from botocore.session import Session

        options = self._options
        config = Config(
            connect_timeout=min(10.0, options.timeout_s),
            read_timeout=options.timeout_s,
            retries={"total_max_attempts": self._attempts, "mode": "standard"},
        )
        session = Session(profile=options.profile)
        with _lock:
            session.register_component("data_loader", _data())
            client = session.create_client(
                self._service, region_name=options.region, endpoint_url=options.endpoint_url, config=config
            )
        client.meta.events.register("before-parse", self._check)
        return client

    def _check(self, response_dict: Mapping[str, Any], **_: Any) -> None:
        """A login page with HTTP 200 is no answer: botocore's parser takes anything for one."""
        body = bytes(response_dict["body"] or b"").lstrip()[:20].lower()
        if response_dict["status_code"] < 300 and body.startswith((b"<!doctype", b"<html")):
            raise SinkError(f"{self._service}: something else than AWS answered: check endpoint_url and proxies")


@cache
def _data() -> Any:
    """What botocore knows of AWS's services: reading its files takes a tenth of a second, and all sessions may share them."""
    from botocore.session import Session

    return Session().get_component("data_loader")


def error_code(error: SinkError) -> str:
    """AWS's code of what was refused, else nothing."""
    return str(getattr(error, "code", ""))


def _refusal(response: Mapping[str, Any], service: str) -> SinkError:
    code = str(response.get("Error", {}).get("Code", "unknown"))[:80]
    told = response.get("ResponseMetadata", {})
    status = told.get("HTTPStatusCode")
    if code in _NEVER or status == 413:
        refused = SinkError(f"{service} does not take the message ({code})", retryable=False)
    else:
        cure = ": check the credentials and their policy" if code in _LOGIN or status in (401, 403) else ""
        wait = seconds(told.get("HTTPHeaders", {}).get("retry-after"))
        refused = SinkError(f"{service} answered {code} (HTTP {status}){cure}", retry_after_s=wait)
    refused.code = code  # type: ignore[attr-defined]
    return refused


def _in_words(service: str, kind: str) -> str:
    cures = {
        "NoCredentialsError": "no credentials were found: set them where the AWS SDK looks, or give a `profile`",
        "PartialCredentialsError": "the credentials are not complete",
        "NoRegionError": "no region was found: set `region` or $AWS_REGION",
        "ProfileNotFound": "there is no such profile: check `profile`",
        "ResponseParserError": "something else than AWS answered: check `endpoint_url` and proxies",
    }
    return f"{service}: {cures[kind]}" if kind in cures else f"{service} can't be reached ({kind})"
