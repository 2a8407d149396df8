# Training and evaluation only: no endpoint, no OpenSearch.
model_name         = "product-search"
input_type         = "s3"
s3_corpus_path     = "s3://my-bucket/corpus.jsonl"
deploy_endpoint    = false
register_connector = false
