"""SageMaker job of stage 3: parses the generated queries and mines hard negatives for them."""

from typing import get_args

from finetuning.artifacts.contract import ModelType
from finetuning.artifacts.environment import JobArgumentParser, JobEnvironment, boolean_argument, run_job
from finetuning.mining.mine import MiningInputs, MiningSettings, mine


def main(environment: JobEnvironment) -> None:
    """Reads the hyperparameters and the channels `corpus`, `records` and `generated`; writes to the model folder."""
    parser = JobArgumentParser(description=__doc__)
    parser.add_argument("--num-negatives", type=int, default=20)
    parser.add_argument("--max-corpus-documents", type=int, default=10_000_000)
    parser.add_argument("--dense-candidates", type=boolean_argument, default=False)
    parser.add_argument("--base-model-id", default="BAAI/bge-m3", help="ranks, with --dense-candidates")
    parser.add_argument("--model-type", choices=get_args(ModelType), default="dense")
    parser.add_argument("--base-model-revision", default="main", help="commit, tag or branch of the model on the Hub")
    parser.add_argument("--trust-remote-code", type=boolean_argument, default=False)
    parser.add_argument("--max-seq-length", type=int, default=512)
    parser.add_argument("--max-source-rank", type=int, default=0, help="0 keeps every query")
    parser.add_argument("--seed", type=int, default=42)
    arguments = parser.parse_args()
    settings = MiningSettings(
        num_negatives=arguments.num_negatives,
        max_corpus_documents=arguments.max_corpus_documents,
        candidate_model_id=arguments.base_model_id if arguments.dense_candidates else "",
        model_type=arguments.model_type,
        max_seq_length=arguments.max_seq_length,
        max_source_rank=arguments.max_source_rank,
        seed=arguments.seed,
        model_revision=arguments.base_model_revision,
        trust_remote_code=arguments.trust_remote_code,
    )
    inputs = MiningInputs(
        corpus=environment.channel("corpus"),
        records=environment.channel("records"),
        generated=environment.channel("generated"),
    )
    mine(inputs, environment.model_directory, settings)


if __name__ == "__main__":
    run_job(main)
