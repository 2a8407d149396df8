import type { JsonOperations } from "../wire/protocols.ts";
import { parseInput } from "../wire/validation.ts";
import { AddTagsInput, DeleteTagsInput, ListTagsInput } from "./inputs.ts";

interface Tag {
  readonly Key: string;
  readonly Value: string;
}

/** The tags of the account's SageMaker resources. */
export class ResourceTags {
  readonly #tags = new Map<string, Map<string, string>>();

  readonly operations: JsonOperations = {
    AddTags: (input) => {
      const { ResourceArn, Tags } = parseInput(AddTagsInput, input);
      this.add(ResourceArn, Tags);
      return { Tags: this.#list(ResourceArn) };
    },
    DeleteTags: (input) => {
      const { ResourceArn, TagKeys } = parseInput(DeleteTagsInput, input);
      for (const key of TagKeys) this.#tags.get(ResourceArn)?.delete(key);
      return {};
    },
    ListTags: (input) => ({ Tags: this.#list(parseInput(ListTagsInput, input).ResourceArn) }),
  };

  add(arn: string, tags: readonly Tag[]): void {
    const existing = this.#tags.get(arn) ?? new Map<string, string>();
    for (const { Key, Value } of tags) existing.set(Key, Value);
    this.#tags.set(arn, existing);
  }

  #list(arn: string): Tag[] {
    return [...(this.#tags.get(arn) ?? [])].map(([Key, Value]) => ({ Key, Value }));
  }
}
