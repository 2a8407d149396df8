import { Aspects, Fn, type IAspect, TerraformResource } from "cdktf";
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
