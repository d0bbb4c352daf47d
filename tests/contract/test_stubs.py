"""The committed stubs are what the contract and the pinned generator make."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_committed_stubs_are_fresh(tmp_path: Path) -> None:
    """Generating anew gives the same files, byte for byte."""
    subprocess.run([ROOT / "tools/protoc/generate.sh", tmp_path], cwd=ROOT, check=True)
    made = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*_pb2*")}
    kept = {path.relative_to(ROOT / "clients"): path.read_bytes() for path in (ROOT / "clients").rglob("*_pb2*.py*")}
    kept = {path: content for path, content in kept.items() if path.suffix in {".py", ".pyi"}}
    assert made.keys() == kept.keys()
    assert [str(path) for path in made if made[path] != kept[path]] == []


def test_the_clients_lower_bounds_are_the_generators_versions() -> None:
    """Generated code refuses to import under anything older, so the clients must ask for no less."""
    tools = (ROOT / "tools/protoc/requirements.in").read_text()
    clients = (ROOT / "clients/pyproject.toml").read_text()
    generator = re.search(r"grpcio-tools==([\d.]+)", tools)
    bound = re.search(r'"grpcio>=([\d.]+)"', clients)
    assert generator is not None
    assert bound is not None
    assert generator[1] == bound[1]
    stub = (ROOT / "clients/nhanhsync/jobs/v1/job_tracker_service_pb2_grpc.py").read_text()
    assert f"GRPC_GENERATED_VERSION = '{generator[1]}'" in stub
    gencode = re.search(
        r"Protobuf Python Version: ([\d.]+)", (ROOT / "clients/nhanhsync/jobs/v1/job_pb2.py").read_text()
    )
    protobuf = re.search(r'"protobuf>=([\d.]+)"', clients)
    assert gencode is not None
    assert protobuf is not None
    assert gencode[1] == protobuf[1]
