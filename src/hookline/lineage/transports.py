"""Where OpenLineage's client sends events: its transports, each behind the outbox as a sink of its own.

openlineage-python is loaded here, when a ``Client`` is made, and nowhere else. What it would do by itself about a back end
in trouble (its own retries, a composite that forgets what one of its parts did not take, a Kafka producer that only logs)
is left to the outbox: one delivery is one attempt, and it either arrived or it did not.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from hookline.core.errors import ConfigError, SinkError
from hookline.lineage.openlineage import Event
from hookline.lineage.replies import check_reply, trouble
from hookline.lineage.transport_options import check_options

if TYPE_CHECKING:
    from hookline.core.outbox import Message

_KAFKA_FLUSH_S = 30.0
_PLACES = (
    "the plugin's option `transport`, $OPENLINEAGE_CONFIG, openlineage.yml in the working directory and in "
    "~/.openlineage, $OPENLINEAGE__TRANSPORT__TYPE and the like, $OPENLINEAGE_URL"
)


class Client:
    """OpenLineage's client: its configuration from all the places where it looks, its filters, tags and transports.

    Args:
        transport: the configuration of a transport, as the client takes it; None to leave it to the client's own places.

    Raises:
        ConfigError: there is no transport, or it can't be made.
    """

    def __init__(self, transport: Mapping[str, Any] | None = None) -> None:
        from openlineage.client import OpenLineageClient

        # The client changes what it is given, and the process's environment.
        own = {"transport": copy.deepcopy(dict(transport))} if transport else None
        with _environment_kept():
            try:
                self._client = OpenLineageClient(config=own)
            except Exception as error:  # noqa: BLE001 - of any type; its text may quote the configuration
                raise ConfigError(
                    f"OpenLineage's transport can't be made ({type(error).__name__}): check its type and its options"
                ) from None
            told = (self._client.config.transport or {}).get("type") or os.environ.get("OPENLINEAGE_URL")
        if self.disabled:
            return
        if not told:
            raise ConfigError(f"no OpenLineage transport is configured; looked for in {_PLACES}")
        if transport:
            check_options(transport, self._client.transport)
        for part in _parts(self._client.transport):
            if part.kind == "async_http":
                raise ConfigError(
                    "OpenLineage's transport async_http: use http, events are sent in the background anyway"
                )

    @property
    def disabled(self) -> bool:
        """Whether $OPENLINEAGE_DISABLED, or a transport of type noop, says that nothing is sent."""
        return bool(self._client.transport.kind == "noop")

    def prepared(self, event: Event) -> Event | None:
        """The event with what the client is configured to add (tags, environment variables, shorter dataset names).

        None when its filters leave the event out. Done when the event is made: a delivery may be another process's.
        """
        from openlineage.client.serde import Serde

        typed = _typed(event)
        typed = self._client.add_environment_facets(typed)
        typed = self._client.update_event_tags_facets(typed)
        typed = self._client.add_source_code_location_facet(typed)
        if self._client.config.dataset.reducing_enabled:
            typed = self._with_shorter_names(typed)
        if self._client.filter_event(typed) is None:
            return None
        added = Serde.to_dict(typed)
        return {key: added.get(key, value) for key, value in event.items()}

    def _with_shorter_names(self, event: Any) -> Any:
        """Also of what columns come from, which the client only finds in a facet of its own class."""
        import attr
        from openlineage.client import event_v2

        @functools.cache
        def shorter(namespace: str, name: str) -> str:
            alone = attr.evolve(event, inputs=[event_v2.InputDataset(namespace, name)], outputs=[])
            reduced: Any = self._client.reduce_datasets(alone)
            return str(reduced.inputs[0].name)

        for output in event.outputs:
            if (facet := output.facets.get("columnLineage")) is not None:
                output.facets = {**output.facets, "columnLineage": (own := copy.deepcopy(facet))}
                for source in _sources_of_columns(own):
                    source["name"] = shorter(source["namespace"], source["name"])
        return self._client.reduce_datasets(event)

    def sinks(self) -> Iterator[tuple[str, TransportSink]]:
        """A sink for each transport, with a name that is unique among them; a composite's parts are told apart.

        A composite that stops at a success or a failure is one sink: its parts depend on one another.
        """
        transport: Any = self._client.transport
        parts = [transport]
        if transport.kind == "composite" and _takes_all(transport):
            parts = list(transport.transports)
        used: dict[str, int] = {}
        for part in parts:
            name = str(part.name or part.kind or type(part).__name__)
            used[name] = used.get(name, 0) + 1
            yield (name if used[name] == 1 else f"{name}_{used[name]}"), TransportSink(part)


class TransportSink:
    """An outbox sink that hands events to one transport, one at a time."""

    batch_size = 1

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        for part in _parts(transport):
            _without_own_patience(part)

    def deliver(self, messages: Sequence[Message]) -> None:
        """Emit.

        Raises:
            SinkError: with what happened and where, without the event and without credentials.
        """
        for message in messages:
            try:
                check_reply(self._transport.emit(_typed(message.payload)))
                _flushed(self._transport)
            except SinkError:
                raise
            except Exception as error:  # noqa: BLE001 - a transport may be anybody's
                raise trouble(error, *_address(self._transport)) from None


def _typed(event: Mapping[str, Any]) -> Any:
    """The event as the client's class, of which it reads the job and the parent; facets stay the dicts that they are."""
    from openlineage.client import event_v2
    from openlineage.client.facet_v2 import parent_run

    run, job = copy.deepcopy(dict(event["run"])), event["job"]
    parent = run["facets"].get("parent")
    if parent is not None:  # the key of a Kafka message is found in it
        root = parent["root"]
        run["facets"]["parent"] = parent_run.ParentRunFacet(
            run=parent_run.Run(parent["run"]["runId"]),
            job=parent_run.Job(parent["job"]["namespace"], parent["job"]["name"]),
            root=parent_run.Root(
                parent_run.RootRun(root["run"]["runId"]),
                parent_run.RootJob(root["job"]["namespace"], root["job"]["name"]),
            ),
            producer=parent["_producer"],
        )
    return event_v2.RunEvent(
        eventType=event_v2.RunState(event["eventType"]),
        eventTime=event["eventTime"],
        producer=event["producer"],
        run=event_v2.Run(run["runId"], run["facets"]),
        job=event_v2.Job(job["namespace"], job["name"], copy.deepcopy(dict(job["facets"]))),
        inputs=[event_v2.InputDataset(**one) for one in event["inputs"]],
        outputs=[event_v2.OutputDataset(**one) for one in event["outputs"]],
    )


