"""SageMaker job of stage 5: fine-tunes the base model by KL-divergence distillation of the teacher's scores."""

from finetuning.artifacts.arguments import TrainingArguments
from finetuning.artifacts.command_line import parse_arguments
from finetuning.artifacts.environment import JobEnvironment, run_job
from finetuning.training.launch import relaunch_on_all_gpus
from finetuning.training.train import train


def main(environment: JobEnvironment) -> None:
    """Reads the arguments and the channel `scores`; writes the model artifact to the model folder."""
    arguments = parse_arguments(TrainingArguments, __doc__)
    relaunch_on_all_gpus()
    train(environment.channel("scores"), environment.model_directory, environment.checkpoint_directory, arguments)


if __name__ == "__main__":
    run_job(main)
