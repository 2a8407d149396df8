"""SageMaker job of stage 6: compares the tuned model with the base model and BM25, and decides whether to deploy it."""

from finetuning.artifacts.arguments import EvaluationArguments
from finetuning.artifacts.command_line import parse_arguments
from finetuning.artifacts.environment import JobEnvironment, run_job
from finetuning.evaluation.evaluate import EvaluationInputs, evaluate


def main(environment: JobEnvironment) -> None:
    """Reads the arguments and the channels `corpus`, `training-data`, `model`; maybe `judgements`, `general`."""
    arguments = parse_arguments(EvaluationArguments, __doc__)
    inputs = EvaluationInputs(
        corpus=environment.channel("corpus"),
        training_data=environment.channel("training-data"),
        model=environment.channel("model"),
        judgements=environment.optional_channel("judgements"),
        general=environment.optional_channel("general"),
    )
    evaluate(inputs, environment.model_directory, arguments)


if __name__ == "__main__":
    run_job(main)
