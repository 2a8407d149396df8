# What a user of the module writes, here for emulated AWS: two deployments in one account.
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
  region                      = "us-east-1"
  max_retries                 = 2
  s3_use_path_style           = true
  skip_credentials_validation = true
  skip_metadata_api_check     = true
}

module "finetuning" {
  source   = "./terraform-aws-opensearch-finetuning"
  for_each = toset(["products", "tickets"])

  name_prefix        = each.key
  lambda_role_name   = "FineTuning-${each.key}"
  model_name         = each.key
  s3_corpus_path     = "s3://corpora/${each.key}.jsonl"
  deploy_endpoint    = false
  register_connector = false
  start_on_apply     = each.key == "products"
  tags               = { team = "search" }
}

output "state_machine_arns" {
  value = { for name, finetuning in module.finetuning : name => finetuning.state_machine_arn }
}
