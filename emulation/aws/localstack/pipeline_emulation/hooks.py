"""Runs when LocalStack starts."""

from __future__ import annotations

from localstack.runtime import hooks


@hooks.on_infra_start()
def install() -> None:
    """Adds what extension points do not reach."""
    from emulator_settings import Settings

    from pipeline_emulation import alarms, function_keys, state_machines

    state_machines.install(Settings.read())
    alarms.install()
    function_keys.install()
