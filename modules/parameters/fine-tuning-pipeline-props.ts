// Generated from modules/parameters.ts by `npm run docs:parameters`; change it there.
import type { IResolvable } from "cdktf";

/** Parameters of the pipeline. Every value may be a Terraform expression. */
export interface FineTuningPipelineProps {
  /**
   * Name of the model: prefix of its jobs, endpoint and connector. An execution may add a suffix to it (`products` -> `products-de`).
   * Must be 1 to 40 letters, digits and hyphens, with no hyphen at either end.
   */
  readonly modelName: string;
  /**
   * Where the corpus comes from: a JSONL object in S3, or an OpenSearch index.
   * Must be s3 or opensearch.
   *
   * @default "s3"
   */
  readonly inputType?: string;
  /**
   * Deploy the tuned model to a SageMaker endpoint when it passes the evaluation gate.
   * Must be true or false.
   *
   * @default true
   */
  readonly deployEndpoint?: boolean | IResolvable;
  /**
   * Register the endpoint as a remote model in OpenSearch.
   * Must be true or false.
   *
   * @default true
   */
  readonly registerConnector?: boolean | IResolvable;
  /**
   * URL of the OpenSearch domain; needed to read an index and to register the model.
   * Must be empty or the https URL of the domain, without a path.
   *
   * @default ""
   */
  readonly opensearchEndpoint?: string;
  /**
   * Index whose documents are the corpus.
   * Must be empty or the name of one index or alias in lower case.
   *
   * @default ""
   */
  readonly opensearchIndexName?: string;
  /**
   * Fields of the index that make up a document's text, joined in this order; dots reach into objects.
   * Must be field names separated by commas, without spaces.
   *
   * @default "content"
   */
  readonly textFieldNames?: string;
  /**
   * Corpus in S3: JSONL, one object a line with a string `text` and optionally an `id`.
   * Must be empty or the S3 URI of a .jsonl or .jsonl.gz object.
   *
   * @default ""
   */
  readonly s3CorpusPath?: string;
  /**
   * Documents read from the corpus at most.
   * Must be a whole number from 1000 to 10000000.
   *
   * @default 10000000
   */
  readonly maxCorpusDocuments?: number;
  /**
   * Real queries that the synthetic ones shall resemble: JSONL, one object a line with `text`, `query` or `anchor`.
   * Must be empty or the S3 URI of a .jsonl object.
   *
   * @default ""
   */
  readonly sampleQueryUri?: string;
  /**
   * Bedrock model that writes the synthetic queries; the roles may call this one only.
   * Must be a Bedrock model id or inference-profile id.
   *
   * @default "us.anthropic.claude-haiku-4-5-20251001-v1:0"
   */
  readonly bedrockModelId?: string;
  /**
   * Documents for which queries are generated at most, sampled over the whole corpus.
   * Must be a whole number from 100 to 100000.
   *
   * @default 20000
   */
  readonly maxQueryDocuments?: number;
  /**
   * Queries asked for each sampled document.
   * Must be a whole number from 1 to 10.
   *
   * @default 5
   */
  readonly queriesPerDocument?: number;
  /**
   * Instance that mines hard negatives; a CPU type does.
   * Must be a SageMaker instance type.
   *
   * @default "ml.c5.4xlarge"
   */
  readonly processingInstanceType?: string;
  /**
   * Hard negatives mined for each query.
   * Must be a whole number from 1 to 200.
   *
   * @default 20
   */
  readonly numHardNegatives?: number;
  /**
   * Mine among the base model's nearest documents as well as BM25's, over all ranks; embeds the corpus, so give processing_instance_type a GPU.
   * Must be true or false.
   *
   * @default false
   */
  readonly denseCandidates?: boolean | IResolvable;
  /**
   * A query is kept only when its document is among so many best candidates of the miner; 0 keeps every query.
   * Must be a whole number from 0 to 200.
   *
   * @default 0
   */
  readonly maxSourceRank?: number;
  /**
   * Instance on which the teacher scores and the models are evaluated.
   * Must be a SageMaker instance type.
   *
   * @default "ml.g5.2xlarge"
   */
  readonly scoringInstanceType?: string;
  /**
   * Instances that score, each its share of the queries.
   * Must be a whole number from 1 to 20.
   *
   * @default 1
   */
  readonly scoringInstanceCount?: number;
  /**
   * Teacher: this reranker, any sentence-transformers CrossEncoder, or an embedding model.
   * Must be a Hugging Face model id.
   *
   * @default "BAAI/bge-reranker-v2.5-gemma2-lightweight"
   */
  readonly teacherModelId?: string;
  /**
   * Commit, tag or branch of the teacher on the Hugging Face Hub. The default teacher brings code of its own: pin it to a commit.
   * Must be a commit, tag or branch.
   *
   * @default "main"
   */
  readonly teacherRevision?: string;
  /**
   * Hard negatives of each query that the teacher scores; at most num_hard_negatives.
   * Must be a whole number from 1 to 200.
   *
   * @default 4
   */
  readonly scoringMaxNegatives?: number;
  /**
   * Instance that trains, on all of its GPUs; ml.p4d.24xlarge is recommended for large runs.
   * Must be a SageMaker instance type.
   *
   * @default "ml.g5.2xlarge"
   */
  readonly trainingInstanceType?: string;
  /**
   * Instances that train together, on all of their GPUs.
   * Must be a whole number from 1 to 20.
   *
   * @default 1
   */
  readonly trainingInstanceCount?: number;
  /**
   * What to tune: a dense embedding model for k-NN indexes, or a sparse encoder, which weighs words, for OpenSearch's neural sparse search.
   * Must be dense or sparse.
   *
   * @default "dense"
   */
  readonly modelType?: string;
  /**
   * Model to fine-tune. With model_type sparse the default is opensearch-project/opensearch-neural-sparse-encoding-doc-v3-distill, whose queries need no inference.
   * Must be a Hugging Face model id.
   *
   * @default "BAAI/bge-m3"
   */
  readonly baseModelId?: string;
  /**
   * Commit, tag or branch of the base model on the Hugging Face Hub.
   * Must be a commit, tag or branch.
   *
   * @default "main"
   */
  readonly baseModelRevision?: string;
  /**
   * Run the Python code that the base model's repository brings along, with the job's permissions; needed only by models that are not part of transformers, and only with base_model_revision pinned to a commit.
   * Must be true or false.
   *
   * @default false
   */
  readonly trustRemoteCode?: boolean | IResolvable;
  /**
   * Rows per GPU and step.
   * Must be a whole number from 1 to 64.
   *
   * @default 1
   */
  readonly trainBatchSize?: number;
  /**
   * Rows per optimiser step over all GPUs; reached by gradient accumulation.
   * Must be a whole number from 1 to 4096.
   *
   * @default 128
   */
  readonly totalBatchSize?: number;
  /**
   * Optimiser steps; -1 trains one epoch.
   * Must be a whole number from -1 to 1000.
   *
   * @default 500
   */
  readonly maxSteps?: number;
  /**
   * Peak learning rate.
   * Must be a number from 1e-8 to 0.01.
   *
   * @default 0.000005
   */
  readonly learningRate?: number;
  /**
   * Tokens after which a text is cut, in training, evaluation and scoring.
   * Must be a whole number from 128 to 2048.
   *
   * @default 512
   */
  readonly maxSeqLength?: number;
  /**
   * Negatives in a training row; at most scoring_max_negatives.
   * Must be a whole number from 1 to 64.
   *
   * @default 2
   */
  readonly numNegatives?: number;
  /**
   * Temperature of the student's distribution.
   * Must be a number from 0.01 to 100.
   *
   * @default 0.05
   */
  readonly temperature?: number;
  /**
   * Calibrates the teacher's scores to spread, as cosines, so many times as wide as the base model's own; 0 uses teacher_score_scale_factor.
   * Must be a number from 0 to 100.
   *
   * @default 1
   */
  readonly teacherSpread?: number;
  /**
   * Factor that brings the teacher's scores to the student's scale, with teacher_spread 0.
   * Must be a number from 0.0001 to 100.
   *
   * @default 0.025
   */
  readonly teacherScoreScaleFactor?: number;
  /**
   * A query is trained on only when its document is among so many best by the teacher; 0 keeps every query.
   * Must be a whole number from 0 to 200.
   *
   * @default 0
   */
  readonly teacherMaxSourceRank?: number;
  /**
   * Share of the queries left out because the teacher scores their documents lowest.
   * Must be a number from 0 to 0.9.
   *
   * @default 0
   */
  readonly teacherDropLowestShare?: number;
  /**
   * Weight of an InfoNCE term over the batch's other documents; 0 leaves it out.
   * Must be a number from 0 to 100.
   *
   * @default 0.4
   */
  readonly contrastiveWeight?: number;
  /**
   * Part of the teacher's score range by which a query's own negative must lie below its document to enter the InfoNCE term; 0 keeps them all out.
   * Must be a number from 0 to 1.
   *
   * @default 0
   */
  readonly hardNegativeMargin?: number;
  /**
   * Of four evaluations on dev queries, so many without a gain end the training, and the best checkpoint is kept; 0 trains to the end.
   * Must be a whole number from 0 to 4.
   *
   * @default 0
   */
  readonly earlyStoppingPatience?: number;
  /**
   * Average the tuned model's weights with the base model's, in the proportion that ranks dev queries best.
   * Must be true or false.
   *
   * @default true
   */
  readonly mergeWithBase?: boolean | IResolvable;
  /**
   * Weight of the FLOPS regulariser, which keeps the vectors of a sparse encoder sparse; 0 leaves it out. Of no effect on a dense model.
   * Must be a number from 0 to 100.
   *
   * @default 0.005
   */
  readonly flopsWeight?: number;
  /**
   * Seed of sampling and training.
   * Must be a whole number from 0 to 2147483647.
   *
   * @default 42
   */
  readonly seed?: number;
  /**
   * Judged queries of your own for the evaluation, in BEIR format: `queries.jsonl`, `qrels.tsv`, optionally `exclude.tsv`.
   * Must be empty or the S3 URI of a folder, ending in /.
   *
   * @default ""
   */
  readonly judgementsUri?: string;
  /**
   * Judge of the evaluation: a cross-encoder or an embedding model that scores what all rankers return for up to 300 held-out queries; not the teacher. Empty does without.
   * Must be empty or a Hugging Face model id.
   *
   * @default ""
   */
  readonly judgeModelId?: string;
  /**
   * A judged collection of another kind, on which the model shall not get worse, in BEIR format: `corpus.jsonl`, `queries.jsonl`, `qrels.tsv`.
   * Must be empty or the S3 URI of a folder, ending in /.
   *
   * @default ""
   */
  readonly generalCollectionUri?: string;
  /**
   * Documents over which the evaluation ranks at most.
   * Must be a whole number from 100 to 10000000.
   *
   * @default 100000
   */
  readonly maxEvaluationDocuments?: number;
  /**
   * Gate: lower end of the 95 % interval of the gain in nDCG@10 that a model must exceed.
   * Must be a number from -1 to 1.
   *
   * @default 0
   */
  readonly minNdcgGain?: number;
  /**
   * Gate: what a model may lose in nDCG@10 on the general collection.
   * Must be a number from 0 to 1.
   *
   * @default 0.01
   */
  readonly maxGeneralDrop?: number;
  /**
   * Gate: deploy whatever the evaluation says.
   * Must be true or false.
   *
   * @default false
   */
  readonly forceDeploy?: boolean | IResolvable;
  /**
   * Instance behind the endpoint.
   * Must be a SageMaker instance type.
   *
   * @default "ml.g5.xlarge"
   */
  readonly inferenceInstanceType?: string;
  /**
   * Instances behind the endpoint.
   * Must be a whole number from 1 to 4.
   *
   * @default 1
   */
  readonly initialInstanceCount?: number;
  /**
   * Instances behind the endpoint at most: it then scales by its requests, never below initial_instance_count; 0 keeps their number.
   * Must be a whole number from 0 to 20.
   *
   * @default 0
   */
  readonly maxInstanceCount?: number;
  /**
   * Requests a minute that each instance shall get, by which an endpoint with a max_instance_count scales.
   * Must be a whole number from 1 to 1000000.
   *
   * @default 600
   */
  readonly targetRequestsPerMinute?: number;
  /**
   * Run the jobs that keep checkpoints, scoring and training, on spot instances, which are cheaper and may be interrupted.
   * Must be true or false.
   *
   * @default true
   */
  readonly useSpotInstances?: boolean | IResolvable;
  /**
   * Seconds that a job may wait for spot instances in all, on top of its run time.
   * Must be a whole number from 0 to 604800.
   *
   * @default 14400
   */
  readonly spotWaitSeconds?: number;
  /**
   * Seconds for which an instance is kept, and paid, after a job for the next one of the same kind (a warm pool); 0 keeps none. Needs use_spot_instances = false and a quota.
   * Must be a whole number from 0 to 21600.
   *
   * @default 0
   */
  readonly keepAliveSeconds?: number;
  /**
   * Seconds after which each SageMaker job is stopped; 0 derives a limit for each job from its work.
   * Must be a whole number from 0 to 432000.
   *
   * @default 0
   */
  readonly maxJobRuntimeSeconds?: number;
  /**
   * Prefix of every resource's name; give each deployment in an account its own.
   * Must be 3 to 26 lower-case letters, digits and hyphens that start with a letter.
   *
   * @default "opensearch-finetuning"
   */
  readonly namePrefix?: string;
  /**
   * Role of the function that reads the index, to be mapped in OpenSearch to a role with read access; `<name>-Registration`, to be mapped to ml_full_access, registers the model. Give each deployment in an account its own.
   * Must be an IAM role name of at most 51 characters.
   *
   * @default "FineTuning-LambdaInvokeOpenSearchRole"
   */
  readonly lambdaRoleName?: string;
  /**
   * Domain that the functions may call; empty takes the domain's name from an opensearch_endpoint like https://search-<name>-<id>..., or else allows every domain of the account in the region.
   * Must be empty or the ARN of an OpenSearch domain.
   *
   * @default ""
   */
  readonly opensearchDomainArn?: string;
  /**
   * Buckets from which executions may read besides the buckets of s3_corpus_path, sample_query_uri, judgements_uri and general_collection_uri; name the data bucket here to keep inputs in it.
   * Must be a list of S3 bucket names.
   *
   * @default []
   */
  readonly inputBucketNames?: string[];
  /**
   * Image for training on GPU instances; empty uses the region's PyTorch Deep Learning Container.
   * Must be empty or the URI of an image in Amazon ECR.
   *
   * @default ""
   */
  readonly trainingImageGpu?: string;
  /**
   * Image for training on CPU instances; empty uses the region's PyTorch Deep Learning Container.
   * Must be empty or the URI of an image in Amazon ECR.
   *
   * @default ""
   */
  readonly trainingImageCpu?: string;
  /**
   * Image for serving on GPU instances; empty uses the region's Text Embeddings Inference Container.
   * Must be empty or the URI of an image in Amazon ECR.
   *
   * @default ""
   */
  readonly servingImageGpu?: string;
  /**
   * Image for serving on CPU instances; empty uses the region's Text Embeddings Inference Container.
   * Must be empty or the URI of an image in Amazon ECR.
   *
   * @default ""
   */
  readonly servingImageCpu?: string;
  /**
   * Image for serving sparse encoders on GPU instances; empty uses the region's PyTorch Inference Container.
   * Must be empty or the URI of an image in Amazon ECR.
   *
   * @default ""
   */
  readonly sparseServingImageGpu?: string;
  /**
   * Image for serving sparse encoders on CPU instances; empty uses the region's PyTorch Inference Container.
   * Must be empty or the URI of an image in Amazon ECR.
   *
   * @default ""
   */
  readonly sparseServingImageCpu?: string;
  /**
   * Start an execution with the deployment's parameters when this is first applied as true. Later applies start nothing, unless it was false in between.
   * Must be true or false.
   *
   * @default false
   */
  readonly startOnApply?: boolean | IResolvable;
  /**
   * Seconds between two looks at a Bedrock batch job; with 300, jobs that take days stay within the events of an execution.
   * Must be a whole number from 5 to 900.
   *
   * @default 300
   */
  readonly queryPollSeconds?: number;
  /**
   * Seconds between two looks at the endpoint.
   * Must be a whole number from 5 to 300.
   *
   * @default 30
   */
  readonly endpointPollSeconds?: number;
  /**
   * Addresses that are told how each execution ended and when an alarm goes off; each has to confirm an e-mail from AWS once.
   * Must be a list of e-mail addresses.
   *
   * @default []
   */
  readonly notificationEmails?: string[];
  /**
   * Topic of your own for these messages; its policy must let cloudwatch.amazonaws.com publish. Empty makes a topic.
   * Must be empty or the ARN of a standard SNS topic.
   *
   * @default ""
   */
  readonly notificationTopicArn?: string;
  /**
   * Milliseconds of the endpoint's model latency (95th percentile over 15 minutes) above which an alarm goes off; 0 for no alarm.
   * Must be a whole number from 0 to 60000.
   *
   * @default 0
   */
  readonly endpointLatencyAlarmMs?: number;
  /**
   * Days for which logs are kept.
   * Must be one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653.
   *
   * @default 30
   */
  readonly logRetentionDays?: number;
  /**
   * Days for which a run's corpus, queries, training data, scores and checkpoints are kept; models and reports stay. More than the 14 days in which a failed execution can be redriven.
   * Must be a whole number from 15 to 3650.
   *
   * @default 30
   */
  readonly intermediateRetentionDays?: number;
  /**
   * Customer-managed key of the data bucket, the logs, the functions' environment, the topic of messages, the jobs' volumes (on instances without local NVMe disks, which encrypt themselves) and their outputs; empty uses keys of AWS. Its key policy must let the account's IAM policies decide, and let logs.<region>.amazonaws.com and, for alarms, cloudwatch.amazonaws.com use it.
   * Must be empty or the ARN of a KMS key (not of an alias).
   *
   * @default ""
   */
  readonly kmsKeyArn?: string;
  /**
   * Bucket of your own to use as the data bucket, below runs/, results/ and code/; its policy, encryption, versioning and lifecycle stay yours. Empty makes one.
   * Must be empty or the name of an S3 bucket.
   *
   * @default ""
   */
  readonly existingBucketName?: string;
  /**
   * Bucket that receives the data bucket's access logs; it must let logging.s3.amazonaws.com write. Empty writes none.
   * Must be empty or the name of an S3 bucket.
   *
   * @default ""
   */
  readonly accessLogBucketName?: string;
  /**
   * Subnets of a VPC in which the functions, the jobs and the endpoint run; they need a way to AWS's APIs, the jobs one to PyPI and the Hugging Face Hub, and the endpoint of a sparse encoder one to PyPI. Empty runs them outside of any VPC of yours.
   * Must be a list of subnet ids.
   *
   * @default []
   */
  readonly subnetIds?: string[];
  /**
   * Security groups of what runs in subnet_ids.
   * Must be a list of security group ids.
   *
   * @default []
   */
  readonly securityGroupIds?: string[];
  /**
   * Permissions boundary of every role.
   * Must be empty or the ARN of an IAM policy.
   *
   * @default ""
   */
  readonly permissionsBoundaryArn?: string;
  /**
   * Path of every role.
   * Must be a path that begins and ends with /.
   *
   * @default "/"
   */
  readonly iamPath?: string;
  /**
   * Roles of your own by the principal that takes them, where you may not make roles; their trust and permissions stay yours. What is left out is made.
   * Must be a map of role ARNs whose keys are among job, serving, bedrock, connector, workflow, resolve-parameters, data-extractor, s3-validator, bedrock-orchestrator, plan-jobs, delete-superseded-models, register-model, report-execution, start-execution.
   *
   * @default {}
   */
  readonly existingRoleArns?: Record<string, string>;
  /**
   * Tags of all that Terraform makes, and of the jobs, models, endpoints and scalable targets that executions make.
   * Must be a map of strings.
   *
   * @default {}
   */
  readonly tags?: Record<string, string>;
}
