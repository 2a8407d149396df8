"""SageMaker job of stage 4: scores every mined pair of query and document with the teacher model."""

from finetuning.artifacts.environment import JobArgumentParser, JobEnvironment, run_job
from finetuning.scoring.score import score, scoring_devices, settings_of


def main(environment: JobEnvironment) -> None:
    """Reads the hyperparameters and the channel `training-data`; writes to the model folder."""
    parser = JobArgumentParser(description=__doc__)
    parser.add_argument("--teacher-model-id", default="BAAI/bge-reranker-v2.5-gemma2-lightweight")
    parser.add_argument("--teacher-kind", default="auto", help="auto, lightweight-reranker, cross-encoder or embedding")
    parser.add_argument("--teacher-revision", default="main", help="commit, tag or branch of the model on the Hub")
    parser.add_argument("--max-length", type=int, default=512)
    parser.add_argument("--max-negatives", type=int, default=4)
    parser.add_argument("--tokens-per-batch", type=int, default=16_384)
    arguments = parser.parse_args()
    settings = settings_of(
        arguments.teacher_model_id,
        arguments.teacher_kind,
        arguments.teacher_revision,
        arguments.max_length,
        arguments.max_negatives,
    )
    score(
        environment.channel("training-data"),
        environment.model_directory,
        environment.checkpoint_directory,
        settings,
        tokens_per_batch=arguments.tokens_per_batch,
        devices=scoring_devices(),
        host=environment.host,
    )


if __name__ == "__main__":
    run_job(main)
