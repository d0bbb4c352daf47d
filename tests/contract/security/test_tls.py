"""TLS as both services and all clients speak it, with certificates that are renewed while they run."""

import asyncio
import socket
import ssl
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

import grpc
import pytest
from chassis import health
from job_tracker.__main__ import TrackerSettings
from job_tracker.__main__ import running as running_tracker
from nhanhsync.client import connect
from nhanhsync.client.blocking import connect as connect_blocking
from nhanhsync.jobs.v1 import job_tracker_service_pb2 as pb
from nhanhsync.sync.v1 import operations_pb2, sync_worker_service_pb2
from sync_worker.__main__ import WorkerSettings
from sync_worker.__main__ import running as running_worker

from tests.contract.security.conftest import NOWHERE, SECRETS, STORE
from tests.fakes.callers import ADMIN, HANOI, write_tokens
from tests.fakes.certificates import Authority, Pair

PATIENCE_SECONDS = 10.0


def tracker_settings(folder: Path, pair: Pair, **changed: Any) -> TrackerSettings:
    """Settings of a JobTracker with TLS and ADMIN."""
    usual = {
        "listen": "127.0.0.1:0",
        "database_url": f"sqlite:///{folder / 'jobs.db'}",
        "tokens_file": str(write_tokens(folder / "tokens.toml", ADMIN)),
        "tls_certificate": str(pair.certificate),
        "tls_key": str(pair.key),
    }
    return TrackerSettings(**(usual | changed))


def shown_serial(address: str, authority: Authority) -> str:
    """The serial number of the certificate that a server shows to a new connection."""
    host, _, port = address.rpartition(":")
    context = ssl.create_default_context(cafile=authority.pem)
    context.set_alpn_protocols(["h2"])
    with socket.create_connection((host, int(port)), 5) as raw, context.wrap_socket(raw, server_hostname=host) as tls:
        return str((tls.getpeercert() or {})["serialNumber"])


async def test_a_client_certificate_is_required_where_a_client_ca_is_set(tmp_path: Path) -> None:
    """Mutual TLS: none, or one of another CA, gets no connection; a good one still needs a token."""
    authority, stranger = Authority(tmp_path), Authority(tmp_path, "stranger")
    settings = tracker_settings(tmp_path, authority.issue(), tls_client_ca=str(authority.pem))
    good, bad = authority.issue("client", "client@example.com"), stranger.issue("client", "client@example.com")
    async with running_tracker(settings) as handle:

        async def code(pair: Pair | None, token: str | None = ADMIN.token) -> str:
            own = {} if pair is None else {"certificate": pair.certificate, "key": pair.key}
            async with connect(job_tracker=handle.address, token=token, ca=authority.pem, **own) as client:
                try:
                    await client.jobs.ListJobs(pb.ListJobsRequest(), timeout=PATIENCE_SECONDS)
                except grpc.aio.AioRpcError as error:
                    return error.code().name
                return "OK"

        assert await code(good) == "OK"
        assert await code(None) == "UNAVAILABLE"
        assert await code(bad) == "UNAVAILABLE"
        assert await code(good, token=None) == "UNAUTHENTICATED"
        # The container's probe, as a process: it shows a certificate, too.
        words = [handle.address, "--ca", str(authority.pem)]
        shown = ["--certificate", str(good.certificate), "--key", str(good.key)]
        assert await asyncio.to_thread(health.main, [*words, *shown]) == 0
        assert await asyncio.to_thread(health.main, words) == 1


async def test_a_renewed_certificate_is_shown_without_a_restart(tmp_path: Path) -> None:
    """New connections see the new one; a half-written one is passed over; connections that stand are not disturbed."""
    authority = Authority(tmp_path)
    pair = authority.issue()
    async with (
        running_tracker(tracker_settings(tmp_path, pair)) as handle,
        connect(job_tracker=handle.address, token=ADMIN.token, ca=authority.pem) as client,
    ):
        await client.jobs.ListJobs(pb.ListJobsRequest())
        first = await asyncio.to_thread(shown_serial, handle.address, authority)
        assert await asyncio.to_thread(shown_serial, handle.address, authority) == first
        key = pair.key.read_bytes()
        authority.issue()
        new_key = pair.key.read_bytes()
        pair.key.write_bytes(key)  # the certificate is there, its key is not yet
        assert await asyncio.to_thread(shown_serial, handle.address, authority) == first
        pair.key.write_bytes(new_key)
        assert await asyncio.to_thread(shown_serial, handle.address, authority) != first
        await client.jobs.ListJobs(pb.ListJobsRequest())


