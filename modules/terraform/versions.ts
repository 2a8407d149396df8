/** The first version of Terraform in which a variable's validation may refer to other variables. */
export const REQUIRED_VERSION = ">= 1.9.0";

/** Provider versions that the constructs are written for; one of them is what the tests run. */
export const REQUIRED_PROVIDERS = { aws: { source: "hashicorp/aws", version: "~> 5.90" } } as const;
