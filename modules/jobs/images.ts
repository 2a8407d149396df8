import { Fn, Op, type Precondition, TerraformLocal } from "cdktf";
import type { Construct } from "constructs";
import {
  DLC_ACCOUNT,
  DLC_ACCOUNT_BY_REGION,
  REGIONS_WITH_IMAGES,
  TEI_ACCOUNT_BY_REGION,
} from "../../pipeline/image-registries.ts";
import type { Images } from "../../pipeline/images.ts";
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
  const image = (name: keyof Images, account: string, repositoryAndTag: string): string =>
    new TerraformLocal(
      scope,
      `${name}_image`,
      Fn.coalesce([overrides[name], Fn.format(`%s.dkr.ecr.%s.%s/${repositoryAndTag}`, [account, region, dnsSuffix])]),
    ).asString;
  const dlcAccount = Fn.lookup(DLC_ACCOUNT_BY_REGION, region, DLC_ACCOUNT);
  const teiAccount = Fn.lookup(TEI_ACCOUNT_BY_REGION, region, NO_ACCOUNT);
  return {
    training_gpu: image("training_gpu", dlcAccount, `pytorch-training:${TRAINING_TAGS.gpu}`),
    training_cpu: image("training_cpu", dlcAccount, `pytorch-training:${TRAINING_TAGS.cpu}`),
    serving_gpu: image("serving_gpu", teiAccount, `tei:${SERVING_TAGS.gpu}`),
    serving_cpu: image("serving_cpu", teiAccount, `tei-cpu:${SERVING_TAGS.cpu}`),
    sparse_serving_gpu: image("sparse_serving_gpu", dlcAccount, `pytorch-inference:${SPARSE_SERVING_TAGS.gpu}`),
    sparse_serving_cpu: image("sparse_serving_cpu", dlcAccount, `pytorch-inference:${SPARSE_SERVING_TAGS.cpu}`),
  };
}

/** What a plan refuses: a region whose images are not known, unless every one is given in `overrides`. */
export function imagesKnown({ region }: AwsContext, overrides: Images): Precondition {
  const images: string[] = Object.values(overrides);
  const allGiven = Op.eq(Fn.lengthOf(Fn.compact(images)), images.length);
  return {
    condition: Op.or(Fn.contains([...REGIONS_WITH_IMAGES], region), allGiven),
    errorMessage:
      "The provider's region must be one whose images are known, or all images must be given; configure for example us-east-1, or write training_image_gpu, training_image_cpu, serving_image_gpu, serving_image_cpu, sparse_serving_image_gpu and sparse_serving_image_cpu.",
  };
}

/** ARN of the repository that an image in Amazon ECR comes from. */
export function repositoryArn({ partition }: AwsContext, image: string): string {
  const part = (index: number): string =>
    Fn.element(Fn.regex("^([0-9]+)[.]dkr[.]ecr[.]([a-z0-9-]+)[.][^/]+/([^:@]+)", image), index);
  return `arn:${partition}:ecr:${part(1)}:${part(0)}:repository/${part(2)}`;
}
