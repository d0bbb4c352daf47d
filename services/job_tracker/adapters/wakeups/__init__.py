"""Replicas that share a PostgreSQL wake each other: at once by NOTIFY, and in any case by looking."""