def _sources_of_columns(facet: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for field in facet.get("fields", {}).values():
        yield from field["inputFields"]
    yield from facet.get("dataset", ())


def _takes_all(composite: Any) -> bool:
    return bool(composite.config.continue_on_failure and composite.config.continue_on_success)


def _parts(transport: Any) -> list[Any]:
    """The transport itself, or of a composite its parts, at any depth."""
    if transport.kind != "composite":
        return [transport]
    return [leaf for part in transport.transports for leaf in _parts(part)]


def _without_own_patience(transport: Any) -> None:
    """One attempt a delivery, and one that tells how it went; a number of retries that somebody chose stays."""
    from openlineage.client.transport.http_common import DEFAULT_RETRY_CONFIG

    if transport.kind == "http" and transport.config.retry == DEFAULT_RETRY_CONFIG:
        transport.config.retry = {"total": 0}
    elif transport.kind == "kafka":
        transport.flush = False
        transport.producer = _Producer(transport.producer) if transport.producer is not None else None


class _Producer:
    """A Kafka producer that remembers what was not delivered, which the client only logs."""

    def __init__(self, producer: Any) -> None:
        self._producer = producer
        self._failure: Any = None

    def produce(self, topic: str, key: str | None, value: bytes, on_delivery: Any) -> None:
        self._failure = None
        self._producer.produce(topic=topic, key=key, value=value, on_delivery=self._settled)

    def flush(self, timeout: float = -1) -> int:
        return int(self._producer.flush(timeout))

    def settle(self) -> None:
        """Wait until the message is there.

        Raises:
            SinkError: it is not.
        """
        if self._producer.flush(_KAFKA_FLUSH_S):
            self._producer.purge()
            self._producer.flush(0)
            raise SinkError(f"Kafka did not take the event within {_KAFKA_FLUSH_S:g} s")
        if self._failure is not None:
            raise SinkError(
                f"Kafka did not take the event: {self._failure.name()}", retryable=_is_passing(self._failure)
            )

    def _settled(self, error: Any, _message: Any) -> None:
        self._failure = error


def _is_passing(error: Any) -> bool:
    """Whether another attempt may help: not for a message that is too large, or that the broker calls invalid."""
    return error.name() not in ("MSG_SIZE_TOO_LARGE", "_MSG_SIZE_TOO_LARGE", "INVALID_MSG", "INVALID_RECORD")


def _flushed(transport: Any) -> None:
    for part in _parts(transport):
        if isinstance(getattr(part, "producer", None), _Producer):
            part.producer.settle()


def _address(transport: Any) -> tuple[str, str | None]:
    """Where a transport sends to: without what may be a secret, and as the whole URL, where there is one."""
    url = urljoin(str(getattr(transport, "url", "")), str(getattr(transport, "endpoint", "")))
    parts = urlsplit(url)
    return (f"{parts.scheme}://{parts.hostname}", url) if parts.hostname else (f"transport {transport.kind}", None)


@contextlib.contextmanager
def _environment_kept() -> Iterator[None]:
    """The client writes aliases of its variables, keys included, into the environment, where the job's children see them."""
    before = {name for name in os.environ if name.startswith("OPENLINEAGE__")}
    try:
        yield
    finally:
        for name in [name for name in os.environ if name.startswith("OPENLINEAGE__") and name not in before]:
            del os.environ[name]
