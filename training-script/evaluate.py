"""SageMaker job of stage 6: compares the tuned model with the base model and BM25, and decides whether to deploy it."""

from typing import get_args

from finetuning.artifacts.contract import ModelType
from finetuning.artifacts.environment import JobArgumentParser, JobEnvironment, boolean_argument, run_job
from finetuning.evaluation.evaluate import EvaluationInputs, EvaluationSettings, evaluate


def main(environment: JobEnvironment) -> None:
    """Reads the hyperparameters and the channels `corpus`, `training-data`, `model`; maybe `judgements`, `general`."""
    parser = JobArgumentParser(description=__doc__)
    parser.add_argument("--base-model-id", default="BAAI/bge-m3")
    parser.add_argument("--teacher-model-id", default="BAAI/bge-reranker-v2.5-gemma2-lightweight")
    parser.add_argument("--judge-model-id", default="", help="cross-encoder or embedding model; empty for no judge")
    parser.add_argument("--model-type", choices=get_args(ModelType), default="dense")
    parser.add_argument("--base-model-revision", default="main", help="commit, tag or branch of the model on the Hub")
    parser.add_argument("--max-seq-length", type=int, default=512)
    parser.add_argument("--min-ndcg-gain", type=float, default=0.0)
    parser.add_argument("--max-general-drop", type=float, default=0.01)
    parser.add_argument("--force-deploy", type=boolean_argument, default=False)
    parser.add_argument("--max-evaluation-documents", type=int, default=100_000)
    parser.add_argument("--trust-remote-code", type=boolean_argument, default=False)
    parser.add_argument("--seed", type=int, default=42)
    settings = EvaluationSettings(**vars(parser.parse_args()))
    inputs = EvaluationInputs(
        corpus=environment.channel("corpus"),
        training_data=environment.channel("training-data"),
        model=environment.channel("model"),
        judgements=environment.optional_channel("judgements"),
        general=environment.optional_channel("general"),
    )
    evaluate(inputs, environment.model_directory, settings)


if __name__ == "__main__":
    run_job(main)
