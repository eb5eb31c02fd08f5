"""Mail by SMTP, in plain text. A message's id is its Message-ID, so that one that comes twice is seen to be the same."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from hookline.core.errors import SinkError
from hookline.core.events import utc_now
from hookline.observability.alerts.options import EmailOptions
from hookline.observability.alerts.words import headline, text

_REMEMBERED = 1_000


class Email:
    """A channel.

    Args:
        base_dir: where a relative ``ca_file`` starts from.
    """

    def __init__(self, options: EmailOptions, base_dir: Path) -> None:
        self._options = options
        self._ca_file = None if options.ca_file is None else str(base_dir / options.ca_file)
        self._place = f"{options.host}:{options.port}"
        # Of messages that some recipients were refused for now: the others have theirs.
        self._left: dict[str, list[str]] = {}

    def send(self, payload: Mapping[str, Any], id: str) -> str:
        """Send it to every recipient that does not have it."""
        recipients = self._left.get(id, list(self._options.to))
        try:
            with self._connected() as server:
                refused = server.send_message(self._mail(payload, id), to_addrs=recipients)
        except smtplib.SMTPRecipientsRefused as error:
            refused = error.recipients
        except smtplib.SMTPAuthenticationError as error:
            raise SinkError(
                f"{self._place} refuses the login ({error.smtp_code}): check username and password"
            ) from None
        except smtplib.SMTPResponseException as error:
            final = 550 <= error.smtp_code < 560 and not isinstance(error, smtplib.SMTPSenderRefused)
            raise SinkError(f"{self._place} answered {error.smtp_code}", retryable=not final) from None
        except (OSError, smtplib.SMTPException) as error:
            raise SinkError(f"{self._place} did not take mail ({type(error).__name__})") from None
        if refused:
            self._complain(refused, id, len(recipients))
        self._left.pop(id, None)
        return f"accepted for {len(recipients)} of {len(self._options.to)} recipients"

    def _complain(self, refused: Mapping[str, Any], id: str, asked: int) -> None:
        codes = [int(answer[0]) for answer in refused.values()]
        again = any(code < 500 for code in codes)
        if again:
            self._left[id] = list(refused)
            for old in list(self._left)[:-_REMEMBERED]:
                del self._left[old]
        told = f"{self._place} refused {len(refused)} of {asked} recipients ({', '.join(map(str, sorted(set(codes))))})"
        raise SinkError(told, retryable=again)

    def _connected(self) -> smtplib.SMTP:
        options = self._options
        context = ssl.create_default_context(cafile=self._ca_file) if options.tls != "none" else None
        server: smtplib.SMTP
        if options.tls == "tls":
            server = smtplib.SMTP_SSL(options.host, options.port, timeout=options.timeout_s, context=context)
        else:
            server = smtplib.SMTP(options.host, options.port, timeout=options.timeout_s)
        try:
            if options.tls == "starttls":
                server.starttls(context=context)
            if options.username is not None and options.password is not None:
                server.login(options.username, options.password.get_secret_value())
        except BaseException:
            server.close()
            raise
        return server

    def _mail(self, payload: Mapping[str, Any], id: str) -> EmailMessage:
        mail = EmailMessage()
        mail["From"] = self._options.sender
        mail["To"] = ", ".join(self._options.to)
        mail["Subject"] = headline(payload)
        mail["Date"] = format_datetime(utc_now())
        mail["Message-ID"] = f"<{id}@{self._options.sender.rpartition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(text(payload))
        return mail
