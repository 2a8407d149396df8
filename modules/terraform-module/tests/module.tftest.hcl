# `terraform init && terraform test`: plans against a mocked provider, without credentials.

mock_provider "aws" {
  mock_data "aws_region" {
    defaults = {
      id = "us-east-1"
    }
  }
}

variables {
  model_name         = "products"
  s3_corpus_path     = "s3://my-bucket/corpus.jsonl"
  register_connector = false
}

run "names_and_tags_follow_the_variables" {
  command = plan

  variables {
    name_prefix = "products-finetuning"
    tags        = { team = "search" }
  }

  assert {
    condition     = aws_sfn_state_machine.pipeline_workflow.name == "products-finetuning"
    error_message = "The state machine's name must be name_prefix."
  }

  assert {
    condition = alltrue([for resource in [
      aws_s3_bucket.pipeline_data_bucket[0],
      aws_sfn_state_machine.pipeline_workflow,
      aws_lambda_function.pipeline_functions_s3-validator,
      aws_iam_role.pipeline_roles_job[0],
      aws_cloudwatch_log_group.pipeline_workflow_logs,
    ] : resource.tags == tomap({ team = "search" })])
    error_message = "Every resource must have the tags."
  }
}

run "starts_nothing_by_itself" {
  command = plan

  assert {
    condition     = length(aws_lambda_invocation.pipeline_start_invocation) == 0
    error_message = "Nothing may start unless start_on_apply is true."
  }
}

run "starts_one_execution_with_start_on_apply" {
  command = plan

  variables {
    start_on_apply = true
  }

  assert {
    condition     = aws_lambda_invocation.pipeline_start_invocation[0].lifecycle_scope == "CREATE_ONLY"
    error_message = "The execution must be started once, not by each apply."
  }
}

run "refuses_a_bad_value" {
  command = plan

  variables {
    max_steps = 1001
  }

  expect_failures = [var.max_steps]
}

run "refuses_registration_without_a_domain" {
  command = plan

  variables {
    register_connector = true
  }

  expect_failures = [var.opensearch_endpoint]
}

run "refuses_a_region_without_images" {
  command = plan

  override_data {
    target = data.aws_region.pipeline_aws_region
    values = {
      id = "mx-central-1"
    }
  }

  expect_failures = [aws_sfn_state_machine.pipeline_workflow]
}

run "takes_a_region_for_which_images_are_given" {
  command = plan

  variables {
    training_image_gpu       = "123456789012.dkr.ecr.mx-central-1.amazonaws.com/training:gpu"
    training_image_cpu       = "123456789012.dkr.ecr.mx-central-1.amazonaws.com/training:cpu"
    serving_image_gpu        = "123456789012.dkr.ecr.mx-central-1.amazonaws.com/serving:gpu"
    serving_image_cpu        = "123456789012.dkr.ecr.mx-central-1.amazonaws.com/serving:cpu"
    sparse_serving_image_gpu = "123456789012.dkr.ecr.mx-central-1.amazonaws.com/sparse:gpu"
    sparse_serving_image_cpu = "123456789012.dkr.ecr.mx-central-1.amazonaws.com/sparse:cpu"
  }

  override_data {
    target = data.aws_region.pipeline_aws_region
    values = {
      id = "mx-central-1"
    }
  }
}

run "example_s3_input" {
  command = plan

  module {
    source = "./examples/s3-input"
  }
}

run "example_opensearch_input" {
  command = plan

  module {
    source = "./examples/opensearch-input"
  }
}

run "example_training_only" {
  command = plan

  module {
    source = "./examples/training-only"
  }
}

run "example_vpc" {
  command = plan

  module {
    source = "./examples/vpc"
  }
}

run "example_existing_bucket_and_kms" {
  command = plan

  module {
    source = "./examples/existing-bucket-and-kms"
  }
}
