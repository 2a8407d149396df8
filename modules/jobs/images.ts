import { Fn, Op, type Precondition, TerraformLocal } from "cdktf";
import type { Construct } from "constructs";
import type { AwsContext } from "../terraform/aws-context.ts";

/**
 * Accounts of the AWS Deep Learning Containers where a region has its own; every other region shares {@link DLC_ACCOUNT}.
 * Source: the region table of AWS's available Deep Learning Containers images.
 */
const DLC_ACCOUNT_BY_REGION = {
  "af-south-1": "626614931356",
  "ap-east-1": "871362719292",
  "ap-northeast-3": "364406365360",
  "ap-south-2": "772153158452",
  "ap-southeast-3": "907027046896",
  "ap-southeast-4": "457447274322",
  "ca-west-1": "204538143572",
  "cn-north-1": "727897471807",
  "cn-northwest-1": "727897471807",
  "eu-central-2": "380420809688",
  "eu-south-1": "692866216735",
  "eu-south-2": "503227376785",
  "il-central-1": "780543022126",
  "me-central-1": "914824155844",
  "me-south-1": "217643126080",
  "us-gov-east-1": "446045086412",
  "us-gov-west-1": "442386744353",
} as const;

const DLC_ACCOUNT = "763104351884";

/** Accounts of Text Embeddings Inference. Source: `huggingface-tei.json` of the SageMaker Python SDK. */
const TEI_ACCOUNT_BY_REGION = {
  "af-south-1": "510948584623",
  "ap-east-1": "651117190479",
  "ap-northeast-1": "354813040037",
  "ap-northeast-2": "366743142698",
  "ap-northeast-3": "867004704886",
  "ap-south-1": "720646828776",
  "ap-south-2": "628508329040",
  "ap-southeast-1": "121021644041",
  "ap-southeast-2": "783357654285",
  "ap-southeast-3": "951798379941",
  "ap-southeast-4": "106583098589",
  "ca-central-1": "341280168497",
  "ca-west-1": "190319476487",
  "cn-north-1": "450853457545",
  "cn-northwest-1": "451049120500",
  "eu-central-1": "492215442770",
  "eu-central-2": "680994064768",
  "eu-north-1": "662702820516",
  "eu-south-1": "978288397137",
  "eu-south-2": "104374241257",
  "eu-west-1": "141502667606",
  "eu-west-2": "764974769150",
  "eu-west-3": "659782779980",
  "il-central-1": "898809789911",
  "me-central-1": "272398656194",
  "me-south-1": "801668240914",
  "sa-east-1": "737474898029",
  "us-east-1": "683313688378",
  "us-east-2": "257758044811",
  "us-gov-east-1": "237065988967",
  "us-gov-west-1": "414596584902",
  "us-west-1": "746614075791",
  "us-west-2": "246618743249",
} as const;

/** Stands in images that {@link imagesKnown} refuses or that others take the place of: they are formed all the same. */
const NO_ACCOUNT = "000000000000";

/** Regions for which both tables are known to hold; elsewhere every image has to be given. */
export const REGIONS_WITH_IMAGES: readonly string[] = Object.keys(TEI_ACCOUNT_BY_REGION);

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

/** An image for each purpose and device: what `resolve-parameters` chooses from by the instance's family. */
export interface Images {
  readonly training_gpu: string;
  readonly training_cpu: string;
  readonly serving_gpu: string;
  readonly serving_cpu: string;
  readonly sparse_serving_gpu: string;
  readonly sparse_serving_cpu: string;
}

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
