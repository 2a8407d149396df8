"""Runs when LocalStack starts."""

from __future__ import annotations

from localstack.runtime import hooks


@hooks.on_infra_start()
def install() -> None:
    """Adds what extension points do not reach."""
    from parent_process import end_with_parent

    from pipeline_emulation import alarms, function_keys, object_storage, state_machines
    from pipeline_emulation.settings import Settings

    settings = Settings.read()
    if settings.parent is not None:
        end_with_parent(settings.parent)
    state_machines.install(settings)
    alarms.install()
    function_keys.install()
    object_storage.install()
