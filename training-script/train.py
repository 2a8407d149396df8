"""SageMaker job of stage 5: fine-tunes the base model by KL-divergence distillation of the teacher's scores."""

from typing import get_args

from finetuning.artifacts.contract import ModelType
from finetuning.artifacts.environment import JobArgumentParser, JobEnvironment, boolean_argument, run_job
from finetuning.training.train import TrainingSettings, relaunch_on_all_gpus, train


def main(environment: JobEnvironment) -> None:
    """Reads the hyperparameters and the channel `scores`; writes the model artifact to the model folder."""
    parser = JobArgumentParser(description=__doc__)
    parser.add_argument("--base-model-id", default="BAAI/bge-m3")
    parser.add_argument("--model-type", choices=get_args(ModelType), default="dense")
    parser.add_argument("--base-model-revision", default="main", help="commit, tag or branch of the model on the Hub")
    parser.add_argument("--max-steps", type=int, default=500, help="optimiser steps; -1 for one pass over the data")
    parser.add_argument("--train-batch-size", type=int, default=1, help="rows a GPU and forward pass")
    parser.add_argument("--total-batch-size", type=int, default=128, help="rows an optimiser step")
    parser.add_argument("--learning-rate", type=float, default=5e-6)
    parser.add_argument("--max-seq-length", type=int, default=512)
    parser.add_argument("--num-negatives", type=int, default=2)
    parser.add_argument("--temperature", type=float, default=1.0)
    parser.add_argument("--teacher-score-scale-factor", type=float, default=0.025)
    parser.add_argument("--teacher-spread", type=float, default=0.0, help="0 uses the scale factor")
    parser.add_argument("--teacher-max-source-rank", type=int, default=0, help="0 keeps every query")
    parser.add_argument("--teacher-drop-lowest-share", type=float, default=0.0)
    parser.add_argument("--contrastive-weight", type=float, default=0.0)
    parser.add_argument("--hard-negative-margin", type=float, default=0.0, help="0 leaves own negatives out of it")
    parser.add_argument("--early-stopping-patience", type=int, default=0, help="0 trains to the end")
    parser.add_argument("--merge-with-base", type=boolean_argument, default=False)
    parser.add_argument("--flops-weight", type=float, default=0.0, help="of sparse encoders; 0 leaves the term out")
    parser.add_argument("--trust-remote-code", type=boolean_argument, default=False)
    parser.add_argument("--seed", type=int, default=42)
    settings = TrainingSettings(**vars(parser.parse_args()))
    relaunch_on_all_gpus()
    train(environment.channel("scores"), environment.model_directory, environment.checkpoint_directory, settings)


if __name__ == "__main__":
    run_job(main)
