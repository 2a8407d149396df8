# A corpus of JSONL in S3, with endpoint and registration in OpenSearch.

terraform {
  required_version = ">= 1.9.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.90"
    }
  }
}

provider "aws" {
  region = "us-east-1"
}

module "finetuning" {
  source = "../.."

  model_name          = "product-search"
  input_type          = "s3"
  s3_corpus_path      = "s3://my-bucket/corpus.jsonl"
  opensearch_endpoint = "https://search-products-abc123.us-east-1.es.amazonaws.com"
  tags                = { project = "product-search" }
}

output "state_machine_arn" {
  description = "State machine to start."
  value       = module.finetuning.state_machine_arn
}

output "opensearch_role_mapping" {
  description = "Roles to map in OpenSearch before the first execution."
  value       = module.finetuning.opensearch_role_mapping
}
