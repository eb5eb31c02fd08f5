"""Glue, spoken to by botocore, which tries again with jitter; and what its errors mean for a message."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

from hookline.core.errors import HooklineError, SinkError
from hookline.governance.aws import client, code_of
from hookline.governance.catalog.glue.options import GlueConfig

_ATTEMPTS = 4
_ROUNDS = 5
# The message itself is at fault; anything else may be put right.
_NEVER = frozenset({"InvalidInputException", "ValidationException", "ParamValidationError", "SerializationException"})
_LOGIN = frozenset(
    {"AccessDeniedException", "UnrecognizedClientException", "ExpiredTokenException", "InvalidSignatureException"}
)
_T = TypeVar("_T")
Failures = Callable[[Mapping[str, Any]], Sequence[tuple[_T, str]]]


class GlueError(SinkError):
    """Glue did not do it.

    Attributes:
        code: AWS's word for it, else the exception's class.
    """

    def __init__(self, code: str) -> None:
        self.code = code
        cure = ": check the credentials and their policy" if code in _LOGIN else ""
        super().__init__(f"Glue answered {code}{cure}", retryable=code not in _NEVER)


class Glue:
    """One catalog of Glue. Thread-safe; nothing is asked before the first call."""

    def __init__(self, options: GlueConfig) -> None:
        self._options = options
        self._client: Any = None
        self._lock = threading.Lock()

    def call(self, operation: str, **arguments: Any) -> Mapping[str, Any]:
        """Call an operation of the catalog.

        Raises:
            GlueError: it was not done. The text has AWS's code, and no name, key or account.
        """
        try:
            made = self._made()
            if self._options.catalog_id is not None and _takes_catalog(made, operation):
                arguments["CatalogId"] = self._options.catalog_id
            answer: Mapping[str, Any] = getattr(made, operation)(**arguments)
        except HooklineError:
            raise
        except Exception as error:  # noqa: BLE001 - botocore has no one class
            raise GlueError(code_of(error)) from None
        return answer

    def _made(self) -> Any:
        with self._lock:
            if self._client is None:
                timeout_s = self._options.timeout_s
                made = client("glue", self._options, "Glue needs", read_timeout_s=timeout_s, attempts=_ATTEMPTS)
                made.meta.events.register("before-parse", _check)
                self._client = made
            return self._client

    def in_batches(
        self,
        items: Iterable[_T],
        most: int,
        send: Callable[[list[_T]], Mapping[str, Any]],
        failed: Failures[_T],
    ) -> Iterator[tuple[_T, str]]:
        """Send items, so many at once; those that fail are sent again, later and later, by chance not all at the same time.

        Args:
            failed: of an answer, the items that failed, each with AWS's code.

        Yields:
            Those that failed for good, with their codes.
        """
        waiting = iter(items)
        while batch := list(islice(waiting, most)):
            for number in range(_ROUNDS):
                lost = list(failed(send(batch)))
                again = [item for item, code in lost if may_pass(code)]
                yield from ((item, code) for item, code in lost if not may_pass(code))
                if not again:
                    break
                if number == _ROUNDS - 1:
                    yield from ((item, code) for item, code in lost if may_pass(code))
                    break
                batch = again
                pause(number)


_FINAL = frozenset(
    {"InvalidInputException", "AlreadyExistsException", "EntityNotFoundException", "ValidationException"}
)


def _check(response_dict: Mapping[str, Any], **_: Any) -> None:
    """A login page with HTTP 200 is no answer: botocore's parser takes anything for one."""
    body = bytes(response_dict["body"] or b"").lstrip()
    if response_dict["status_code"] < 300 and not body.startswith(b"{"):
        raise SinkError("something else than AWS answered in place of Glue: check endpoint_url and proxies")


def _takes_catalog(made: Any, operation: str) -> bool:
    """The registry's calls know of no catalogs."""
    name = made.meta.method_to_api_mapping[operation]
    return "CatalogId" in made.meta.service_model.operation_model(name).input_shape.members


def may_pass(code: str) -> bool:
    """Whether an item that failed so may pass when it is sent again."""
    return code not in _FINAL


def pause(number: int) -> None:
    """Wait before the next try: twice as long each time, and between nothing and that by chance."""
    time.sleep(random.uniform(0.05, 0.2 * 2**number))  # noqa: S311 - not a secret
