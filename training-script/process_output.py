"""SageMaker job of stage 3: parses the generated queries and mines BM25 hard negatives for them."""

from finetuning.environment import JobArgumentParser, JobEnvironment, run_job
from finetuning.mining import MiningInputs, mine


def main(environment: JobEnvironment) -> None:
    """Reads the hyperparameters and the channels `corpus`, `records` and `generated`; writes to the model folder."""
    parser = JobArgumentParser(description=__doc__)
    parser.add_argument("--num-negatives", type=int, default=20)
    parser.add_argument("--max-corpus-documents", type=int, default=10_000_000)
    parser.add_argument("--seed", type=int, default=42)
    arguments = parser.parse_args()
    mine(
        MiningInputs(
            corpus=environment.channel("corpus"),
            records=environment.channel("records"),
            generated=environment.channel("generated"),
        ),
        environment.model_directory,
        num_negatives=arguments.num_negatives,
        max_corpus_documents=arguments.max_corpus_documents,
        seed=arguments.seed,
    )


if __name__ == "__main__":
    run_job(main)
