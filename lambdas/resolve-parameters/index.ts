import { lambdaHandler } from "../shared/lambda/handler.ts";
import { ResolveRequest, resolveParameters } from "./resolve.ts";

/** The first state: {input, defaults, rules, images} to {parameters, arguments, images}. */
export const handler = lambdaHandler("resolve-parameters", ResolveRequest, async (event) => resolveParameters(event));
