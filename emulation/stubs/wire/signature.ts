import { ServiceError } from "./service-error.ts";

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=[\w+=,.@/-]+?\/\d{8}\/(?<region>[a-z0-9-]+)\/(?<service>[a-z0-9-]+)\/aws4_request, ?SignedHeaders=(?<signed>[a-z0-9:;_-]+), ?Signature=[0-9a-f]{64}$/;

/**
 * Checks that a request carries a well-formed Signature Version 4 for the service. The signature itself is not
 * verified: the emulator has no secrets to verify it with.
 *
 * @returns the region the request was signed for
 * @throws ServiceError status 403, as AWS answers to unsigned, incomplete and wrongly scoped signatures.
 */
export function checkSignature(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  service: string,
): string {
  const { authorization } = headers;
  if (typeof authorization !== "string" || authorization === "") {
    throw new ServiceError("MissingAuthenticationTokenException", "Missing Authentication Token", 403);
  }
  const match = AUTHORIZATION.exec(authorization);
  const { region, service: signedFor, signed } = match?.groups ?? {};
  if (region === undefined || signed === undefined || headers["x-amz-date"] === undefined) {
    throw new ServiceError(
      "IncompleteSignatureException",
      `Authorization header requires a 'Credential', a 'SignedHeaders' and a 'Signature' parameter and an X-Amz-Date header. Authorization=${authorization}`,
      403,
    );
  }
  // Over HTTP/2 the SDK signs the pseudo-header in the place of Host.
  const signsHost = signed.split(";").some((name) => name === "host" || name === ":authority");
  if (signedFor !== service || !signsHost) {
    throw new ServiceError(
      "InvalidSignatureException",
      `Credential should be scoped to correct service: '${service}'.`,
      403,
    );
  }
  return region;
}
