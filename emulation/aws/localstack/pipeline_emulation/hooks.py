"""Runs when LocalStack starts."""

from __future__ import annotations

from localstack.runtime import hooks


@hooks.on_infra_start()
def install() -> None:
    """Adds what extension points do not reach."""
    from pipeline_emulation import alarms, function_keys, state_machines
    from pipeline_emulation.settings import Settings

    state_machines.install(Settings.read())
    alarms.install()
    function_keys.install()
