"""Settings: read once from the environment, every fault reported together."""

import argparse
import re
from collections.abc import Callable, Mapping
from typing import Annotated, TypeVar

from pydantic import AfterValidator, Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource

from chassis.database import DatabaseUrlError, dialect_of, sqlite_path
from chassis.logs import LEVELS
from chassis.server import check_listen

Settings = TypeVar("Settings", bound=BaseSettings)

_SERVICE_LINK = re.compile(r"SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?")
"""Kubernetes puts these into every container, named for the services beside it, and nobody meant them as settings:
https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables"""


def _known_level(level: str) -> str:
    if level not in LEVELS:
        raise ValueError(f"must be one of {', '.join(LEVELS)}")
    return level


def _usable(url: str, understand: Callable[[str], object]) -> str:
    try:
        understand(url)
    except DatabaseUrlError as error:
        raise ValueError(str(error)) from None
    return url


DatabaseUrl = Annotated[str, AfterValidator(lambda url: _usable(url, dialect_of))]
"""The address of a database that `chassis.database` can open."""

SqliteUrl = Annotated[str, AfterValidator(lambda url: _usable(url, sqlite_path))]
"""The address of a SQLite file, for a service that keeps its data in no other kind."""


class ServiceSettings(BaseSettings):
    """What every service of ours is told. Each adds its own settings, and gives these two their defaults."""

    insecure: bool = Field(False, description="Allow an address that other machines reach, without TLS.")
    listen: str = Field(description="Where to listen, host:port; port 0 takes a free one.")
    database_url: DatabaseUrl = Field(repr=False)
    metrics_listen: str = Field("", description="Where Prometheus scrapes, host:port; empty: nowhere.")
    log_level: Annotated[str, AfterValidator(_known_level)] = Field(
        "info", description="debug, info, warning or error."
    )

    @field_validator("listen", "metrics_listen")
    @classmethod
    def _listen(cls, listen: str, info: ValidationInfo) -> str:
        if info.field_name == "metrics_listen" and not listen:
            return listen
        fault = check_listen(listen, insecure=bool(info.data.get("insecure", False)))
        if fault is not None:
            raise ValueError(fault)
        return listen


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
    """Make the command line of a service: it takes no argument, and `--help` lists every setting."""
    prefix = str(cls.model_config.get("env_prefix", ""))
    width = max(len(name) for name in cls.model_fields)
    rows = [
        f"  {prefix}{name.upper():<{width}} {field.description}"
        + ("" if field.is_required() else f" Default: {field.default!r}.")
        for name, field in cls.model_fields.items()
    ]
    return argparse.ArgumentParser(
        prog=prog,
        description=description,
        epilog="settings, from the environment:\n" + "\n".join(rows),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
