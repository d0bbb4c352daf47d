"""Settings: read once from the environment, every fault reported together."""

import argparse
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import AfterValidator, Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource

from chassis.auth import TokensFileError, read_tokens
from chassis.database import DatabaseUrlError, dialect_of
from chassis.limits import Limits
from chassis.logs import LEVELS
from chassis.server import MAX_MESSAGE_BYTES, check_listen
from chassis.tls import TlsFiles, ca_fault, certificate_fault

Settings = TypeVar("Settings", bound=BaseSettings)

_SERVICE_LINK = re.compile(r"SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?")
"""Kubernetes puts these into every container, named for the services beside it, and nobody meant them as settings:
https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables"""


def _known_level(level: str) -> str:
    if level not in LEVELS:
        raise ValueError(f"must be one of {', '.join(LEVELS)}")
    return level


def _usable(url: str) -> str:
    try:
        dialect_of(url)
    except DatabaseUrlError as error:
        raise ValueError(str(error)) from None
    return url


DatabaseUrl = Annotated[str, AfterValidator(_usable)]
"""The address of a database that `chassis.database` can open."""


def usable_key(key: str, certificate: str, prefix: str) -> str:
    """Check the files of a certificate and its key, the settings `{prefix}_CERTIFICATE` and `{prefix}_KEY`; both may be empty."""
    if bool(key) != bool(certificate):
        missing = "KEY" if certificate else "CERTIFICATE"
        raise ValueError(f"a certificate and its key go together, and {prefix}_{missing} is missing")
    fault = certificate_fault(Path(certificate), Path(key)) if key else None
    if fault is not None:
        raise ValueError(fault)
    return key


def usable_ca(path: str) -> str:
    """Check a file of CA certificates; its name may be empty."""
    fault = ca_fault(Path(path)) if path else None
    if fault is not None:
        raise ValueError(fault)
    return path


class ServiceSettings(BaseSettings):
    """What every service of ours is told. Each adds its own settings, and gives these two their defaults."""

    # In this order: what an address needs is known before it is looked at.
    insecure: bool = Field(
        False, description="Allow an address that other machines reach, without TLS or without tokens; also --insecure."
    )
    tokens_file: str = Field(
        "", description="Who may do what (TOML, read again when it changes); empty: everybody may do everything."
    )
    tls_certificate: str = Field(
        "", description="Certificate and chain to show (PEM, read again when renewed); empty: plaintext."
    )
    tls_key: str = Field("", validate_default=True, description="The certificate's key (PEM, without a password).")
    tls_client_ca: str = Field(
        "", description="CA of client certificates (PEM); set, every client has to show one of them."
    )
    listen: str = Field(description="Where to listen, host:port; port 0 takes a free one.")
    database_url: DatabaseUrl = Field(repr=False)
    calls_per_second: int = Field(
        5_000,
        ge=0,
        le=1_000_000,
        description=(
            "Calls a second of one caller: a token's name, without tokens an address; 0: no limit. "
            f"A message takes at most {MAX_MESSAGE_BYTES // 1024**2} MiB, always."
        ),
    )
    streams_per_caller: int = Field(
        2_000,
        ge=0,
        le=1_000_000,
        description="Streams and long polls that one caller holds at a time; 0: no limit.",
    )
    metrics_listen: str = Field("", description="Where Prometheus scrapes, host:port; empty: nowhere.")
    log_level: Annotated[str, AfterValidator(_known_level)] = Field(
        "info", description="debug, info, warning or error."
    )

    @field_validator("tokens_file")
    @classmethod
    def _tokens_file(cls, path: str) -> str:
        if path:
            try:
                read_tokens(Path(path))
            except TokensFileError as error:
                raise ValueError(str(error)) from None
        return path

    @field_validator("tls_key")
    @classmethod
    def _tls_pair(cls, key: str, info: ValidationInfo) -> str:
        return usable_key(key, str(info.data.get("tls_certificate", "")), "TLS")

    @field_validator("tls_client_ca")
    @classmethod
    def _tls_client_ca(cls, path: str, info: ValidationInfo) -> str:
        if path and not info.data.get("tls_certificate"):
            raise ValueError("client certificates need TLS, and TLS_CERTIFICATE is missing")
        return usable_ca(path)

    @field_validator("listen", "metrics_listen")
    @classmethod
    def _listen(cls, listen: str, info: ValidationInfo) -> str:
        if info.field_name == "metrics_listen" and not listen:
            return listen
        missing = []
        if not info.data.get("insecure", False):
            # Metrics are served over plain HTTP, to whoever asks.
            for_metrics = info.field_name == "metrics_listen"
            if for_metrics or not info.data.get("tls_certificate", "unusable is a fault of its own"):
                missing.append("TLS")
            if for_metrics or not info.data.get("tokens_file", "unusable is a fault of its own"):
                missing.append("tokens")
        fault = check_listen(listen, missing=missing)
        if fault is not None:
            raise ValueError(fault)
        return listen

    def tls(self) -> TlsFiles | None:
        """Say which files TLS is offered with, None for plaintext."""
        if not self.tls_certificate:
            return None
        client_ca = Path(self.tls_client_ca) if self.tls_client_ca else None
        return TlsFiles(Path(self.tls_certificate), Path(self.tls_key), client_ca)

    def limits(self) -> Limits:
        """Make the limits of this process's callers."""
        return Limits(calls_per_second=self.calls_per_second, streams=self.streams_per_caller)


