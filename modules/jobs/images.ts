import { Fn, Op, type Precondition, TerraformLocal } from "cdktf";
import type { Construct } from "constructs";
import {
  DLC_ACCOUNT,
  DLC_ACCOUNT_BY_REGION,
  REGIONS_WITH_IMAGES,
  TEI_ACCOUNT_BY_REGION,
} from "../../pipeline/image-registries.ts";
import { forEachImage, type Images } from "../../pipeline/images.ts";
import { KNOWN_IMAGES_RULE } from "../../pipeline/parameters/cross-field-rules.ts";
import type { AwsContext } from "../terraform/aws-context.ts";

/** Stands in images that {@link imagesKnown} refuses or that others take the place of: they are formed all the same. */
const NO_ACCOUNT = "000000000000";

/** PyTorch 2.10, patched until 2027-01-21. */
const TRAINING_TAGS = {
  gpu: "2.10.0-gpu-py313-cu130-ubuntu22.04-sagemaker",
  cpu: "2.10.0-cpu-py313-ubuntu22.04-sagemaker",
} as const;

/** Text Embeddings Inference 1.8.2: CUDA 12.2, so that the endpoint's default driver runs it. */
const SERVING_TAGS = {
  gpu: "2.0.1-tei1.8.2-gpu-py310-cu122-ubuntu22.04",
  cpu: "2.0.1-tei1.8.2-cpu-py310-ubuntu22.04",
} as const;

/** PyTorch Inference 2.6, whose handler is the artifact's own; its packages are newer than the image's and come from PyPI. */
const SPARSE_SERVING_TAGS = {
  gpu: "2.6.0-gpu-py312-cu124-ubuntu22.04-sagemaker",
  cpu: "2.6.0-cpu-py312-ubuntu22.04-sagemaker",
} as const;

/** The region's images, as locals of the stack; `overrides` that are not empty take their place. */
export function regionalImages(scope: Construct, { region, dnsSuffix }: AwsContext, overrides: Images): Images {
  const dlcAccount = Fn.lookup(DLC_ACCOUNT_BY_REGION, region, DLC_ACCOUNT);
  const teiAccount = Fn.lookup(TEI_ACCOUNT_BY_REGION, region, NO_ACCOUNT);
  const sources: Images<{ account: string; image: string }> = {
    training_gpu: { account: dlcAccount, image: `pytorch-training:${TRAINING_TAGS.gpu}` },
    training_cpu: { account: dlcAccount, image: `pytorch-training:${TRAINING_TAGS.cpu}` },
    serving_gpu: { account: teiAccount, image: `tei:${SERVING_TAGS.gpu}` },
    serving_cpu: { account: teiAccount, image: `tei-cpu:${SERVING_TAGS.cpu}` },
    sparse_serving_gpu: { account: dlcAccount, image: `pytorch-inference:${SPARSE_SERVING_TAGS.gpu}` },
    sparse_serving_cpu: { account: dlcAccount, image: `pytorch-inference:${SPARSE_SERVING_TAGS.cpu}` },
  };
  return forEachImage((purpose) => {
    const { account, image } = sources[purpose];
    const uri = Fn.format(`%s.dkr.ecr.%s.%s/${image}`, [account, region, dnsSuffix]);
    return new TerraformLocal(scope, `${purpose}_image`, Fn.coalesce([overrides[purpose], uri])).asString;
  });
}

/** A precondition of a plan: the provider's region has images, or every one is given in `overrides`. */
export function imagesKnown({ region }: AwsContext, overrides: Images): Precondition {
  const images: string[] = Object.values(overrides);
  const allGiven = Op.eq(Fn.lengthOf(Fn.compact(images)), images.length);
  const { must, write } = KNOWN_IMAGES_RULE;
  return {
    condition: Op.or(Fn.contains([...REGIONS_WITH_IMAGES], region), allGiven),
    errorMessage: `The provider's region must ${must}; write ${write}.`,
  };
}

/** ARN of the repository that an image in Amazon ECR comes from. */
export function repositoryArn({ partition }: AwsContext, image: string): string {
  const part = (index: number): string =>
    Fn.element(Fn.regex("^([0-9]+)[.]dkr[.]ecr[.]([a-z0-9-]+)[.][^/]+/([^:@]+)", image), index);
  return `arn:${partition}:ecr:${part(1)}:${part(0)}:repository/${part(2)}`;
}
