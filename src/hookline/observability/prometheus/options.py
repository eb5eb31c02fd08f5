"""What the plugin ``prometheus`` can be told."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

from hookline.core.plugin import PluginConfig


def _web_address(url: SecretStr) -> SecretStr:
    try:
        parts = urlsplit(url.get_secret_value())
        good = (
            parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc and parts.port != 0
        )
    except ValueError:
        good = False
    if not good:
        raise ValueError("Input should be a URL that begins with http:// or https://, without a name or password in it")
    return url


class PushOptions(BaseModel):
    """A Pushgateway."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True)

    url: Annotated[SecretStr, AfterValidator(_web_address)] = Field(
        description="The Pushgateway, such as http://pushgateway:9091."
    )
    username: str | None = Field(None, description="Who logs in (basic authentication); nobody by default.")
    password: SecretStr | None = Field(None, description="The password. Secret.")
    instance: Annotated[str, Field(min_length=1, max_length=120)] | None = Field(
        None, description="A label that tells places apart which run jobs of the same name with stores of their own."
    )
    timeout_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] = Field(
        10.0, description="Seconds to wait for an answer."
    )

    @model_validator(mode="after")
    def _check(self) -> PushOptions:
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password go together: give both, or neither")
        return self


class PrometheusConfig(PluginConfig):
    """Options of ``prometheus``."""

    push: PushOptions | None = Field(None, description="A Pushgateway that each job's metrics are pushed to.")
    textfile_dir: Path | None = Field(
        None, description="A folder for a file of each job, which the node exporter's textfile collector reads."
    )
    port: Annotated[int, Field(ge=0, lt=65_536)] | None = Field(
        None, description="A port to be scraped at while jobs run (0: any that is free); none by default."
    )
    host: Annotated[str, Field(min_length=1)] = Field(
        "127.0.0.1", description="The address of that port; whoever reaches it can read all metrics."
    )
    max_tag_values: Annotated[int, Field(gt=0)] = Field(
        200, description="How many values of one label are told apart; the rest are (other)."
    )
    forget_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] = Field(
        2_592_000.0, description="Seconds after which a series that does not change is dropped."
    )

    @model_validator(mode="after")
    def _check(self) -> PrometheusConfig:
        if self.push is None and self.textfile_dir is None and self.port is None:
            raise ValueError("it has nothing to do: give push, textfile_dir or port")
        return self