async def test_the_whole_way_is_encrypted(tmp_path: Path) -> None:
    """A client to SyncWorker, SyncWorker to JobTracker with certificate and token, and a watch; the blocking client, too."""
    authority = Authority(tmp_path)
    server, own = authority.issue(), authority.issue("sync-worker", "sync-worker@example.com")
    (tmp_path / "own-token").write_text(ADMIN.token)
    (tmp_path / "stores.toml").write_text(STORE.format(HANOI, NOWHERE))
    settings = tracker_settings(tmp_path, server, tls_client_ca=str(authority.pem))
    async with running_tracker(settings) as tracker:
        worker_settings = WorkerSettings(
            listen="127.0.0.1:0",
            database_url=f"sqlite:///{tmp_path / 'catalog.db'}",
            tokens_file=settings.tokens_file,
            tls_certificate=settings.tls_certificate,
            tls_key=settings.tls_key,
            job_tracker=tracker.address,
            job_tracker_token_file=str(tmp_path / "own-token"),
            job_tracker_ca=str(authority.pem),
            job_tracker_certificate=str(own.certificate),
            job_tracker_key=str(own.key),
            stores=tmp_path / "stores.toml",
            runner=False,
        )
        shown: dict[str, Any] = {"ca": authority.pem.read_bytes(), "certificate": own.certificate, "key": own.key}
        async with running_worker(worker_settings, environment=SECRETS) as worker:
            addresses = {"job_tracker": tracker.address, "sync_worker": worker.address}
            async with connect(**addresses, token=lambda: ADMIN.token, **shown) as client:
                options = operations_pb2.StartOptions(store_id=HANOI)
                request = operations_pb2.PullNhanhProductsRequest(options=options)
                job = (await client.sync.PullNhanhProducts(request)).job
                await client.jobs.CancelJob(pb.CancelJobRequest(job_id=job.job_id))
                states = [update.job.state async for update in client.watch_job(job.job_id)]
            assert len(states) == 1

            def blocking() -> list[str]:
                with connect_blocking(**addresses, token=ADMIN.token, **shown) as client:
                    seen = [update.job.job_id for update in client.watch_job(job.job_id)]
                    stores = client.sync.ListStores(sync_worker_service_pb2.ListStoresRequest()).stores
                    return [*seen, *(store.store_id for store in stores)]

            assert await asyncio.to_thread(blocking) == [job.job_id, HANOI]


@pytest.mark.parametrize("service", ["job_tracker", "sync_worker"])
async def test_other_machines_are_let_in_only_as_it_is_meant(tmp_path: Path, service: str) -> None:
    """Without TLS and tokens an open address is refused at the start; --insecure, or the setting, allows it."""
    prefix = service.upper()
    (tmp_path / "stores.toml").write_text(STORE.format(HANOI, NOWHERE))
    environment = {
        f"{prefix}_LISTEN": "0.0.0.0:0",
        f"{prefix}_DATABASE_URL": f"sqlite:///{tmp_path / 'some.db'}",
        "PYTHONPATH": ":".join(sys.path),
        **({"SYNC_WORKER_STORES": str(tmp_path / "stores.toml")} if service == "sync_worker" else {}),
        **SECRETS,
    }

    async def ready(*arguments: str, **more: str) -> tuple[bool, str]:
        words = (sys.executable, "-W", "error", "-m", service, *arguments)
        process = await asyncio.create_subprocess_exec(*words, stdout=PIPE, stderr=PIPE, env=environment | more)
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), 30)
        if line:
            process.terminate()
        _, said = await process.communicate()
        return bool(line), said.decode()

    refused, said = await ready()
    assert not refused
    assert "without TLS and without tokens" in said
    assert "--insecure" in said
    assert (await ready("--insecure"))[0]
    assert (await ready(**{f"{prefix}_INSECURE": "true"}))[0]
    tokens = str(write_tokens(tmp_path / "tokens.toml", ADMIN))
    refused, said = await ready(**{f"{prefix}_TOKENS_FILE": tokens})
    assert not refused
    assert "without TLS;" in said
    pair = Authority(tmp_path).issue()
    tls = {f"{prefix}_TLS_CERTIFICATE": str(pair.certificate), f"{prefix}_TLS_KEY": str(pair.key)}
    assert (await ready(**{f"{prefix}_TOKENS_FILE": tokens}, **tls))[0]
