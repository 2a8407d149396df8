# From JSONL in S3, with endpoint and registration.
model_name          = "product-search"
input_type          = "s3"
s3_corpus_path      = "s3://my-bucket/corpus.jsonl"
opensearch_endpoint = "https://search-products-abc123.us-east-1.es.amazonaws.com"
