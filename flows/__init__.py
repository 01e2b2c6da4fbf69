"""Prefect flows: tables of contents over `tasks`, twenty lines at most each."""
