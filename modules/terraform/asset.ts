import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { TerraformStack } from "cdktf";
import { addCustomSynthesis } from "cdktf/lib/synthesize/synthesizer.js";
import { Construct } from "constructs";

/** Content of an asset. */
export interface AssetProps {
  /** Name of the file below the stack's `assets/`. */
  readonly fileName: string;
  readonly content: Uint8Array;
}

/** A file that synthesis writes beside the stack, addressed relative to it, so that no path of this machine is in the plan. */
export class Asset extends Construct {
  /** Terraform expression of the file's path. */
  readonly path: string;
  /** SHA-256 in base64, as `source_code_hash` wants it. */
  readonly base64Sha256: string;
  /** SHA-256 in hexadecimal. */
  readonly sha256: string;

  constructor(scope: Construct, id: string, { fileName, content }: AssetProps) {
    super(scope, id);
    this.path = `\${path.module}/assets/${fileName}`;
    const digest = createHash("sha256").update(content).digest();
    this.base64Sha256 = digest.toString("base64");
    this.sha256 = digest.toString("hex");
    const stack = TerraformStack.of(this);
    addCustomSynthesis(this, {
      onSynthesize(session) {
        const { workingDirectory } = session.manifest.forStack(stack);
        const directory = path.join(session.outdir, workingDirectory, "assets");
        mkdirSync(directory, { recursive: true });
        writeFileSync(path.join(directory, fileName), content);
      },
    });
  }
}
