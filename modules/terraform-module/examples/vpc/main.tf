# Functions, jobs and the endpoint in private subnets of a VPC, with a domain that is reached from there only.
#
# The subnets need a way to the APIs of AWS (a NAT gateway, or interface endpoints for states, lambda, sagemaker.api,
# sagemaker.runtime, bedrock, logs, monitoring, sns, xray and servicequotas and a gateway endpoint for S3), and the jobs one to
# PyPI and the Hugging Face Hub. The domain's security group must let the one below in, on port 443.

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

  model_name            = "product-search"
  input_type            = "opensearch"
  opensearch_endpoint   = "https://vpc-products-abcdefghijklmnopqrstuvwxyz.us-east-1.es.amazonaws.com"
  opensearch_index_name = "products"
  text_field_names      = "title,text"

  subnet_ids         = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
  security_group_ids = ["sg-0123456789abcdef0"]
}

output "state_machine_arn" {
  description = "State machine to start."
  value       = module.finetuning.state_machine_arn
}

output "opensearch_role_mapping" {
  description = "Roles to map in OpenSearch before the first execution."
  value       = module.finetuning.opensearch_role_mapping
}
