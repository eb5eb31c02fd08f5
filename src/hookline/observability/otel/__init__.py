"""Runs and writes as OpenTelemetry has them: spans, metrics and logs, each a request of OTLP."""
