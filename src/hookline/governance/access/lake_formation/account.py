"""An account's Lake Formation: its API with retries, in pages and in batches."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from hookline.core.errors import ConfigError, HooklineError
from hookline.governance.access.lake_formation.options import LakeFormationOptions

# What passes by itself. ConcurrentModificationException: somebody else changed the same thing at that moment.
PASSING = frozenset(
    {
        "ThrottlingException",
        "Throttling",
        "TooManyRequestsException",
        "RequestLimitExceeded",
        "ConcurrentModificationException",
        "OperationTimeoutException",
        "InternalServiceException",
        "InternalFailure",
        "InternalServerError",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "RequestTimeout",
        # botocore's own words, for answers that did not come.
        "ConnectTimeoutError",
        "ConnectionClosedError",
        "EndpointConnectionError",
        "ReadTimeoutError",
        "ResponseStreamingError",
    }
)
# AWS names what went wrong, also when the fault is its own. What stands in for it, such as Moto, may not.
UNEXPLAINED = "Unexplained"
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.2, 20.0
_CONNECT_S = 5.0
_PAGE = 1_000


class AccountError(HooklineError):
    """AWS did not do what it was asked.

    Attributes:
        code: AWS's word for it, or the error's class.
    """

    def __init__(self, operation: str, code: str, told: str = "") -> None:
        self.operation = operation
        self.code = code
        super().__init__(f"{operation}: {told or code}")


class Account:
    """Clients of Lake Formation, Glue, STS and CloudTrail, made when they are needed.

    Args:
        wait: sleeps; tests don't.
    """

    def __init__(self, options: LakeFormationOptions, wait: Any = time.sleep) -> None:
        self._options = options
        self._wait = wait
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()
        self._identity: Mapping[str, Any] | None = None
        self._jitter = random.Random()  # noqa: S311 - it spreads retries, no secret comes of it

    @property
    def catalog(self) -> str:
        """The account whose catalog is meant."""
        return self._options.catalog_id or str(self._caller()["Account"])

    @property
    def caller(self) -> str:
        """The ARN of who asks."""
        return str(self._caller()["Arn"])

    @property
    def region(self) -> str:
        """The region; every region has permissions of its own."""
        return str(self._client("lakeformation").meta.region_name)

    @property
    def scope(self) -> str:
        """Tells this account and region from others."""
        return f"lakeformation:{self.region}:{self.catalog}"

    def call(self, service: str, operation: str, **arguments: Any) -> Mapping[str, Any]:
        """Call an operation, again after what passes by itself.

        Raises:
            AccountError: it was not done. The text has AWS's code and its message.
        """
        for attempt in range(1, self._options.attempts + 1):
            try:
                return self._call(service, operation, arguments)
            except AccountError as error:
                if attempt == self._options.attempts or error.code not in PASSING:
                    raise
            self.pause(attempt)
        raise AssertionError("unreachable")

    def pages(self, service: str, operation: str, key: str, **arguments: Any) -> Iterator[Any]:
        """All of a list that is told in pages.

        Raises:
            AccountError: as ``call``.
        """
        token: str | None = None
        while True:
            more = {"NextToken": token} if token else {}
            answer = self.call(service, operation, **arguments, **more)
            yield from answer.get(key) or ()
            token = answer.get("NextToken") or None
            if token is None:
                return

    def listed(self, operation: str, key: str, **arguments: Any) -> Iterator[Any]:
        """All of a list of Lake Formation, in pages as long as may be.

        Raises:
            AccountError: as ``call``.
        """
        return self.pages("lakeformation", operation, key, MaxResults=_PAGE, **arguments)

    def batch(self, operation: str, entries: Sequence[Mapping[str, Any]]) -> dict[str, str]:
        """Grant or revoke entries, each with an ``Id``. Those that fail for a while are sent again.

        Returns:
            Of those that failed for good, by their id, AWS's word for it.

        Raises:
            AccountError: nothing is known of any of them.
        """
        waiting = [*entries]
        failed: dict[str, str] = {}
        for attempt in range(1, self._options.attempts + 1):
            answer = self.call("lakeformation", operation, CatalogId=self.catalog, Entries=waiting)
            told = {one["RequestEntry"]["Id"]: one.get("Error") or {} for one in answer.get("Failures") or ()}
            again = {id for id, error in told.items() if str(error.get("ErrorCode", "")) in PASSING}
            if attempt == self._options.attempts:
                again = set()
            failed |= {id: _words(error) for id, error in told.items() if id not in again}
            waiting = [entry for entry in waiting if entry["Id"] in again]
            if not waiting:
                break
            self.pause(attempt)
        return failed

    def pause(self, attempt: int) -> None:
        """Wait before another attempt: longer each time, and never as long as the others that were throttled with this one."""
        self._wait(self._jitter.uniform(0, min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2**attempt)))

    def _call(self, service: str, operation: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer: Mapping[str, Any] = getattr(self._client(service), operation)(**arguments)
        except ClientError as error:
            told = error.response.get("Error", {})
            code = str(told.get("Code") or "unknown")
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            if status == 500 and code == "500":
                raise AccountError(
                    operation, UNEXPLAINED, "the server failed (HTTP 500), and did not say why"
                ) from None
            if code not in PASSING and status >= 500:
                code = "InternalFailure"
            raise AccountError(
                operation, code, _words({"ErrorCode": code, "ErrorMessage": told.get("Message")})
            ) from None
        except BotoCoreError as error:
            raise AccountError(operation, type(error).__name__, _in_words(error)) from None
        return answer

    def _client(self, service: str) -> Any:
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._make(service)
            return self._clients[service]

    def _make(self, service: str) -> Any:
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError
        from botocore.session import Session

        options = self._options
        config = Config(
            connect_timeout=_CONNECT_S,
            read_timeout=options.timeout_s,
            retries={"total_max_attempts": 1},
            max_pool_connections=16,
        )
        try:
            session = Session(profile=options.profile)
            session.register_component("data_loader", _data())
            return session.create_client(
                service, region_name=options.region, endpoint_url=options.endpoint_url, config=config
            )
        except BotoCoreError as error:
            raise ConfigError(f"lake_formation: {_in_words(error)}") from None

    def _caller(self) -> Mapping[str, Any]:
        if self._identity is None:
            self._identity = self.call("sts", "get_caller_identity")
        return self._identity


@cache
def _data() -> Any:
    """What botocore knows of AWS's services: reading its files takes a tenth of a second, and all sessions may share them."""
    from botocore.session import Session

    return Session().get_component("data_loader")


def _words(error: Mapping[str, Any]) -> str:
    code, message = str(error.get("ErrorCode") or "unknown"), str(error.get("ErrorMessage") or "")
    return f"{code} ({message[:300]})" if message else code


def _in_words(error: Exception) -> str:
    kind = type(error).__name__
    cures = {
        "NoCredentialsError": "no credentials were found: set them where the AWS SDK looks, or give a `profile`",
        "PartialCredentialsError": "the credentials are not complete",
        "NoRegionError": "no region was found: set `region` or $AWS_REGION",
        "ProfileNotFound": "there is no such profile: check `profile`",
        "ParamValidationError": f"the request is not one that AWS takes: {str(error)[:500]}",
    }
    return cures.get(kind, f"AWS can't be reached ({kind})")
