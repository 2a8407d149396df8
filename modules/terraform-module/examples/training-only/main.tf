# Training and evaluation only: no endpoint, nothing to do with OpenSearch.

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

  model_name         = "product-search"
  s3_corpus_path     = "s3://my-bucket/corpus.jsonl"
  deploy_endpoint    = false
  register_connector = false
}

output "state_machine_arn" {
  description = "State machine to start."
  value       = module.finetuning.state_machine_arn
}

output "data_bucket_name" {
  description = "Bucket with the model and its evaluation, below results/."
  value       = module.finetuning.data_bucket_name
}
