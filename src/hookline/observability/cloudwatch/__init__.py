"""Metrics, log records, alarms and dashboards for Amazon CloudWatch. botocore is loaded where something is sent."""
