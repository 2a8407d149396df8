import { Fn, type IResolvable, Op, ref, type TerraformResource, TerraformStack, Token } from "cdktf";

/** Known when the constructs are made, or a Terraform expression of a boolean. */
export type Condition = boolean | IResolvable;

/** Whether a text or a list is not empty. */
export function isGiven(value: string | string[]): Condition {
  return Token.isUnresolved(value) ? Op.gte(Fn.lengthOf(value), 1) : value.length > 0;
}

/** Whether a condition does not hold. */
export function not(condition: Condition): Condition {
  return typeof condition === "boolean" ? !condition : Op.not(condition);
}

/** Whether both conditions hold. */
export function and(one: Condition, other: Condition): Condition {
  if (typeof one === "boolean") return one && other;
  return typeof other === "boolean" ? other && one : Op.and(one, other);
}

/** The text, or null, at which Terraform leaves an attribute out, when the text is empty. */
export function orNull(text: string): string {
  return Fn.conditional(isGiven(text), text, Token.nullValue());
}

/** As many instances of a resource as there shall be: one or none. */
export function oneIf(condition: Condition): number {
  return Token.asNumber(Fn.conditional(condition, 1, 0));
}

/** The attribute of a resource that has one instance or none; empty when there is none. */
export function attributeOfOne(resource: TerraformResource, attribute: string): string {
  const first = `${resource.terraformResourceType}.${resource.friendlyUniqueId}[0].${attribute}`;
  return Token.asString(Fn.try([ref(first, TerraformStack.of(resource)), ""]));
}
