"""A small client of nhanhsync: connect, wait, and watch with automatic resume; asyncio here, blocking in `blocking`.

    async with connect(job_tracker="127.0.0.1:50051") as client:
        async for update in client.watch_job(job_id):
            print(update.job.progress.processed)

The raw stubs are there too: `client.jobs` and `client.sync`.
"""

from nhanhsync.client.aio import Client, connect
from nhanhsync.client.refusals import FieldViolation, Refused, refused
from nhanhsync.client.resuming import GaveUpError, Resumption
from nhanhsync.client.security import PlaintextTokenError, Security

__all__ = [
    "Client",
    "FieldViolation",
    "GaveUpError",
    "PlaintextTokenError",
    "Refused",
    "Resumption",
    "Security",
    "connect",
    "refused",
]
