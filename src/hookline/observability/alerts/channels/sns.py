"""Topics of Amazon SNS, by botocore, which is loaded when the first message comes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hookline.core.errors import SinkError
from hookline.observability.alerts.options import SnsOptions
from hookline.observability.alerts.words import headline, text

_SUBJECT = 99
# The topic itself may be made, or allowed, or unlocked: only the message's own faults are final.
_FINAL = frozenset({"InvalidParameter", "InvalidParameterValue", "ParameterValueInvalid", "ValidationException"})
_LARGEST_BYTES = 200_000


class Sns:
    """A channel."""

    def __init__(self, options: SnsOptions) -> None:
        from botocore.config import Config
        from botocore.session import Session

        self._topic = options.topic_arn
        url = None if options.endpoint_url is None else options.endpoint_url.get_secret_value()
        # The outbox tries again, and knows when.
        patience = Config(
            connect_timeout=options.timeout_s, read_timeout=options.timeout_s, retries={"total_max_attempts": 1}
        )
        region = options.topic_arn.split(":")[3]
        try:
            self._client = Session().create_client("sns", region_name=region, endpoint_url=url, config=patience)
        except Exception as error:  # noqa: BLE001 - a profile that is not there, say; of any type
            raise SinkError(f"SNS can't be used ({type(error).__name__}): check the AWS configuration") from None

    def send(self, payload: Mapping[str, Any], id: str) -> str:
        """Publish text for people, with attributes to filter by."""
        from botocore.exceptions import BotoCoreError, ClientError

        fifo = {"MessageGroupId": "hookline", "MessageDeduplicationId": id} if self._topic.endswith(".fifo") else {}
        attributes = {"severity": payload["severity"], "hookline_id": id}
        try:
            answer = self._client.publish(
                TopicArn=self._topic,
                Subject=_subject(headline(payload)),
                Message=text(payload).encode()[:_LARGEST_BYTES].decode(errors="ignore"),
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
                },
                **fifo,
            )
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", "unknown"))
            raise SinkError(f"SNS answered {json.dumps(code[:80])}", retryable=code not in _FINAL) from None
        except BotoCoreError as error:
            raise SinkError(f"SNS can't be reached ({type(error).__name__})") from None
        return f"published {answer['MessageId']}"


def _subject(line: str) -> str:
    """ASCII on one line, which begins with a letter or a number: SNS takes nothing else."""
    plain = line.encode("ascii", "ignore").decode().strip(" ,.:-")
    return plain[:_SUBJECT] or "hookline"
