import { type Condition, isGiven } from "../terraform/conditions.ts";

/** The customer-managed key, as far as roles need it. */
export interface DataKey {
  readonly given: Condition;
  /** ARN; empty when there is none. */
  readonly arn: string;
}

/** The key of this ARN; an empty one is none. */
export function dataKey(arn: string): DataKey {
  return { given: isGiven(arn), arn };
}

/** The VPC in which things run, as far as roles and requests need it. */
export interface Network {
  readonly given: Condition;
  readonly subnetIds: string[];
  readonly securityGroupIds: string[];
}

/** The network of these subnets; no subnets are none. */
export function network(subnetIds: string[], securityGroupIds: string[]): Network {
  return { given: isGiven(subnetIds), subnetIds, securityGroupIds };
}

/** The network as SageMaker's requests name it. */
export function vpcConfig({ subnetIds, securityGroupIds }: Network): object {
  return { VpcConfig: { Subnets: subnetIds, SecurityGroupIds: securityGroupIds } };
}
