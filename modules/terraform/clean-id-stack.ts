import { type TerraformElement, TerraformOutput, type TerraformOutputConfig, TerraformStack } from "cdktf";
import type { Construct, Node } from "constructs";

/** Two elements would have the same Terraform address. */
export class AddressClashError extends Error {
  override readonly name = "AddressClashError";
}

/**
 * A stack whose addresses are the construct ids joined by `_`, without CDKTF's hash: `aws_s3_bucket.storage_data`. They stay
 * when a construct is wrapped in another of the id "Default", and a Terraform module of the same constructs has the same ones.
 */
export class CleanIdStack extends TerraformStack {
  readonly #owners = new Map<string, string>();

  protected override allocateLogicalId(element: TerraformElement | Node): string {
    const node = "node" in element ? element.node : element;
    const below = node.scopes.slice(node.scopes.indexOf(this) + 1);
    const address = below
      .map((scope) => scope.node.id)
      .filter((id) => id !== "Default")
      .join("_")
      .replaceAll(/[^A-Za-z0-9_-]/g, "_");
    const owner = this.#owners.get(address);
    if (owner !== undefined && owner !== node.path) {
      throw new AddressClashError(`${owner} and ${node.path} both have the address ${address}; give one another id`);
    }
    this.#owners.set(address, node.path);
    return address;
  }
}

/** An output under exactly the name it is given. */
export class StackOutput extends TerraformOutput {
  constructor(scope: Construct, name: string, config: TerraformOutputConfig) {
    super(scope, name, config);
    this.overrideLogicalId(name);
  }
}
