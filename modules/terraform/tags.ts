import { Aspects, Fn, type IAspect, TerraformIterator, TerraformResource } from "cdktf";
import type { Construct, IConstruct } from "constructs";

/** A resource of AWS that can carry tags. */
interface Taggable extends TerraformResource {
  tags: Record<string, string>;
  readonly tagsInput: Record<string, string> | undefined;
}

/** S3 takes ten tags of an object at most, and a bill shows buckets only: objects go without. */
const UNTAGGED: readonly string[] = ["aws_s3_object"];

class Tagging implements IAspect {
  readonly #tags: Record<string, string>;

  constructor(tags: Record<string, string>) {
    this.#tags = tags;
  }

  visit(node: IConstruct): void {
    if (!isTaggable(node) || UNTAGGED.includes(node.terraformResourceType)) return;
    const own = node.tagsInput;
    node.tags = own === undefined ? this.#tags : (Fn.merge([own, this.#tags]) as unknown as Record<string, string>);
  }
}

function isTaggable(node: IConstruct): node is Taggable {
  return node instanceof TerraformResource && "tagsInput" in node;
}

/**
 * Gives every resource below `scope` that can carry tags the user's tags. A provider's default tags would do the same, but a
 * Terraform module has no provider of its own.
 *
 * @param tags the tags, or a Terraform expression of them.
 */
export function tagResources(scope: Construct, tags: Record<string, string>): void {
  Aspects.of(scope).add(new Tagging(tags));
}

/** Tags of what an execution makes, in the two forms of AWS's requests; they may be Terraform expressions. */
export interface ExecutionTags {
  /** A list of keys and values: SageMaker's. */
  readonly list: unknown;
  /** An object: Application Auto Scaling's. */
  readonly object: unknown;
}

const DEPLOYMENT_TAG = "opensearch-finetuning:deployment";
const EXECUTION_TAG = "opensearch-finetuning:execution";
const EXECUTION_NAME = "$$.Execution.Name";

/** The deployment, the execution, and the user's own. */
export function executionTags(deployment: string, tags: Record<string, string>): ExecutionTags {
  const list: readonly unknown[] = [
    { Key: DEPLOYMENT_TAG, Value: deployment },
    { Key: EXECUTION_TAG, "Value.$": EXECUTION_NAME },
  ];
  const object = { [DEPLOYMENT_TAG]: deployment, [`${EXECUTION_TAG}.$`]: EXECUTION_NAME };
  const userTags = TerraformIterator.fromMap(tags).forExpressionForList("{ Key = key, Value = val }");
  return {
    list: Fn.concat([list as string[], userTags as unknown as string[]]),
    object: Fn.merge([tags, object]),
  };
}
