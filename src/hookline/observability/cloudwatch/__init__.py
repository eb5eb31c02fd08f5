"""Metrics, log records, alarms and dashboards for Amazon CloudWatch. boto3 is loaded where something is sent."""
