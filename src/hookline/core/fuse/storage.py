"""How tasks reach object stores: Spark's own Hadoop settings, translated for pyarrow."""

from __future__ import annotations

from typing import Any

from hookline.core.fuse.target import Target

_OPTIONS = {
    "access_key": "fs.s3a.access.key",
    "secret_key": "fs.s3a.secret.key",
    "session_token": "fs.s3a.session.token",
    "endpoint_override": "fs.s3a.endpoint",
    "region": "fs.s3a.endpoint.region",
}


def storage_options(target: Target) -> dict[str, Any] | None:
    """Options for pyarrow's S3 file system, when a file of the target is on S3. They hold secrets: never log them."""
    if not any(file.path.startswith(("s3://", "s3a://", "s3n://")) for file in target.files or ()):
        return None
    hadoop = target.spark.sparkContext._jsc.hadoopConfiguration()
    options = {name: hadoop.get(key) for name, key in _OPTIONS.items()}
    if hadoop.get("fs.s3a.connection.ssl.enabled") == "false":
        options["scheme"] = "http"
    return {name: value for name, value in options.items() if value}
