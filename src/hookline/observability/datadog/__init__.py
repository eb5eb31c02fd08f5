"""Metrics, spans, log records, events, monitors and dashboards for Datadog.

DogStatsD's datagrams and the trace agent's ``/v0.4/traces`` are written here, not by Datadog's libraries. Both libraries keep
what they send in memory, drop it when the agent is away, and do not tell: a metric or a span of theirs can't be kept until it
arrived. Here the outbox keeps it, with its own time, and an agent that is back gets it. ddtrace (770 ms of start-up) is loaded
for profiling alone.
"""
