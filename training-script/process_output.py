"""SageMaker job of stage 3: parses the generated queries and mines hard negatives for them."""

from finetuning.artifacts.arguments import MiningArguments
from finetuning.artifacts.command_line import parse_arguments
from finetuning.artifacts.environment import JobEnvironment, run_job
from finetuning.mining.mine import MiningInputs, mine


def main(environment: JobEnvironment) -> None:
    """Reads the arguments and the channels `corpus`, `records` and `generated`; writes to the model folder."""
    arguments = parse_arguments(MiningArguments, __doc__)
    inputs = MiningInputs(
        corpus=environment.channel("corpus"),
        records=environment.channel("records"),
        generated=environment.channel("generated"),
    )
    mine(inputs, environment.model_directory, arguments)


if __name__ == "__main__":
    run_job(main)
