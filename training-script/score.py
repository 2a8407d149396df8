"""SageMaker job of stage 4: scores every mined pair of query and document with the teacher model."""

from finetuning.artifacts.arguments import ScoringArguments
from finetuning.artifacts.command_line import parse_arguments
from finetuning.artifacts.environment import JobEnvironment, run_job
from finetuning.scoring.score import score, scoring_devices


def main(environment: JobEnvironment) -> None:
    """Reads the arguments and the channel `training-data`; writes to the model folder."""
    arguments = parse_arguments(ScoringArguments, __doc__)
    score(
        environment.channel("training-data"),
        environment.model_directory,
        environment.checkpoint_directory,
        arguments,
        devices=scoring_devices(),
        host=environment.host,
    )


if __name__ == "__main__":
    run_job(main)
