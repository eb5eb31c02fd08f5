"""Dashboards and what watches metrics, as code: said once, and drawn for each back end. Only metrics of the catalogue."""
