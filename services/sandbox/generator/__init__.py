"""Decides first who is who, then writes each vendor's rows from it; the truth is read off those identities."""
