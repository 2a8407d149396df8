# A bucket and a KMS key of your own, under a permissions boundary.
#
# The key has to be there before the module is planned, with the policy that the output key_policy shows.

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

locals {
  account_id  = "123456789012"
  region      = "us-east-1"
  name_prefix = "product-search"
}

module "finetuning" {
  source = "../.."

  name_prefix         = local.name_prefix
  model_name          = "product-search"
  s3_corpus_path      = "s3://my-data/corpus.jsonl"
  opensearch_endpoint = "https://search-products-abc123.us-east-1.es.amazonaws.com"

  existing_bucket_name     = "my-data"
  kms_key_arn              = "arn:aws:kms:${local.region}:${local.account_id}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
  permissions_boundary_arn = "arn:aws:iam::${local.account_id}:policy/boundary"
}

data "aws_iam_policy_document" "key" {
  # checkov:skip=CKV_AWS_109:The resource of a key's policy is the key itself.
  # checkov:skip=CKV_AWS_111:The resource of a key's policy is the key itself.
  # checkov:skip=CKV_AWS_356:The resource of a key's policy is the key itself.

  statement {
    sid       = "LetIamPoliciesDecide"
    actions   = ["kms:*"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["arn:aws:iam::${local.account_id}:root"]
    }
  }

  statement {
    sid       = "EncryptLogs"
    actions   = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
    resources = ["*"]

    principals {
      type        = "Service"
      identifiers = ["logs.${local.region}.amazonaws.com"]
    }

    condition {
      test     = "ArnLike"
      variable = "kms:EncryptionContext:aws:logs:arn"
      values   = ["arn:aws:logs:${local.region}:${local.account_id}:log-group:*"]
    }
  }

  # Without it, alarms go off but nobody is told: the topic is encrypted.
  statement {
    sid       = "AlarmsPublish"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey*"]
    resources = ["*"]

    principals {
      type        = "Service"
      identifiers = ["cloudwatch.amazonaws.com"]
    }

    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = ["arn:aws:cloudwatch:${local.region}:${local.account_id}:alarm:${local.name_prefix}-*"]
    }
  }
}

output "state_machine_arn" {
  description = "State machine to start."
  value       = module.finetuning.state_machine_arn
}

output "opensearch_role_mapping" {
  description = "Roles to map in OpenSearch before the first execution."
  value       = module.finetuning.opensearch_role_mapping
}

output "key_policy" {
  description = "Policy that the key needs."
  value       = data.aws_iam_policy_document.key.json
}
