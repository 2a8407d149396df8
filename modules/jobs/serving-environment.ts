/**
 * Settings of Text Embeddings Inference. All are given, because its defaults differ between versions and an ingest pipeline meets
 * the limits first: texts longer than the model reads are cut instead of refused, and a batch may be as large as OpenSearch sends.
 */
export const SERVING_ENVIRONMENT = {
  HF_MODEL_ID: "/opt/ml/model",
  AUTO_TRUNCATE: "true",
  MAX_BATCH_TOKENS: "16384",
  MAX_CLIENT_BATCH_SIZE: "128",
  MAX_CONCURRENT_REQUESTS: "512",
  /** Bytes: SageMaker refuses more than 6 MB itself. */
  PAYLOAD_LIMIT: "6000000",
} as const;

/** Settings of the PyTorch inference container, which runs the handler in the artifact's `code/`. */
export const SPARSE_SERVING_ENVIRONMENT = {
  SAGEMAKER_PROGRAM: "inference.py",
  SAGEMAKER_SUBMIT_DIRECTORY: "/opt/ml/model/code",
  SAGEMAKER_CONTAINER_LOG_LEVEL: "20",
} as const;
