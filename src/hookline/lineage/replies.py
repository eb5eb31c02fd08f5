"""What a back end's answer, or its silence, means for an event: arrived, later perhaps, or never."""

from __future__ import annotations

from typing import Any

from hookline.core.errors import SinkError
from hookline.core.web import refusal


def check_reply(reply: Any) -> None:
    """Whether an answer that the client took for a success is one.

    Raises:
        SinkError: a redirect turned the event into a question, or a web page answered (a login, a proxy).
    """
    status = getattr(reply, "status_code", None)
    if status is None:
        return  # no HTTP
    if getattr(reply, "history", None) and getattr(reply.request, "method", "POST") != "POST":
        raise SinkError(f"the back end answered with a redirect (HTTP {reply.history[0].status_code}): check its URL")
    if str(reply.headers.get("Content-Type", "")).lower().startswith("text/html"):
        raise SinkError(f"a web page answered (HTTP {status}), not a lineage back end: check its URL")
    if not 200 <= status < 300:
        raise SinkError(f"the back end answered HTTP {status}")


def trouble(error: Exception, address: str, url: str | None) -> SinkError:
    """A transport's exception as the outbox understands it; its text may quote the event or a key and is left out.

    Args:
        address: where the event was sent to, for people.
        url: the whole URL that it was sent to; an answer from another one, such as a token's, says nothing of the event.
    """
    reply: Any = getattr(error, "response", None)
    if reply is None or not hasattr(reply, "status_code"):
        return SinkError(f"{address} can't be reached ({type(error).__name__})")
    if url is not None and str(reply.url) != url:
        return SinkError(f"what {address} needs answered HTTP {reply.status_code} (a token, or behind a redirect)")
    return refusal(int(reply.status_code), reply.headers, address, "the event")
