import { describe, expect, it } from "vitest";
import { type SignedRequest, signatureProblem } from "../../../emulation/opensearch/sigv4.ts";

// The signature is the one that AWS publishes for its example request "get-vanilla" (Signature Version 4 test suite).
const PUBLISHED: SignedRequest = {
  method: "GET",
  target: "/",
  headers: {
    host: "example.amazonaws.com",
    "x-amz-date": "20150830T123600Z",
    authorization:
      "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
  },
  body: Buffer.alloc(0),
};
const EXPECTED = {
  credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" },
  region: "us-east-1",
  service: "service",
  now: new Date("2015-08-30T12:38:00Z"),
};

function changed(headers: Record<string, string>, more: Partial<SignedRequest> = {}): SignedRequest {
  return { ...PUBLISHED, ...more, headers: { ...PUBLISHED.headers, ...headers } };
}

describe("signatureProblem", () => {
  it("accepts the signature that AWS publishes", async () => {
    expect(await signatureProblem(PUBLISHED, EXPECTED)).toBeUndefined();
  });

  it.each([
    ["another path", changed({}, { target: "/other" }), /does not match/],
    ["another query", changed({}, { target: "/?a=b" }), /does not match/],
    ["another method", changed({}, { method: "POST" }), /does not match/],
    ["another body", changed({}, { body: Buffer.from("x") }), /does not match/],
    ["another host", changed({ host: "example.org" }), /does not match/],
    ["a body that is not the declared one", changed({ "x-amz-content-sha256": "0".repeat(64) }), /hash of the/],
    ["a session token that nobody issued", changed({ "x-amz-security-token": "x" }), /security token/],
    ["no date", changed({ "x-amz-date": "" }), /X-Amz-Date/],
    ["a malformed header", changed({ authorization: "Basic dXNlcg==" }), /requires 'Credential'/],
  ])("refuses a request with %s", async (_, request, problem) => {
    expect(await signatureProblem(request, EXPECTED)).toMatch(problem);
  });

  it("refuses a signature that is older than five minutes", async () => {
    const late = { ...EXPECTED, now: new Date("2015-08-30T12:41:01Z") };
    expect(await signatureProblem(PUBLISHED, late)).toMatch(/expired/);
  });
});