class SettingsFaultsError(Exception):
    """One or more settings cannot be used; `faults` has a sentence for each."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def load_settings(cls: type[Settings], environment: Mapping[str, str]) -> Settings:
    """Read a service's settings from an environment; the class's `env_prefix` names them.

    A variable with the prefix that is no setting is a fault too: a misspelt setting must not be passed over.

    Raises:
        SettingsFaultsError: With a sentence for every setting that is missing or out of bounds.
    """
    prefix = str(cls.model_config.get("env_prefix", ""))

    class Given(EnvSettingsSource):
        def _load_env_vars(self) -> Mapping[str, str | None]:
            return {name.lower(): value for name, value in environment.items()}

    class FromGiven(cls):  # type: ignore[valid-type, misc]  # a subclass only to hand the environment in
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return (Given(settings_cls),)

    known = {f"{prefix}{name}".upper() for name in cls.model_fields}
    unknown = sorted(
        name
        for name in environment
        if name.startswith(prefix) and name not in known and not _SERVICE_LINK.fullmatch(name.removeprefix(prefix))
    )
    faults = [f"{name} is not a setting; the settings are {', '.join(sorted(known))}" for name in unknown]
    try:
        loaded = FromGiven()
    except ValidationError as error:
        faults += [f"{_name(prefix, fault['loc'])}: {fault['msg']}" for fault in error.errors(include_url=False)]
        raise SettingsFaultsError(faults) from None
    if faults:
        raise SettingsFaultsError(faults)
    return cls.model_construct(**{name: getattr(loaded, name) for name in cls.model_fields})


def _name(prefix: str, location: tuple[int | str, ...]) -> str:
    first = str(location[0]) if location else ""
    return first.upper() if first.upper().startswith(prefix) else f"{prefix}{first}".upper()


def settings_parser(cls: type[BaseSettings], *, prog: str, description: str) -> argparse.ArgumentParser:
    """Make the command line of a service: `--insecure` alone, and `--help` lists every setting."""
    prefix = str(cls.model_config.get("env_prefix", ""))
    width = max(len(name) for name in cls.model_fields)
    rows = [
        f"  {prefix}{name.upper():<{width}} {field.description}"
        + ("" if field.is_required() else f" Default: {field.default!r}.")
        for name, field in cls.model_fields.items()
    ]
    parser = argparse.ArgumentParser(
        prog=prog,
        description=description,
        epilog="settings, from the environment:\n" + "\n".join(rows),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--insecure", action="store_true", help=f"the same as {prefix}INSECURE=true")
    return parser


def given_environment(
    parser: argparse.ArgumentParser,
    cls: type[BaseSettings],
    arguments: Sequence[str] | None,
    environment: Mapping[str, str],
) -> Mapping[str, str]:
    """Read a service's command line, and give the environment with what it says."""
    prefix = str(cls.model_config.get("env_prefix", ""))
    insecure = parser.parse_args(arguments).insecure
    return {**environment, f"{prefix}INSECURE": "true"} if insecure else environment
