import { validationException } from "../wire/service-error.ts";

/** A Claude model, as itself or through an inference profile, by id or ARN. */
const CLAUDE =
  /^(?:arn:aws(?:-[^:]+)?:bedrock:[a-z0-9-]*:(?:\d{12})?:(?:foundation-model|inference-profile)\/)?(?:(?:us|us-gov|eu|apac|au|jp|ca|global)\.)?anthropic\.claude-[a-z0-9.:-]+$/;

/** @throws ServiceError `ValidationException` for any model that is not Anthropic's: the stub speaks its format only. */
export function checkModelId(modelId: string): void {
  if (!CLAUDE.test(modelId)) throw validationException("The provided model identifier is invalid.");
}
